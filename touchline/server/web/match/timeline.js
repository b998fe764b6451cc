/** The timeline: lanes, curves, events and clips on canvas; every event has its place to the frame. */

import { fill, h, iconButton, oncePerFrame } from "../lib/dom.js";
import { clock, percent } from "../lib/format.js";
import { t } from "../lib/texts.js";
import { colours } from "../lib/theme.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("../lib/types.js").Scores} Scores */

const AXIS_PIXELS = 22;
const MAP_PIXELS = 30;
const LANE_PIXELS = { least: 15, most: 34 };
/** The least lane that a finger can press. */
const FINGER_PIXELS = 28;
const isTouched = matchMedia("(pointer: coarse)");
const SPAN_FRAMES = 24;
const GRAB_PIXELS = 7;
const ZOOM_STEP = 1.5;
const TICK_PIXELS = 90;
const STEPS = [0.04, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800];
const CURVE_STEP_PIXELS = 2;

/** Colours of the page that the canvas needs. */
const PAPER = { ink: "", quiet: "", line: "", card: "", sunk: "", accent: "", reel: "" };

/** @typedef {{start: number, end: number}} Stretch */

/** Highest values of ever longer stretches of a curve, so that any zoom draws few points. */
class Curve {
  /** @param {number[]} values @param {Float64Array} seconds */
  constructor(values, seconds) {
    this.seconds = seconds;
    /** @type {Float32Array[]} */
    this.levels = [Float32Array.from(values)];
    for (let last = this.levels[0]; last && last.length > 512; last = this.levels.at(-1)) {
      const next = new Float32Array(Math.ceil(last.length / 2));
      for (let i = 0; i < next.length; i += 1) {
        next[i] = Math.max(last[2 * i] ?? 0, last[2 * i + 1] ?? 0);
      }
      this.levels.push(next);
    }
  }

  /**
   * @param {number} start @param {number} end seconds
   * @param {number} points
   * @param {(seconds: number, value: number) => void} report
   */
  visit(start, end, points, report) {
    const { seconds } = this;
    const from = Math.max(0, after(seconds, start) - 1);
    const to = Math.min(seconds.length, after(seconds, end) + 1);
    let level = 0;
    while (level < this.levels.length - 1 && (to - from) >> level > points) level += 1;
    const values = this.levels[level] ?? new Float32Array();
    for (let i = from >> level; i <= (to - 1) >> level; i += 1) {
      report(seconds[Math.min(i << level, seconds.length - 1)] ?? 0, values[i] ?? 0);
    }
  }
}

/**
 * The first place in sorted numbers whose number is larger.
 *
 * @param {Float64Array} sorted
 * @param {number} value
 */
