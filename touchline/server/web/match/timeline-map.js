/** The strip above the timeline: the whole match, what of it is in view, and the playhead. */

import { h } from "../lib/dom.js";

/** @typedef {import("./timeline-scene.js").Scene} Scene */

export class MatchMap {
  canvas = h("canvas", { class: "map", "aria-hidden": "true" });
  #head = h("div", { class: "playhead" });
  #view = h("div", { class: "map-view", hidden: true });
  element = h("div", { class: "map-box" }, this.canvas, this.#view, this.#head);

  /** @param {Scene} scene @param {(seconds: number) => void} go brings a time into view */
  constructor(scene, go) {
    this.scene = scene;
    const onMap = (/** @type {PointerEvent} */ event) => {
      if (event.type === "pointerdown") this.element.setPointerCapture(event.pointerId);
      else if (!this.element.hasPointerCapture(event.pointerId)) return;
      const { left, width } = this.element.getBoundingClientRect();
      go(((event.clientX - left) / width) * scene.duration);
    };
    this.element.addEventListener("pointerdown", onMap);
    this.element.addEventListener("pointermove", onMap);
  }

  /** Frame the stretch in view. */
  placeView() {
    const { view, size, duration } = this.scene;
    const scale = size.width / duration;
    this.#view.hidden = view.span > duration * 0.999;
    this.#view.style.transform = `translateX(${(view.start * scale).toFixed(1)}px)`;
    this.#view.style.width = `${Math.max(6, view.span * scale).toFixed(1)}px`;
  }

  /** @param {number} seconds */
  placeHead(seconds) {
    const { size, duration } = this.scene;
    this.#head.style.transform = `translateX(${((seconds / duration) * size.width).toFixed(1)}px)`;
  }
}
