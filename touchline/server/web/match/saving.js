/** How this person's edits stand: saved, on their way, refused, or in conflict with somebody else's. */

import { connection, mayEdit } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { clock } from "../lib/format.js";
import { notify } from "../lib/notices.js";
import { n, t } from "../lib/texts.js";

export class SavingState {
  saved = h("span", { class: "quiet-text saved", role: "status" });
  refused = h("ul", { class: "refused problem", role: "alert", "aria-label": t("refusedTitle"), hidden: true });

  /** @param {import("./store.js").MatchStore} store @param {import("./thresholds.js").Thresholds} thresholds */
  constructor(store, thresholds) {
    this.store = store;
    this.thresholds = thresholds;
    for (const source of [store, thresholds]) source.addEventListener("saving", this.draw);
    store.addEventListener("conflict", (event) => this.#ask(/** @type {CustomEvent} */ (event).detail));
    connection.addEventListener("lost", this.draw);
  }

  stop() {
    connection.removeEventListener("lost", this.draw);
  }

  draw = () => {
    const { unsaved, refused } = this.store;
    const count = unsaved + Number(this.thresholds.isWaiting);
    this.saved.classList.toggle("unsaved", count + refused.length > 0);
    const rest = refused.length ? n("notSaved", refused.length) : mayEdit() ? t("allSaved") : "";
    fill(this.saved, count === 0 ? rest : connection.isLost ? n("kept", count) : t("saving"));
    this.#drawRefused();
  };

  /** What the server has refused stays in sight until the person has decided. */
  #drawRefused() {
    const { refused } = this.store;
    this.refused.hidden = !refused.length;
    fill(
      this.refused,
      refused.map((edit) =>
        h(
          "li",
          { class: "row" },
          h("span", { class: "grow" }, t("refused", { what: this.#nameOf(edit), reason: edit.refused ?? "" })),
          h("button", { type: "button", onclick: () => this.store.retry(edit) }, t("again")),
          h("button", { type: "button", onclick: () => this.store.discard(edit) }, t("discard")),
        ),
      ),
    );
  }

  /** What an edit is about, in words. @param {import("./edits.js").Edit} edit */
  #nameOf(edit) {
    const id = "id" in edit ? edit.id : "ids" in edit ? edit.ids[0] : undefined;
    const event = this.store.find(id ?? null);
    const kind = t(/** @type {"edit.add"} */ (`edit.${edit.kind}`));
    return event ? `${kind}: ${event.label} ${clock(event.time)}` : kind;
  }

  /** Whose change of an event is to stay. @param {import("./store.js").Conflict} conflict */
  #ask({ theirs, mine, id, fields }) {
    const event = theirs ?? this.store.find(id);
    const shown = (/** @type {object} */ values) =>
      fields.map((field) => `${t(/** @type {"field.time"} */ (`field.${field}`))}: ${Reflect.get(values, field) ?? "–"}`).join(", ");
    const text = theirs
      ? t("conflict", { label: event?.label ?? "", name: theirs.updated_by, theirs: shown(theirs), mine: shown(mine) })
      : t("conflictDeleted");
    notify(text, {
      kind: "problem",
      stays: true,
      actions: theirs
        ? [
            { label: t("keepMine"), act: () => this.store.change(id, mine) },
            { label: t("keepTheirs"), act: () => undefined },
          ]
        : [{ label: t("ok"), act: () => undefined }],
    });
  }
}
