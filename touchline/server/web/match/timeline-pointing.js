/** Pointing at the timeline: seek, pan, pinch, pick, drag events and ends of clips, select a stretch. */

import { AXIS_PIXELS } from "./timeline-scene.js";

/** @typedef {import("./timeline-scene.js").Scene} Scene */
/** @typedef {import("./timeline-scene.js").Drag} Drag */

/** A press that moves less is a click. */
const STILL_PIXELS = 3;

/**
 * What pointing does.
 *
 * @typedef {object} Acts
 * @property {(seconds: number) => void} seek
 * @property {(id: string) => void} pick
 * @property {(start: number, span: number) => void} setView
 * @property {(factor: number, at: number) => void} zoom
 * @property {(drag: Drag | null) => void} dragged what is dragged now; null where it was given up
 * @property {(drag: Drag) => void} dropped
 * @property {(event: PointerEvent, x: number, y: number) => void} hover
 * @property {() => void} leave
 */

export class Pointing {
  /** @type {Map<number, PointerEvent>} */
  #fingers = new Map();
  #moved = 0;
  /** @type {Drag | null} what may be dragged from where the pointer went down */
  #handle = null;
  isEditable = false;
  /** Whether a drag selects a stretch, also without Shift. */
  isSelecting = false;

  /** @param {HTMLElement} plot @param {HTMLElement} canvas @param {Scene} scene @param {Acts} acts */
  constructor(plot, canvas, scene, acts) {
    this.canvas = canvas;
    this.plot = plot;
    this.scene = scene;
    this.acts = acts;
    plot.addEventListener("wheel", (event) => this.#wheeled(event), { passive: false });
    plot.addEventListener("pointerdown", (event) => this.#pressed(event));
    plot.addEventListener("pointermove", (event) => this.#moves(event));
    plot.addEventListener("pointerup", (event) => this.#released(event));
    plot.addEventListener("pointercancel", (event) => this.#cancelled(event));
    plot.addEventListener("pointerleave", () => acts.leave());
    plot.addEventListener("keydown", (event) => this.#keyed(event));
  }

  /** @param {PointerEvent | WheelEvent} event */
  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** @param {WheelEvent} event */
  #wheeled(event) {
    event.preventDefault();
    const { view, size } = this.scene;
    const pixels = event.deltaMode === 1 ? 16 : 1;
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.acts.setView(view.start + ((sideways * pixels) / size.width) * view.span, view.span);
    } else {
      const factor = Math.exp(-event.deltaY * pixels * (event.ctrlKey ? 0.01 : 0.0022));
      this.acts.zoom(factor, this.scene.seconds(this.#place(event).x));
    }
    this.acts.leave();
  }

  /** @param {PointerEvent} event */
  #pressed(event) {
    if (event.button !== 0) return;
    this.#fingers.set(event.pointerId, event);
    this.#moved = 0;
    this.plot.setPointerCapture(event.pointerId);
    const { x, y } = this.#place(event);
    this.#handle = this.#fingers.size > 1 ? null : this.#handleAt(event, x, y);
    if (!this.#handle && y < AXIS_PIXELS) this.acts.seek(this.scene.seconds(x));
  }

  /** @param {PointerEvent} event @param {number} x @param {number} y @returns {Drag | null} */
  #handleAt(event, x, y) {
    if (event.shiftKey || this.isSelecting) {
      const at = this.scene.onFrame(this.scene.seconds(x));
      return { kind: "stretch", from: at, time: at };
    }
    if (!this.isEditable) return null;
    const handle = this.scene.handleAt(x, y);
    // A finger pans; it drags what was selected before.
    const isOther = handle?.kind === "event" && handle.id !== this.scene.selected;
    return event.pointerType === "touch" && isOther ? null : handle;
  }

  /** @param {PointerEvent} event */
  #moves(event) {
    const before = this.#fingers.get(event.pointerId);
    const { x, y } = this.#place(event);
    if (!before) {
      if (event.pointerType !== "mouse") return;
      const handle = this.isEditable && !this.isSelecting ? this.scene.handleAt(x, y) : null;
      this.plot.style.cursor = handle ? (handle.kind === "event" ? "grab" : "ew-resize") : "";
      this.acts.hover(event, x, y);
      return;
    }
    const isOnAxis = this.#place(before).y < AXIS_PIXELS;
    if (this.#fingers.size === 2) this.#pinch(before, event);
    else if (this.#handle) this.#drag(event, before, x);
    else if (isOnAxis) this.acts.seek(this.scene.seconds(x));
    else this.#pan(event, before);
    if (!isOnAxis || this.#handle || this.#fingers.size === 2) this.#fingers.set(event.pointerId, event);
    this.acts.leave();
  }

  /** @param {PointerEvent} event @param {PointerEvent} before */
  #pan(event, before) {
    const { view, size } = this.scene;
    const dx = event.clientX - before.clientX;
    this.#moved += Math.abs(dx);
    if (this.#moved > STILL_PIXELS) this.acts.setView(view.start - (dx / size.width) * view.span, view.span);
  }

  /** @param {PointerEvent} event @param {PointerEvent} before @param {number} x */
  #drag(event, before, x) {
    this.#moved += Math.abs(event.clientX - before.clientX);
    if (this.#moved <= STILL_PIXELS || !this.#handle) return;
    this.#handle = { ...this.#handle, time: this.scene.onFrame(this.scene.seconds(x)) };
    this.acts.dragged(this.#handle);
  }

  /** @param {PointerEvent} before @param {PointerEvent} event */
  #pinch(before, event) {
    const other = [...this.#fingers.values()].find((one) => one.pointerId !== event.pointerId);
    if (!other) return;
    if (this.#handle) this.#giveUp();
    const was = Math.abs(before.clientX - other.clientX) || 1;
    const is = Math.abs(event.clientX - other.clientX) || 1;
    this.#moved += 10;
    this.acts.zoom(is / was, this.scene.seconds((this.#place(event).x + this.#place(other).x) / 2));
  }

  /** @param {PointerEvent} event */
  #released(event) {
    const began = this.#fingers.get(event.pointerId);
    this.#fingers.delete(event.pointerId);
    const handle = this.#handle;
    this.#handle = null;
    if (!began) return;
    const { x, y } = this.#place(event);
    if (this.#moved > STILL_PIXELS) {
      if (handle) this.acts.dropped(handle);
      return;
    }
    if (y < AXIS_PIXELS) {
      if (handle) this.acts.seek(this.scene.seconds(x));
      return;
    }
    const hit = this.scene.eventAt(x, y);
    if (hit) this.acts.pick(hit.id);
    else this.acts.seek(this.scene.seconds(x));
  }

  /** @param {PointerEvent} event */
  #cancelled(event) {
    this.#fingers.delete(event.pointerId);
    if (this.#handle) this.#giveUp();
  }

  /** Escape gives up what is dragged. @param {KeyboardEvent} event */
  #keyed(event) {
    if (event.key !== "Escape" || !this.#handle || this.#moved <= STILL_PIXELS) return;
    event.preventDefault();
    event.stopPropagation();
    this.#giveUp();
  }

  #giveUp() {
    this.#handle = null;
    this.acts.dragged(null);
  }
}
