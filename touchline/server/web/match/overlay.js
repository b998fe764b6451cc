/** What happens, written over the playing video: as in annotated videos. */

import { fill, h } from "../lib/dom.js";
import { percent } from "../lib/format.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */

const BEFORE_SECONDS = 0.2;
const AFTER_SECONDS = 2;
const MOST_LINES = 4;

/** `<video-overlay>`: events near the frame on show, with their confidence; clock and score. */
export class VideoOverlay extends HTMLElement {
  /** @type {(label: string) => string} */
  colourOf = () => "#888";
  /** Match clock and score at an event. @type {(event: MatchEvent) => string | null} */
  stateOf = () => null;
  #shown = "";

  connectedCallback() {
    this.setAttribute("aria-hidden", "true");
    this.state = h("div", { class: "overlay-state number" });
    this.lines = h("div", { class: "overlay-lines" });
    fill(this, this.state, this.lines);
  }

  /**
   * @param {MatchEvent[]} events in order of time
   * @param {number} seconds of the frame on show
   * @param {string} state match clock and score then
   */
  show(events, seconds, state) {
    if (this.hidden || !this.state || !this.lines) return;
    const near = nearby(events, seconds).slice(0, MOST_LINES);
    const facts = near.map((event) => [event.id, event.label, event.confidence, this.stateOf(event)].join(" "));
    const version = [state, ...facts].join("\n");
    if (version === this.#shown) return;
    this.#shown = version;
    fill(this.state, state);
    this.state.hidden = !state;
    fill(this.lines, near.map((event) => this.#line(event)));
  }

  /** @param {MatchEvent} event */
  #line(event) {
    const state = this.stateOf(event);
    return h(
      "div",
      { class: "overlay-line", style: { "--class": this.colourOf(event.label), "--share": `${Math.round(event.confidence * 100)}%` } },
      h("span", {}, state ? `${event.label} (${state})` : event.label, " ", h("span", { class: "number" }, percent(event.confidence))),
      h("span", { class: "overlay-bar" }, h("span")),
    );
  }
}

/**
 * Events from a little before to some time after a frame.
 *
 * @param {MatchEvent[]} events in order of time
 * @param {number} seconds
 */
export function nearby(events, seconds) {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.time ?? 0) < seconds - AFTER_SECONDS) low = middle + 1;
    else high = middle;
  }
  const found = [];
  for (let i = low; i < events.length && (events[i]?.time ?? 0) <= seconds + BEFORE_SECONDS; i += 1) {
    const event = events[i];
    if (event) found.push(event);
  }
  return found;
}

customElements.define("video-overlay", VideoOverlay);