function after(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * `<match-timeline>`: dispatches `seek` with seconds, `pick` with the id of an event, and `lane` with
 * a label.
 */
export class MatchTimeline extends HTMLElement {
  duration = 1;
  rate = 25;
  /** Width by height of a thumbnail. */
  shape = 16 / 9;
  /** @type {string[]} */
  labels = [];
  /** @type {(label: string) => string} */
  colourOf = () => "#888";
  /** @type {MatchEvent[]} */
  #events = [];
  #times = new Float64Array();
  /** @type {Int32Array} lane of each event */
  #lanes = new Int32Array();
  /** @type {Map<string, Curve>} */
  #curves = new Map();
  /** @type {Stretch[]} */
  #clips = [];
  /** @type {{start: number, text: string}[]} where halves begin */
  #marks = [];
  /** @type {string | null} */
  #selected = null;
  /** @type {Set<string>} */
  #dimmed = new Set();
  #view = { start: 0, span: 1 };
  #playhead = 0;
  #size = { width: 0, height: 0, lane: 20 };
  /** @type {Record<string, string>} */
  #tones = {};
  #paper = { ...PAPER };
  /** @type {((seconds: number) => {src: string} | null)} */
  thumbnailAt = () => null;
  /** Match clock and score at an event. @type {(event: MatchEvent) => string | null} */
  stateOf = () => null;
  #draw = oncePerFrame(() => this.#paint());
  #drawMap = oncePerFrame(() => this.#paintMap());
  #moveHead = oncePerFrame(() => this.#placeHead());
  /** @type {Map<number, PointerEvent>} */
  #fingers = new Map();
  #moved = 0;
  /** @type {ResizeObserver | null} */
  #observer = null;

  connectedCallback() {
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.map = h("canvas", { class: "map", "aria-hidden": "true" });
    this.head = h("div", { class: "playhead" });
    this.mapHead = h("div", { class: "playhead" });
    this.mapView = h("div", { class: "map-view", hidden: true });
    this.tip = h("div", { class: "tip", hidden: true, "aria-hidden": "true" });
    this.names = h("div", { class: "lane-names", role: "group", "aria-label": t("lanes") });
    this.plot = h(
      "div",
      {
        class: "plot", tabindex: "0", role: "slider", "aria-label": t("timeline"),
        "aria-valuemin": "0", "aria-valuenow": "0",
      },
      this.canvas, this.head,
    );
    this.mapBox = h("div", { class: "map-box" }, this.map, this.mapView, this.mapHead);
    fill(
      this,
      h(
        "div",
        { class: "timeline-tools" },
        iconButton("zoomout", t("zoomOut"), { onclick: () => this.zoom(1 / ZOOM_STEP) }),
        iconButton("zoomin", t("zoomIn"), { onclick: () => this.zoom(ZOOM_STEP) }),
        iconButton("fit", t("zoomFit"), { onclick: () => this.fit() }),
      ),
      this.mapBox, this.names, this.plot, this.tip,
    );
    this.#listen();
    colours.addEventListener("change", this.#recolour);
    this.#observer = new ResizeObserver(() => this.#measure());
    this.#observer.observe(this.plot);
    this.#recolour();
  }

  disconnectedCallback() {
    colours.removeEventListener("change", this.#recolour);
    this.#observer?.disconnect();
  }

  // -------------------------------------------------------------------- data

  /**
   * @param {string[]} labels
   * @param {(label: string) => string} colourOf
   */
  setLanes(labels, colourOf) {
    if (labels.join("\n") !== this.labels.join("\n")) {
      this.labels = labels;
      this.colourOf = colourOf;
      this.#nameLanes();
      this.#recolour();
      this.#measure();
    }
  }

  /** @param {MatchEvent[]} events in order of time */
  setEvents(events) {
    this.#events = events;
    this.#times = Float64Array.from(events, (event) => event.time);
    const lanes = new Map(this.labels.map((label, place) => [label, place]));
    this.#lanes = Int32Array.from(events, (event) => lanes.get(event.label) ?? -1);
    this.#draw();
    this.#drawMap();
  }

  /** @param {Scores} scores */
  setCurves(scores) {
    const seconds = Float64Array.from(scores.seconds);
    this.#curves = new Map(
      scores.labels.map((label, place) => [label, new Curve(scores.values[place] ?? [], seconds)]),
    );
    this.#draw();
  }

  /** @param {Stretch[]} clips */
  setClips(clips) {
    this.#clips = clips;
    this.#draw();
    this.#drawMap();
  }

  /** @param {{start: number, text: string}[]} marks */
  setMarks(marks) {
    if (JSON.stringify(marks) === JSON.stringify(this.#marks)) return;
    this.#marks = marks;
    this.#draw();
    this.#drawMap();
  }

  /** @param {string | null} id */
  select(id) {
    this.#selected = id;
    this.#draw();
  }

  /** @param {Set<string>} ids events that the filters leave out */
  dim(ids) {
    this.#dimmed = ids;
    this.#draw();
  }

  /** @param {number} seconds @param {boolean} [isPlaying] */
  setPlayhead(seconds, isPlaying = false) {
    this.#playhead = seconds;
    if (isPlaying && this.#view.span < this.duration) this.#follow(seconds);
    this.#moveHead();
  }

  // -------------------------------------------------------------------- view

  get view() {
    return this.#view;
  }

  /** @param {number} start @param {number} span seconds */
  setView(start, span) {
    const least = SPAN_FRAMES / this.rate;
    const bounded = Math.min(Math.max(span, Math.min(least, this.duration)), this.duration);
    const first = Math.min(Math.max(start, 0), this.duration - bounded);
    this.#view = { start: first, span: bounded };
    this.#draw();
  }

  fit() {
    this.setView(0, this.duration);
  }

  /**
   * @param {number} factor
   * @param {number} [at] seconds that stay where they are; the playhead by default
   */
  zoom(factor, at) {
    const { start, span } = this.#view;
    const isSeen = this.#playhead >= start && this.#playhead <= start + span;
    const still = at ?? (isSeen ? this.#playhead : start + span / 2);
    const next = span / factor;
    this.setView(still - ((still - start) / span) * next, next);
  }

  /** Bring a time into view. @param {number} seconds */
  reveal(seconds) {
    const { start, span } = this.#view;
    if (seconds < start + span * 0.02 || seconds > start + span * 0.98) {
      this.setView(seconds - span / 2, span);
    }
  }

  /** @param {number} seconds */
  #follow(seconds) {
    const { start, span } = this.#view;
    if (seconds > start + span * 0.92 || seconds < start) this.setView(seconds - span * 0.08, span);
  }

  /** @param {number} seconds */
  #x(seconds) {
    return ((seconds - this.#view.start) / this.#view.span) * this.#size.width;
  }

  /** @param {number} x */
  #seconds(x) {
    return this.#view.start + (x / this.#size.width) * this.#view.span;
  }

  // ----------------------------------------------------------------- drawing

  #nameLanes() {
    if (!this.names) return;
    fill(
      this.names,
      this.labels.map((label) =>
        h(
          "button",
          {
            type: "button", class: "lane-name", title: label,
            style: { "--class": this.colourOf(label) },
            onclick: () => this.dispatchEvent(new CustomEvent("lane", { detail: label })),
          },
          h("span", { class: "swatch" }), h("span", { class: "lane-text" }, label),
        ),
      ),
    );
  }

  /** @param {string[]} labels lanes of classes that the filters show; none for all */
  markLanes(labels) {
    const buttons = this.names?.querySelectorAll("button") ?? [];
    buttons.forEach((button, place) => {
      button.classList.toggle("off", labels.length > 0 && !labels.includes(this.labels[place] ?? ""));
    });
  }

  #recolour = () => {
    if (!this.isConnected) return;
    const style = getComputedStyle(this);
    for (const name of /** @type {(keyof typeof PAPER)[]} */ (Object.keys(PAPER))) {
      this.#paper[name] = style.getPropertyValue(`--${name}`).trim();
    }
    const probe = h("span", { class: "tone" });
    this.append(probe);
    this.#tones = Object.fromEntries(
      this.labels.map((label) => {
        probe.style.setProperty("--class", this.colourOf(label));
        return [label, getComputedStyle(probe).color];
      }),
    );
    probe.remove();
    this.#draw();
    this.#drawMap();
  };

  #measure() {
    if (!this.plot || !this.canvas || !this.map || !this.names) return;
    const width = this.plot.clientWidth;
    const room = this.plot.clientHeight - AXIS_PIXELS;
    const lanes = Math.max(this.labels.length, 1);
    const least = isTouched.matches ? FINGER_PIXELS : LANE_PIXELS.least;
    const lane = Math.min(Math.max(Math.floor(room / lanes), least), LANE_PIXELS.most);
    const height = AXIS_PIXELS + lane * lanes;
    this.#size = { width, height, lane };
    this.style.setProperty("--lane", `${lane}px`);
    this.style.setProperty("--lanes-height", `${height}px`);
    const sharp = devicePixelRatio || 1;
    for (const [canvas, tall] of /** @type {const} */ ([[this.canvas, height], [this.map, MAP_PIXELS]])) {
      canvas.width = Math.max(1, Math.round(width * sharp));
      canvas.height = Math.max(1, Math.round(tall * sharp));
      canvas.style.width = `${width}px`;
      canvas.style.height = `${tall}px`;
    }
    this.setView(this.#view.start, this.#view.span);
    this.#placeHead();
    this.#drawMap();
  }

  #paint() {
    const context = this.canvas?.getContext("2d", { alpha: false });
    if (!context || !this.#size.width) return;
    const sharp = devicePixelRatio || 1;
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.fillStyle = this.#paper.card;
    context.fillRect(0, 0, this.#size.width, this.#size.height);
    this.#paintGrid(context);
    this.#paintClips(context);
    this.#paintCurves(context);
    this.#paintEvents(context);
    this.#paintMarks(context);
    this.#placeMapView();
    this.#placeHead();
  }

  /** @param {CanvasRenderingContext2D} context */
  #paintGrid(context) {
    const { width, height, lane } = this.#size;
    const { start, span } = this.#view;
    context.fillStyle = this.#paper.sunk;
    context.fillRect(0, 0, width, AXIS_PIXELS);
    for (let place = 1; place < this.labels.length; place += 2) {
      context.fillRect(0, AXIS_PIXELS + place * lane, width, lane);
    }
    const step = this.#step();
    const decimals = step < 1 ? 2 : 0;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.fillStyle = this.#paper.line;
    const first = Math.ceil(start / step) * step;
    for (let at = first; at <= start + span; at += step) {
      context.fillRect(Math.round(this.#x(at)), AXIS_PIXELS - 5, 1, height);
    }
    if ((width / span) / this.rate > 5) this.#paintFrames(context);
    context.fillStyle = this.#paper.quiet;
    for (let at = first; at <= start + span; at += step) {
      context.fillText(clock(at + 1e-6, decimals), Math.round(this.#x(at)) + 4, AXIS_PIXELS / 2);
    }
  }

  /** @param {CanvasRenderingContext2D} context */
  #paintFrames(context) {
    const { start, span } = this.#view;
    context.fillStyle = this.#paper.quiet;
    for (let frame = Math.ceil(start * this.rate); frame / this.rate <= start + span; frame += 1) {
      context.fillRect(Math.round(this.#x(frame / this.rate)), AXIS_PIXELS - 4, 1, 4);
    }
  }

  /** Seconds between marks. */
  #step() {
    const wanted = (this.#view.span / this.#size.width) * TICK_PIXELS;
    return STEPS.find((step) => step >= wanted) ?? 3600;
  }

  /** @param {CanvasRenderingContext2D} context */
  #paintClips(context) {
    const { height } = this.#size;
    for (const { start, end } of this.#clips) {
      const [left, right] = [this.#x(start), this.#x(end)];
      if (right < 0 || left > this.#size.width) continue;
      context.fillStyle = this.#paper.reel;
      context.fillRect(left, 0, right - left, height);
      context.fillStyle = this.#paper.accent;
      context.fillRect(left, 0, Math.max(right - left, 2), 3);
    }
  }

  /** @param {CanvasRenderingContext2D} context */
  #paintCurves(context) {
    const { width, lane } = this.#size;
    const { start, span } = this.#view;
    const scale = width / span;
    const tall = lane - 3;
    context.globalAlpha = 0.3;
    this.labels.forEach((label, place) => {
      const curve = this.#curves.get(label);
      if (!curve) return;
      const floor = AXIS_PIXELS + (place + 1) * lane;
      let isUp = false;
      let before = 0;
      context.fillStyle = this.#tones[label] ?? this.#paper.quiet;
      context.beginPath();
      // most of a curve is zero, where there is nothing to draw
      curve.visit(start, start + span, width / CURVE_STEP_PIXELS, (seconds, value) => {
        const x = (seconds - start) * scale;
        const height = value * tall;
        if (height >= 1) {
          if (!isUp) context.moveTo(before, floor);
          context.lineTo(x, floor - height);
          isUp = true;
        } else if (isUp) {
          context.lineTo(x, floor);
          isUp = false;
        }
        before = x;
      });
      if (isUp) context.lineTo(before, floor);
      context.fill();
    });
    context.globalAlpha = 1;
  }

  /** @param {CanvasRenderingContext2D} context */
  #paintEvents(context) {
    const { lane, width } = this.#size;
    const { start, span } = this.#view;
    const margin = (8 / width) * span;
    const first = after(this.#times, start - margin);
    const last = after(this.#times, start + span + margin);
    let alpha = 1;
    for (let i = first; i < last; i += 1) {
      const event = this.#events[i];
      const place = this.#lanes[i] ?? -1;
      if (!event || place < 0) continue;
      const x = Math.round(this.#x(event.time));
      const floor = AXIS_PIXELS + (place + 1) * lane - 1;
      const tall = Math.max(4, event.confidence * (lane - 3));
      const wanted = event.status === "rejected" || this.#dimmed.has(event.id) ? 0.22 : 1;
      if (wanted !== alpha) context.globalAlpha = alpha = wanted;
      context.fillStyle = this.#tones[event.label] ?? this.#paper.quiet;
      context.fillRect(x - 1, floor - tall, event.status === "pending" ? 2 : 3, tall);
      if (event.status === "accepted") context.fillRect(x - 3, floor - tall - 1, 7, 4);
    }
    context.globalAlpha = 1;
    const chosen = this.#events.findIndex((event) => event.id === this.#selected);
    const event = this.#events[chosen];
    if (event) this.#paintSelected(context, Math.round(this.#x(event.time)), this.#lanes[chosen] ?? -1);
  }

  /** Where halves begin. @param {CanvasRenderingContext2D} context */
  #paintMarks(context) {
    const { width, height } = this.#size;
    for (const { start, text } of this.#marks) {
      const x = Math.round(this.#x(start));
      if (x < -200 || x > width) continue;
      context.fillStyle = this.#paper.ink;
      if (x > 0) context.fillRect(x, 0, 1, height);
      context.font = "600 11px system-ui, sans-serif";
      const room = context.measureText(text).width + 10;
      context.fillRect(x, 2, room, AXIS_PIXELS - 5);
      context.fillStyle = this.#paper.card;
      context.fillText(text, x + 5, AXIS_PIXELS / 2);
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {number} x @param {number} place */
  #paintSelected(context, x, place) {
    const { lane, width } = this.#size;
    if (place < 0 || x < -8 || x > width + 8) return;
    context.strokeStyle = this.#paper.ink;
    context.lineWidth = 2;
    context.strokeRect(x - 5, AXIS_PIXELS + place * lane + 1, 11, lane - 2);
  }

  #paintMap() {
    const context = this.map?.getContext("2d", { alpha: false });
    const { width } = this.#size;
    if (!context || !width) return;
    const sharp = devicePixelRatio || 1;
    const scale = width / this.duration;
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.fillStyle = this.#paper.sunk;
    context.fillRect(0, 0, width, MAP_PIXELS);
    context.fillStyle = this.#paper.reel;
    for (const { start, end } of this.#clips) {
      context.fillRect(start * scale, 0, Math.max(2, (end - start) * scale), MAP_PIXELS);
    }
    context.fillStyle = this.#paper.ink;
    for (const { start } of this.#marks) if (start > 0) context.fillRect(Math.round(start * scale), 0, 1, MAP_PIXELS);
    context.globalAlpha = 0.75;
    for (const event of this.#events) {
      if (event.status === "rejected") continue;
      context.fillStyle = this.#tones[event.label] ?? this.#paper.quiet;
      const tall = 3 + event.confidence * (MAP_PIXELS - 8);
      context.fillRect(Math.round(event.time * scale), MAP_PIXELS - tall, 1, tall);
    }
    context.globalAlpha = 1;
  }

  /** Frame the stretch in view on the map of the whole match. */
  #placeMapView() {
    if (!this.mapView) return;
    const { start, span } = this.#view;
    const scale = this.#size.width / this.duration;
    this.mapView.hidden = span > this.duration * 0.999;
    this.mapView.style.transform = `translateX(${(start * scale).toFixed(1)}px)`;
    this.mapView.style.width = `${Math.max(6, span * scale).toFixed(1)}px`;
  }

  #placeHead() {
    if (!this.head || !this.mapHead || !this.plot) return;
    const x = this.#x(this.#playhead);
    this.head.hidden = x < 0 || x > this.#size.width;
    this.head.style.transform = `translateX(${x.toFixed(1)}px)`;
    const onMap = (this.#playhead / this.duration) * this.#size.width;
    this.mapHead.style.transform = `translateX(${onMap.toFixed(1)}px)`;
    const said = clock(this.#playhead, 2);
    if (this.plot.getAttribute("aria-valuetext") === said) return;
    this.plot.setAttribute("aria-valuemax", String(Math.round(this.duration)));
    this.plot.setAttribute("aria-valuenow", this.#playhead.toFixed(2));
    this.plot.setAttribute("aria-valuetext", said);
  }

  // ---------------------------------------------------------------- pointing

  #listen() {
    const { plot, mapBox } = this;
    if (!plot || !mapBox) return;
    plot.addEventListener("wheel", (event) => this.#wheeled(event), { passive: false });
    plot.addEventListener("pointerdown", (event) => this.#pressed(event));
    plot.addEventListener("pointermove", (event) => this.#dragged(event));
    plot.addEventListener("pointerup", (event) => this.#released(event));
    plot.addEventListener("pointercancel", (event) => this.#fingers.delete(event.pointerId));
    plot.addEventListener("pointerleave", () => this.#hideTip());
    const onMap = (/** @type {PointerEvent} */ event) => {
      if (event.type === "pointerdown") mapBox.setPointerCapture(event.pointerId);
      else if (!mapBox.hasPointerCapture(event.pointerId)) return;
      const { left, width } = mapBox.getBoundingClientRect();
      const at = ((event.clientX - left) / width) * this.duration;
      if (this.#view.span < this.duration) this.setView(at - this.#view.span / 2, this.#view.span);
      else this.#seek(at);
    };
    mapBox.addEventListener("pointerdown", onMap);
    mapBox.addEventListener("pointermove", onMap);
  }

  /** @param {WheelEvent} event */
  #wheeled(event) {
    event.preventDefault();
    const x = event.clientX - (this.plot?.getBoundingClientRect().left ?? 0);
    const pixels = event.deltaMode === 1 ? 16 : 1;
    const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const seconds = ((sideways * pixels) / this.#size.width) * this.#view.span;
      this.setView(this.#view.start + seconds, this.#view.span);
    } else {
      this.zoom(Math.exp(-event.deltaY * pixels * (event.ctrlKey ? 0.01 : 0.0022)), this.#seconds(x));
    }
    this.#hideTip();
  }

  /** @param {PointerEvent} event */
  #pressed(event) {
    if (event.button !== 0) return;
    this.#fingers.set(event.pointerId, event);
    this.#moved = 0;
    this.plot?.setPointerCapture(event.pointerId);
    if (this.#place(event).y < AXIS_PIXELS) this.#seek(this.#seconds(this.#place(event).x));
  }

  /** @param {PointerEvent} event */
  #dragged(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") this.#hover(event);
      return;
    }
    if (this.#fingers.size === 2) this.#pinch(before, event);
    else if (this.#place(before).y < AXIS_PIXELS) this.#seek(this.#seconds(this.#place(event).x));
    else {
      const dx = event.clientX - before.clientX;
      this.#moved += Math.abs(dx);
      if (this.#moved > 3) {
        this.setView(this.#view.start - (dx / this.#size.width) * this.#view.span, this.#view.span);
      }
    }
    if (this.#place(before).y >= AXIS_PIXELS || this.#fingers.size === 2) {
      this.#fingers.set(event.pointerId, event);
    }
    this.#hideTip();
  }

  /** @param {PointerEvent} before @param {PointerEvent} event */
  #pinch(before, event) {
    const other = [...this.#fingers.values()].find((one) => one.pointerId !== event.pointerId);
    if (!other) return;
    const was = Math.abs(before.clientX - other.clientX) || 1;
    const is = Math.abs(event.clientX - other.clientX) || 1;
    this.#moved += 10;
    this.zoom(is / was, this.#seconds((this.#place(event).x + this.#place(other).x) / 2));
  }

  /** @param {PointerEvent} event */
  #released(event) {
    const began = this.#fingers.get(event.pointerId);
    this.#fingers.delete(event.pointerId);
    if (!began || this.#moved > 3 || this.#place(event).y < AXIS_PIXELS) return;
    const hit = this.#hit(event);
    if (hit) this.dispatchEvent(new CustomEvent("pick", { detail: hit.id }));
    else this.#seek(this.#seconds(this.#place(event).x));
  }

  /** @param {number} seconds */
  #seek(seconds) {
    const bounded = Math.min(Math.max(seconds, 0), this.duration);
    this.dispatchEvent(new CustomEvent("seek", { detail: bounded }));
  }

  /** @param {PointerEvent} event */
  #place(event) {
    const box = this.canvas?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
  }

  /** @param {PointerEvent} pointer @returns {MatchEvent | null} */
  #hit(pointer) {
    const { x, y } = this.#place(pointer);
    const lane = Math.floor((y - AXIS_PIXELS) / this.#size.lane);
    const first = after(this.#times, this.#seconds(x - GRAB_PIXELS));
    const last = after(this.#times, this.#seconds(x + GRAB_PIXELS));
    let best = null;
    let distance = Infinity;
    for (let i = first; i < last; i += 1) {
      const event = this.#events[i];
      if (!event || this.#lanes[i] !== lane) continue;
      const away = Math.abs(this.#x(event.time) - x);
      if (away < distance) [best, distance] = [event, away];
    }
    return best;
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    const { tip } = this;
    if (!tip) return;
    const { x } = this.#place(event);
    const seconds = Math.min(Math.max(this.#seconds(x), 0), this.duration);
    const hit = this.#hit(event);
    const picture = this.thumbnailAt(hit?.time ?? seconds);
    let image = tip.querySelector("img");
    if (picture && !image) {
      image = h("img", { alt: "", width: 192, height: Math.round(192 / this.shape) });
      tip.prepend(image);
    }
    if (picture && image && image.getAttribute("src") !== picture.src) image.src = picture.src;
    const state = hit && this.stateOf(hit);
    const words = tip.querySelector("div") ?? tip.appendChild(h("div"));
    fill(
      words,
      h("strong", { class: "number" }, clock(hit?.time ?? seconds, 2)),
      hit ? ` ${t("hoverEvent", { label: hit.label, share: percent(hit.confidence) })}` : "",
      state ? h("div", { class: "number" }, state) : "",
    );
    tip.hidden = false;
    const box = this.getBoundingClientRect();
    const left = Math.min(Math.max(event.clientX - tip.offsetWidth / 2, box.left), box.right - tip.offsetWidth);
    tip.style.transform = `translate(${left}px, ${box.top - tip.offsetHeight - 6}px)`;
  }

  #hideTip() {
    if (this.tip) this.tip.hidden = true;
  }
}

customElements.define("match-timeline", MatchTimeline);
