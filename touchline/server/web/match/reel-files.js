/** The files of a match's reels: made in a format by a name people know, downloaded, deleted. */

import { ApiError, LostConnection, ask, change, explain, get, linkTo, mayEdit } from "../lib/api.js";
import { fill, h, icon, iconButton } from "../lib/dom.js";
import { date, percent, size } from "../lib/format.js";
import { jobEnd, warningsOf } from "../lib/jobs.js";
import { complain, notify } from "../lib/notices.js";
import { t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").Product} Product */
/** @typedef {import("../lib/types.js").FileFormat} FileFormat */

/** `<reel-files>`: what is made of the reel on show. */
export class ReelFiles extends HTMLElement {
  /** @type {Product[]} */
  #files = [];
  /** @type {FileFormat[]} */
  #formats = [];
  /** @type {Map<string, number>} progress by what is being made */
  #making = new Map();
  #format = "";
  #each = false;
  /** Whether ends of clips move to camera cuts; undefined as the reel has it. @type {boolean | undefined} */
  #snap = undefined;
  #shown = "";
  /** @type {import("../lib/types.js").Reel | null} */
  reel = null;
  /** @type {import("./store.js").MatchStore | null} */
  store = null;

  /** @param {import("./store.js").MatchStore} store */
  async start(store) {
    this.store = store;
    try {
      await this.read();
    } catch (error) {
      if (!(error instanceof LostConnection)) complain(explain(error));
    }
  }

  async read() {
    if (!this.#formats.length) {
      /** @type {{formats: FileFormat[]}} */
      const { formats } = await get("/v1/capabilities");
      this.#formats = formats.filter((format) => format.reels);
    }
    /** @type {{items: Product[]}} */
    const { items } = await get(`${this.store?.path}/files`);
    this.#files = items;
    this.draw();
  }

  get #snaps() {
    return this.#snap ?? this.reel?.reel.chosen ?? false;
  }

  get #chosen() {
    return this.#formats.find((format) => format.name === this.#format) ?? this.#formats[0];
  }

  async #make() {
    const { reel } = this;
    const format = this.#chosen;
    if (!reel || !format) return;
    const shown = this.#each ? t("eachOf", { format: format.title }) : format.title;
    if (this.#making.has(shown)) return;
    this.#making.set(shown, 0);
    this.draw();
    const tell = await this.#made(reel.id, { format: format.name, each: this.#each, ...(format.video ? { snap: this.#snaps } : {}) }, (share) => {
      this.#making.set(shown, share);
      this.draw();
    });
    this.#making.delete(shown);
    await this.read().catch(() => this.draw());
    tell();
  }

  /**
   * @param {string} reel
   * @param {object} body
   * @param {(share: number) => void} report
   * @returns {Promise<() => void>} what tells how it ended
   */
  async #made(reel, body, report) {
    try {
      await this.store?.allSaved();
      /** @type {import("../lib/api.js").Answer<import("../lib/types.js").Job>} */
      const { data: job } = await change("POST", `/v1/reels/${reel}/files`, { body });
      const ended = await jobEnd(job, (now) => report(now.progress));
      if (ended?.state === "failed") return () => complain(t("renderFailed", { problem: ended.problem ?? "" }));
      if (ended?.state === "cancelled") return () => void notify(t("renderCancelled"));
      const warnings = ended?.state === "succeeded" ? warningsOf(ended) : [];
      const words = [t("renderDone"), ...warnings];
      return () => void notify(words.join(" "), { stays: warnings.length > 0 });
    } catch (error) {
      const text = error instanceof ApiError ? t("renderFailed", { problem: error.message }) : explain(error);
      return () => complain(text);
    }
  }

  /** @param {Product} file */
  async #remove(file) {
    try {
      await ask("DELETE", `/v1/files/${file.id}`);
      await this.read();
    } catch (error) {
      complain(explain(error));
    }
  }

  /** Redraw only where something has changed, so that a link stays under the finger. */
  draw() {
    const count = this.reel?.reel.clips.length ?? 0;
    const shown = JSON.stringify([this.reel?.id, this.reel?.reel.chosen, count > 0, [...this.#making], this.#files, this.#formats.length]);
    this.hidden = !this.reel && !this.#files.length;
    if (shown === this.#shown) return;
    this.#shown = shown;
    fill(
      this,
      h("h2", {}, t("files")),
      mayEdit() && this.reel ? this.#maker(count) : null,
      [...this.#making].map(([name, share]) =>
        h(
          "div",
          { class: "stack", role: "status" },
          h("span", { class: "quiet-text number" }, t("rendering", { format: name, share: percent(share) })),
          h("progress", { value: share, max: 1, "aria-label": t("rendering", { format: name, share: "" }) }),
        ),
      ),
      h("ul", { class: "file-rows" }, this.#files.map((file) => this.#file(file))),
    );
  }

  /** @param {number} count of clips */
  #maker(count) {
    const format = h(
      "select",
      { "aria-label": t("format"), onchange: () => { this.#format = format.value; hide(); } },
      this.#formats.map(({ name, title }) => h("option", { value: name, selected: name === this.#chosen?.name }, title)),
    );
    const snap = h("input", { type: "checkbox", checked: this.#snaps, onchange: () => (this.#snap = snap.checked) });
    const ofVideo = h("label", { class: "check quiet-text" }, snap, t("snap"));
    const hide = () => (ofVideo.hidden = !this.#chosen?.video);
    hide();
    const each = h("input", { type: "checkbox", checked: this.#each, onchange: () => (this.#each = each.checked) });
    return h(
      "div",
      { class: "stack tight" },
      h(
        "div",
        { class: "row" },
        h("div", { class: "format-choice" }, format),
        h("button", { type: "button", disabled: !count, onclick: () => this.#make() }, t("render")),
      ),
      ofVideo,
      h("label", { class: "check quiet-text" }, each, t("each")),
    );
  }

  /** @param {Product} file */
  #file(file) {
    return h(
      "li",
      { class: "row" },
      h("a", { href: linkTo(`/v1/files/${file.id}`), download: file.name, class: "grow" }, icon("download"), " ", file.name),
      h("span", { class: "quiet-text number" }, `${size(file.bytes)} · ${date(file.created_at)}`),
      mayEdit() ? iconButton("trash", t("deleteFile", { name: file.name }), { onclick: () => this.#remove(file) }) : null,
    );
  }
}

customElements.define("reel-files", ReelFiles);
