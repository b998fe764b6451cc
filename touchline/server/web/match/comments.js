/** What people say of an event. */

import { ask, change, explain, get, mayEdit, session } from "../lib/api.js";
import { fill, h, iconButton } from "../lib/dom.js";
import { date } from "../lib/format.js";
import { complain } from "../lib/notices.js";
import { n, t } from "../lib/texts.js";

/** @typedef {{id: string, event: string, author: string, text: string, created_at: string}} Comment */
/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */

/** `<event-comments>`: those of the selected event; `path` is that of its match. */
export class EventComments extends HTMLElement {
  path = "";
  #shown = "";
  #event = "";

  connectedCallback() {
    if (this.list) return;
    this.summary = h("summary", {}, t("comments"));
    this.list = h("ul", { class: "comment-rows" });
    this.input = h("textarea", { rows: "1", maxlength: "2000", placeholder: t("commentNew"), "aria-label": t("commentNew"), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#typed(event) });
    this.form = h("form", { class: "row with-button", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.#send(); } }, h("div", { class: "grow" }, this.input), h("button", {}, t("commentSend")));
    this.box = h("details", { class: "comments", ontoggle: () => this.box?.open && this.#opened() }, this.summary, this.list, mayEdit() ? this.form : null);
    fill(this, this.box);
  }

  /** @param {MatchEvent | null} event */
  show(event) {
    this.hidden = event === null || session.current?.guest_of !== null;
    if (this.hidden || !event) return;
    const count = event.comments ?? 0;
    const shown = `${event.id} ${count}`;
    if (shown === this.#shown) return;
    const isOther = event.id !== this.#event;
    this.#shown = shown;
    this.#event = event.id;
    if (this.summary) fill(this.summary, count ? n("comments", count) : t("comments"));
    if (isOther) {
      if (this.input) this.input.value = "";
      if (this.list) fill(this.list);
      if (this.box) this.box.open = false;
    } else if (this.box?.open) this.#read();
  }

  async #opened() {
    await this.#read();
    this.box?.scrollIntoView({ block: "nearest" });
  }

  async #read() {
    const event = this.#event;
    try {
      /** @type {{items: Comment[]}} */
      const { items } = await get(`${this.path}/comments?event=${event}`);
      if (event === this.#event && this.list) fill(this.list, items.map((one) => this.#row(one)));
    } catch (error) {
      complain(explain(error));
    }
  }

  /** @param {Comment} comment */
  #row(comment) {
    const who = session.current;
    const mayDelete = mayEdit() && (comment.author === who?.name || who?.role === "admin");
    return h(
      "li",
      {},
      h("div", { class: "row" }, h("strong", {}, comment.author), h("span", { class: "quiet-text" }, date(comment.created_at)), h("span", { class: "space" }), mayDelete ? iconButton("trash", t("commentDelete", { name: comment.author }), { onclick: () => this.#remove(comment) }) : null),
      h("p", {}, comment.text),
    );
  }

  /** Enter sends, Shift and Enter begins a line. @param {KeyboardEvent} event */
  #typed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send();
  }

  async #send() {
    const text = this.input?.value.trim();
    if (!text || !this.input) return;
    this.input.value = "";
    try {
      await change("POST", `${this.path}/events/${this.#event}/comments`, { body: { text } });
      await this.#read();
    } catch (error) {
      this.input.value ||= text;
      complain(explain(error));
    }
  }

  /** @param {Comment} comment */
  async #remove(comment) {
    try {
      await ask("DELETE", `/v1/comments/${comment.id}`);
    } catch (error) {
      complain(explain(error));
    }
    await this.#read();
  }
}

customElements.define("event-comments", EventComments);
