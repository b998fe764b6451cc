/** One event, and the fields that can be changed. */

import { fill, h, iconButton } from "../lib/dom.js";
import { clock, date, percent } from "../lib/format.js";
import { t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("../lib/types.js").EventValues} EventValues */

/**
 * `<event-inspector>`: dispatches `edit` with `{id, values}` and `do` with the name of a command.
 */
export class EventInspector extends HTMLElement {
  /** @type {string[]} */
  labels = [];
  isEditable = true;
  /** Whether each half has its video, so that an event's half follows from its time. */
  hasHalves = false;
  /** @type {(event: MatchEvent) => string | null} match clock and score at an event */
  stateOf = () => null;
  #shown = "";

  /** @param {MatchEvent | null} event @param {string[]} teams known already */
  show(event, teams) {
    this.hidden = event === null;
    if (!event) {
      this.#shown = "";
      return;
    }
    const shown = JSON.stringify([event, teams, this.stateOf(event)]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (this.contains(document.activeElement) && this.dataset.id === event.id) this.#refresh(event);
    else this.#draw(event, teams);
  }

  focusNote() {
    this.querySelector("textarea")?.focus();
  }

  /** @param {Partial<EventValues>} values */
  #edit(values) {
    this.dispatchEvent(new CustomEvent("edit", { detail: { id: this.dataset.id, values } }));
  }

  /** @param {string} command */
  #do(command) {
    this.dispatchEvent(new CustomEvent("do", { detail: command }));
  }

  /** Update the fields, except the one that has the focus. @param {MatchEvent} event */
  #refresh(event) {
    for (const field of this.querySelectorAll("input, select, textarea")) {
      if (field === document.activeElement || !(field instanceof HTMLElement)) continue;
      const value = Reflect.get(event, field.dataset.field ?? "");
      if (value !== undefined && field.dataset.field !== "time") Reflect.set(field, "value", value ?? "");
    }
    const time = this.querySelector("output");
    if (time) fill(time, clock(event.time, 3));
    const facts = this.querySelector(".facts-line");
    if (facts) fill(facts, this.#facts(event));
  }

  /** @param {MatchEvent} event */
  #facts(event) {
    const sure = event.source === "model" || event.confidence < 1 ? ` ${percent(event.confidence)}` : "";
    const origin = t(`source.${event.source}`) + sure;
    const last =
      event.updated_by && event.version > 1
        ? t("changedBy", { name: event.updated_by, when: date(event.updated_at) })
        : "";
    return [this.stateOf(event), origin, t(`status.${event.status}`), last].filter(Boolean).join(" · ");
  }

  /** How long an event lasts. @param {MatchEvent} event */
  #length(event) {
    const off = !this.isEditable;
    const part = (/** @type {"lead" | "lag"} */ name, /** @type {string} */ label) => {
      const input = h("input", {
        type: "number", min: "0", max: "14400", step: "0.001", value: event[name] ?? "", placeholder: "–", disabled: off, "data-field": name,
        onchange: () => input.reportValidity() && this.#setLength(event),
      });
      return h("label", { class: "field" }, label, input);
    };
    const act = (/** @type {"markStart" | "markEnd" | "toPoint"} */ command, /** @type {string} */ words) =>
      h("button", { type: "button", class: "small", disabled: off, title: t(`key.${command}`), onclick: () => this.#do(command) }, words);
    return h(
      "details",
      { class: "event-length", open: event.lead !== null },
      h("summary", {}, t("eventLength")),
      h(
        "div",
        { class: "row" },
        part("lead", t("leadShort")),
        part("lag", t("lagShort")),
        act("markStart", t("startHereShort")),
        act("markEnd", t("endHereShort")),
        act("toPoint", t("point")),
      ),
    );
  }

  /** @param {MatchEvent} event */
  #setLength(event) {
    const [lead, lag] = /** @type {const} */ (["lead", "lag"]).map((name) => {
      const input = /** @type {HTMLInputElement | null} */ (this.querySelector(`[data-field=${name}]`));
      return Number(input?.value) || 0;
    });
    const isPoint = !lead && !lag;
    if (isPoint && event.lead === null) return;
    this.#edit(isPoint ? { lead: null, lag: null } : { lead: lead ?? 0, lag: lag ?? 0 });
  }

  /** @param {MatchEvent} event @param {string[]} teams */
  #draw(event, teams) {
    this.dataset.id = event.id;
    const off = !this.isEditable;
    const text = (/** @type {"team" | "player"} */ name, /** @type {string | null} */ list) =>
      h("input", {
        value: event[name] ?? "", maxlength: "300", disabled: off, "data-field": name, list,
        onchange: (/** @type {Event} */ change) =>
          this.#edit({ [name]: /** @type {HTMLInputElement} */ (change.target).value.trim() || null }),
      });
    const labels = this.labels.includes(event.label) ? this.labels : [...this.labels, event.label];
    const nudge = (/** @type {string} */ command, /** @type {string} */ label, /** @type {string} */ shown) =>
      h("button", { type: "button", disabled: off, "aria-label": `${shown}: ${label}`, title: label, onclick: () => this.#do(command) }, shown);
    fill(
      this,
      h(
        "div",
        { class: "row nudges" },
        nudge("earlierSecond", t("key.earlierSecond"), "−1 s"),
        nudge("earlierFrame", t("key.earlierFrame"), "−1 f"),
        h("output", { class: "number", "aria-label": t("time") }, clock(event.time, 3)),
        nudge("laterFrame", t("key.laterFrame"), "+1 f"),
        nudge("laterSecond", t("key.laterSecond"), "+1 s"),
        h("span", { class: "space" }),
        off ? null : iconButton("list", t("key.addPlaylist"), { onclick: () => this.#do("addPlaylist") }),
        off ? null : iconButton("trash", t("key.remove"), { onclick: () => this.#do("remove") }),
      ),
      h(
        "div",
        { class: "fields" },
        h(
          "label",
          { class: "field" },
          t("class"),
          h(
            "select",
            {
              disabled: off, "data-field": "label",
              onchange: (/** @type {Event} */ change) =>
                this.#edit({ label: /** @type {HTMLSelectElement} */ (change.target).value }),
            },
            labels.map((label) => h("option", { value: label, selected: label === event.label }, label)),
          ),
        ),
        h("label", { class: "field" }, t("team"), text("team", "teams")),
        h(
          "label",
          { class: "field" },
          t("half"),
          h(
            "select",
            {
              disabled: off || this.hasHalves, "data-field": "half",
              onchange: (/** @type {Event} */ change) =>
                this.#edit({ half: Number(/** @type {HTMLSelectElement} */ (change.target).value) || null }),
            },
            h("option", { value: "" }, "–"),
            [1, 2, 3, 4].map((half) => h("option", { value: half, selected: half === event.half }, half)),
          ),
        ),
        h("label", { class: "field" }, t("player"), text("player", null)),
        h(
          "label",
          { class: "field note" },
          t("note"),
          h(
            "textarea",
            {
              rows: "1", maxlength: "4000", disabled: off, "data-field": "note",
              onchange: (/** @type {Event} */ change) =>
                this.#edit({ note: /** @type {HTMLTextAreaElement} */ (change.target).value.trim() || null }),
            },
            event.note ?? "",
          ),
        ),
      ),
      this.#length(event),
      h("datalist", { id: "teams" }, [...new Set(["home", "away", ...teams])].map((team) => h("option", { value: team }))),
      h("p", { class: "quiet-text facts-line" }, this.#facts(event)),
    );
  }
}

customElements.define("event-inspector", EventInspector);
