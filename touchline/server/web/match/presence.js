/** Who else has this match open, and what they look at. */

import { ask, newKey, session } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { clock } from "../lib/format.js";
import { t } from "../lib/texts.js";

/** @typedef {{name: string, event: string | null, seconds: number | null}} Present */

const TELL_SECONDS = 5;

/** `<match-presence>`: dispatches `follow` with what somebody looks at. */
export class MatchPresence extends HTMLElement {
  /** @type {() => {event: string | null, seconds: number}} where this page is */
  here = () => ({ event: null, seconds: 0 });
  /** The name of an event that somebody looks at. @type {(id: string) => string} */
  nameOf = () => "";
  #page = newKey();
  #path = "";
  #timer = 0;
  #isStopped = false;

  /** @param {string} path of the match */
  start(path) {
    this.#path = `${path}/presence`;
    if (session.current?.guest_of !== null) return;
    addEventListener("pagehide", this.#leave);
    this.#tell();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    removeEventListener("pagehide", this.#leave);
    if (this.#path && session.current?.guest_of === null) this.#leave();
  }

  #leave = () => {
    ask("POST", this.#path, { body: { page: this.#page, left: true }, keepalive: true }).catch(() => undefined);
  };

  #tell = async () => {
    clearTimeout(this.#timer);
    if (!document.hidden) {
      const { event, seconds } = this.here();
      try {
        /** @type {import("../lib/api.js").Answer<{items: Present[]}>} */
        const { data } = await ask("POST", this.#path, { body: { page: this.#page, event, seconds: Math.max(0, Math.round(seconds * 10) / 10) } });
        this.#draw(data.items);
      } catch {
        this.#draw([]); // the next one may be answered
      }
    }
    if (!this.#isStopped) this.#timer = setTimeout(this.#tell, TELL_SECONDS * 1000);
  };

  /** @param {Present[]} others */
  #draw(others) {
    fill(
      this,
      others.map((one) => {
        const what = one.event ? this.nameOf(one.event) : "";
        const where = what || (one.seconds === null ? "" : clock(one.seconds));
        const words = where ? t("presentAt", { name: one.name, where }) : one.name;
        return h(
          "button",
          { type: "button", class: "present", title: words, "aria-label": words, onclick: () => this.dispatchEvent(new CustomEvent("follow", { detail: one })) },
          h("span", { class: "present-dot", "aria-hidden": "true" }, one.name.slice(0, 1).toUpperCase()),
          h("span", { class: "present-where" }, `${one.name}${where ? ` · ${where}` : ""}`),
        );
      }),
    );
  }
}

customElements.define("match-presence", MatchPresence);
