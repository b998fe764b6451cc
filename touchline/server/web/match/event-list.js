/** The events as a list of any length: only the rows in sight are there. */

import { fill, h, iconButton, oncePerFrame } from "../lib/dom.js";
import { clock, percent } from "../lib/format.js";
import { t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */

const ROW_PIXELS = 46;
const SPARE_ROWS = 6;

/** `<event-list>`: dispatches `pick`, `accept`, `reject` with the id of an event. */
export class EventList extends HTMLElement {
  /** @type {MatchEvent[]} */
  #events = [];
  /** @type {string | null} */
  #selected = null;
  /** @type {(label: string) => string} */
  colourOf = () => "#888";
  isEditable = true;
  /** The line under an event's class. @type {(event: MatchEvent) => string} */
  factsOf = () => "";
  /** @type {(seconds: number) => ({src: string} | null)} */
  thumbnailAt = () => null;
  #draw = oncePerFrame(() => this.#paint());
  /** @type {Map<string, HTMLLIElement>} */
  #rows = new Map();

  connectedCallback() {
    this.list = h("ol", { class: "event-rows", role: "list", "aria-label": t("events") });
    fill(this, this.list);
    this.addEventListener("scroll", this.#draw, { passive: true });
    new ResizeObserver(() => this.select(this.#selected)).observe(this); // what is selected stays in sight
  }

  /** @param {MatchEvent[]} events */
  show(events) {
    this.#events = events;
    this.#draw();
  }

  /** @param {string | null} id @param {boolean} [bring] bring its row into sight */
  select(id, bring = true) {
    this.#selected = id;
    const place = this.#events.findIndex((event) => event.id === id);
    if (bring && place >= 0) this.#reveal(place);
    this.#draw();
  }

  /** Put the focus on the selected row. */
  focusSelected() {
    this.#paint();
    const row = this.#selected && this.#rows.get(this.#selected);
    if (row) row.querySelector("button")?.focus({ preventScroll: true });
  }

  get hasFocus() {
    return this.contains(document.activeElement);
  }

  /** @param {number} place */
  #reveal(place) {
    const top = place * ROW_PIXELS;
    if (top < this.scrollTop + ROW_PIXELS) this.scrollTo({ top: top - ROW_PIXELS });
    else if (top + 2 * ROW_PIXELS > this.scrollTop + this.clientHeight) {
      this.scrollTo({ top: top + 2 * ROW_PIXELS - this.clientHeight });
    }
  }

  #paint() {
    if (!this.list) return;
    const first = Math.max(0, Math.floor(this.scrollTop / ROW_PIXELS) - SPARE_ROWS);
    const last = Math.min(
      this.#events.length,
      Math.ceil((this.scrollTop + this.clientHeight) / ROW_PIXELS) + SPARE_ROWS,
    );
    this.list.style.height = `${this.#events.length * ROW_PIXELS}px`;
    const hadFocus = this.hasFocus;
    /** @type {Map<string, HTMLLIElement>} */
    const rows = new Map();
    for (let place = first; place < last; place += 1) {
      const event = this.#events[place];
      if (!event) continue;
      const row = this.#row(event);
      row.style.transform = `translateY(${place * ROW_PIXELS}px)`;
      row.setAttribute("aria-posinset", String(place + 1));
      row.setAttribute("aria-setsize", String(this.#events.length));
      this.#mark(row, event.id === this.#selected);
      rows.set(event.id, row);
    }
    for (const [id, row] of this.#rows) if (rows.get(id) !== row) row.remove();
    let before = null;
    for (const row of rows.values()) {
      if (row.previousSibling !== before || !row.isConnected) {
        if (before) before.after(row);
        else this.list.prepend(row);
      }
      before = row;
    }
    this.#rows = rows;
    if (hadFocus && !this.hasFocus) this.focusSelectedSoftly();
  }

  focusSelectedSoftly() {
    const row = this.#selected && this.#rows.get(this.#selected);
    const button = row ? row.querySelector("button") : null;
    if (button) button.focus({ preventScroll: true });
    else this.focus({ preventScroll: true });
  }

  /** @param {HTMLLIElement} row @param {boolean} isSelected */
  #mark(row, isSelected) {
    row.classList.toggle("selected", isSelected);
    const buttons = row.querySelectorAll("button");
    buttons[0]?.setAttribute("aria-current", String(isSelected));
    buttons.forEach((button) => (button.tabIndex = isSelected ? 0 : -1));
  }

  /** @param {MatchEvent} event @returns {HTMLLIElement} */
  #row(event) {
    const more = this.factsOf(event);
    const version = [event.time, event.label, event.confidence, event.status, event.source, more].join("\t");
    const known = this.#rows.get(event.id);
    if (known?.dataset.version === version) return known;
    const still = this.thumbnailAt(event.time);
    const tell = (/** @type {string} */ kind) => () =>
      this.dispatchEvent(new CustomEvent(kind, { detail: event.id }));
    const row = h(
      "li",
      { class: `event-row ${event.status}`, "data-id": event.id, "data-version": version, style: { "--class": this.colourOf(event.label) } },
      h(
        "button",
        { type: "button", class: "event-main", onclick: tell("pick") },
        still ? h("img", { class: "still", src: still.src, alt: "", loading: "lazy", draggable: "false" }) : null,
        h("span", { class: "number time" }, clock(event.time)),
        h("span", { class: "swatch" }),
        h(
          "span",
          { class: "what" },
          h("span", { class: "label" }, event.label),
          h(
            "span",
            { class: "number sure", title: t("confidence") },
            event.source === "model" || event.confidence < 1 ? percent(event.confidence) : t(`source.${event.source}.short`),
          ),
          more ? h("span", { class: "more quiet-text" }, more) : null,
        ),
        event.status === "pending" ? null : h("span", { class: "unseen" }, t(`status.${event.status}`)),
      ),
      this.isEditable
        ? [
            iconButton("accept", t("acceptOne", { label: event.label, time: clock(event.time) }), {
              onclick: tell("accept"), "aria-pressed": String(event.status === "accepted"),
            }),
            iconButton("reject", t("rejectOne", { label: event.label, time: clock(event.time) }), {
              onclick: tell("reject"), "aria-pressed": String(event.status === "rejected"),
            }),
          ]
        : null,
    );
    known?.replaceWith(row);
    return row;
  }
}

customElements.define("event-list", EventList);
