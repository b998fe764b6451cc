/** The timeline: lanes, curves, events and clips on canvas; every event has its place to the frame. */

import { mayEdit } from "../lib/api.js";
import { fill, h, iconButton, oncePerFrame } from "../lib/dom.js";
import { clock, percent } from "../lib/format.js";
import { n, t } from "../lib/texts.js";
import { colours } from "../lib/theme.js";
import { Curve } from "./timeline-curve.js";
import { LaneNames } from "./timeline-lanes.js";
import { MatchMap } from "./timeline-map.js";
import { paint, paintMap } from "./timeline-paint.js";
import { Pointing } from "./timeline-pointing.js";
import { AXIS_PIXELS, MAP_PIXELS, PAPER, Scene } from "./timeline-scene.js";
import { Tip } from "./timeline-tip.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("../lib/types.js").Scores} Scores */
/** @typedef {import("./timeline-scene.js").Stretch} Stretch */
/** @typedef {import("./timeline-scene.js").Drag} Drag */

const LANE_PIXELS = { least: 15, most: 34 };
/** The least lane that a finger can press. */
const FINGER_PIXELS = 28;
const isTouched = matchMedia("(pointer: coarse), (max-width: 60rem)");
const ZOOM_STEP = 1.5;

/**
 * `<match-timeline>`: dispatches `seek` with seconds, `pick` with the id of an event, `lane` with a
 * label; `scrub` with the seconds that a drag is at, `dropped` with a `Drag` at its end; `stretch`
 * with a stretch, and `loop` when what is selected is to be played over and over.
 */
export class MatchTimeline extends HTMLElement {
  #scene = new Scene();
  /** Width by height of a thumbnail. */
  shape = 16 / 9;
  #playhead = 0;
  #tip = new Tip();
  #names = new LaneNames((label) => this.#tell("lane", label));
  #map = new MatchMap(this.#scene, (seconds) => this.#go(seconds));
  /** @type {((seconds: number) => {src: string} | null)} */
  thumbnailAt = () => null;
  /** Match clock and score at an event. @type {(event: MatchEvent) => string | null} */
  stateOf = () => null;
  #draw = oncePerFrame(() => this.#paint());
  #drawMap = oncePerFrame(() => this.#paintMap());
  #moveHead = oncePerFrame(() => this.#placeHead());
  /** @type {Pointing | null} */
  #pointing = null;
  /** @type {ResizeObserver | null} */
  #observer = null;

  connectedCallback() {
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.head = h("div", { class: "playhead" });
    this.plot = h(
      "div",
      {
        class: "plot", tabindex: "0", role: "slider", "aria-label": t("timeline"),
        "aria-valuemin": "0", "aria-valuenow": "0",
      },
      this.canvas, this.head,
    );
    this.range = iconButton("range", t("selectStretch"), { onclick: () => this.#toggleRange(), "aria-pressed": "false" });
    this.loopButton = iconButton("loop", t("key.loop"), { onclick: () => this.dispatchEvent(new Event("loop")), "aria-pressed": "false" });
    fill(
      this,
      h(
        "div",
        { class: "timeline-tools" },
        iconButton("zoomout", t("zoomOut"), { onclick: () => this.zoom(1 / ZOOM_STEP) }),
        iconButton("zoomin", t("zoomIn"), { onclick: () => this.zoom(ZOOM_STEP) }),
        iconButton("fit", t("zoomFit"), { onclick: () => this.fit() }),
        this.range, this.loopButton,
      ),
      this.#map.element, this.#names.element, this.plot, this.#tip.element,
    );
    this.#listen(this.plot, this.canvas);
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

  get duration() {
    return this.#scene.duration;
  }

  set duration(seconds) {
    this.#scene.duration = seconds;
  }

  set rate(/** @type {number} */ rate) {
    this.#scene.rate = rate;
  }

  /**
   * @param {string[]} labels
   * @param {(label: string) => string} colourOf
   */
  setLanes(labels, colourOf) {
    if (labels.join("\n") === this.#scene.labels.join("\n")) return;
    this.#scene.labels = labels;
    this.#names.show(labels, colourOf);
    this.#recolour();
    this.#measure();
  }

  /** @param {MatchEvent[]} events in order of time */
  setEvents(events) {
    this.#scene.setEvents(events);
    this.#draw();
    this.#drawMap();
  }

  /** @param {Scores} scores */
  setCurves(scores) {
    const seconds = Float64Array.from(scores.seconds);
    this.#scene.curves = new Map(
      scores.labels.map((label, place) => [label, new Curve(scores.values[place] ?? [], seconds)]),
    );
    this.#draw();
  }

  /** @param {Stretch[]} clips */
  setClips(clips) {
    this.#scene.clips = clips;
    this.#draw();
    this.#drawMap();
  }

  /** @param {{start: number, text: string}[]} marks */
  setMarks(marks) {
    if (JSON.stringify(marks) === JSON.stringify(this.#scene.marks)) return;
    this.#scene.marks = marks;
    this.#draw();
    this.#drawMap();
  }

  /** @param {string | null} id */
  select(id) {
    this.#scene.selected = id;
    this.#draw();
  }

  /** @param {Set<string>} ids events that the filters leave out */
  dim(ids) {
    this.#scene.dimmed = ids;
    this.#draw();
  }

  /** The stretch that is selected, or played over and over. @param {Stretch | null} stretch @param {boolean} isLooping */
  setStretch(stretch, isLooping) {
    this.#scene.stretch = stretch;
    this.loopButton?.setAttribute("aria-pressed", String(isLooping));
    this.#draw();
  }

  /** @param {number} seconds @param {boolean} [isPlaying] */
  setPlayhead(seconds, isPlaying = false) {
    this.#playhead = seconds;
    const { start, span } = this.view;
    const isLeft = seconds > start + span * 0.92 || seconds < start;
    if (isPlaying && span < this.duration && isLeft) this.setView(seconds - span * 0.08, span);
    this.#moveHead();
  }

  // -------------------------------------------------------------------- view

  get view() {
    return this.#scene.view;
  }

  /** @param {number} start @param {number} span seconds */
  setView(start, span) {
    this.#scene.setView(start, span);
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
    const { start, span } = this.view;
    const isSeen = this.#playhead >= start && this.#playhead <= start + span;
    const still = at ?? (isSeen ? this.#playhead : start + span / 2);
    const next = span / factor;
    this.setView(still - ((still - start) / span) * next, next);
  }

  /** Bring a time into view. @param {number} seconds */
  reveal(seconds) {
    const { start, span } = this.view;
    if (seconds < start + span * 0.02 || seconds > start + span * 0.98) this.setView(seconds - span / 2, span);
  }

  // ----------------------------------------------------------------- drawing

  /** @param {string[]} labels lanes of classes that the filters show; none for all */
  markLanes(labels) {
    this.#names.mark(labels);
  }

  #recolour = () => {
    if (!this.isConnected) return;
    const style = getComputedStyle(this);
    for (const name of /** @type {(keyof typeof PAPER)[]} */ (Object.keys(PAPER))) {
      this.#scene.paper[name] = style.getPropertyValue(`--${name}`).trim();
    }
    this.#scene.tones = this.#names.tones();
    this.#draw();
    this.#drawMap();
  };

  #measure() {
    if (!this.plot || !this.canvas) return;
    const width = this.plot.clientWidth;
    const room = this.plot.clientHeight - AXIS_PIXELS;
    const lanes = Math.max(this.#scene.labels.length, 1);
    const least = isTouched.matches ? FINGER_PIXELS : LANE_PIXELS.least;
    const lane = Math.min(Math.max(Math.floor(room / lanes), least), LANE_PIXELS.most);
    const height = AXIS_PIXELS + lane * lanes;
    this.#scene.size = { width, height, lane };
    this.style.setProperty("--lane", `${lane}px`);
    this.style.setProperty("--lanes-height", `${height}px`);
    const sharp = devicePixelRatio || 1;
    for (const [canvas, tall] of /** @type {const} */ ([[this.canvas, height], [this.#map.canvas, MAP_PIXELS]])) {
      canvas.width = Math.max(1, Math.round(width * sharp));
      canvas.height = Math.max(1, Math.round(tall * sharp));
      canvas.style.width = `${width}px`;
      canvas.style.height = `${tall}px`;
    }
    this.setView(this.view.start, this.view.span);
    this.#placeHead();
    this.#drawMap();
  }

  /** @param {HTMLCanvasElement | undefined} canvas */
  #context(canvas) {
    const context = canvas?.getContext("2d", { alpha: false });
    if (!context || !this.#scene.size.width) return null;
    const sharp = devicePixelRatio || 1;
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    return context;
  }

  #paint() {
    const context = this.#context(this.canvas);
    if (!context) return;
    paint(context, this.#scene);
    this.#map.placeView();
    this.#placeHead();
  }

  #paintMap() {
    const context = this.#context(this.#map.canvas);
    if (context) paintMap(context, this.#scene);
  }

  #placeHead() {
    if (!this.head || !this.plot) return;
    const { width } = this.#scene.size;
    const x = this.#scene.x(this.#playhead);
    this.head.hidden = x < 0 || x > width;
    this.head.style.transform = `translateX(${x.toFixed(1)}px)`;
    this.#map.placeHead(this.#playhead);
    const said = clock(this.#playhead, 2);
    if (this.plot.getAttribute("aria-valuetext") === said) return;
    this.plot.setAttribute("aria-valuemax", String(Math.round(this.duration)));
    this.plot.setAttribute("aria-valuenow", this.#playhead.toFixed(2));
    this.plot.setAttribute("aria-valuetext", said);
  }

  // ---------------------------------------------------------------- pointing

  /** @param {string} kind @param {unknown} detail */
  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  /** @param {number} seconds */
  #seek(seconds) {
    this.#tell("seek", Math.min(Math.max(seconds, 0), this.duration));
  }

  /** Bring a time into view; where all is in view, seek it. @param {number} seconds */
  #go(seconds) {
    if (this.view.span < this.duration) this.setView(seconds - this.view.span / 2, this.view.span);
    else this.#seek(seconds);
  }

  /** @param {HTMLElement} plot @param {HTMLElement} canvas */
  #listen(plot, canvas) {
    this.#pointing = new Pointing(plot, canvas, this.#scene, {
      seek: (seconds) => this.#seek(seconds),
      pick: (id) => this.#tell("pick", id),
      setView: (start, span) => this.setView(start, span),
      zoom: (factor, at) => this.zoom(factor, at),
      dragged: (drag) => this.#dragged(drag),
      dropped: (drag) => this.#dropped(drag),
      hover: (event, x, y) => this.#hover(event, x, y),
      leave: () => this.#tip.hide(),
    });
    this.#pointing.isEditable = mayEdit();
  }

  #toggleRange() {
    if (!this.#pointing) return;
    this.#pointing.isSelecting = !this.#pointing.isSelecting;
    this.range?.setAttribute("aria-pressed", String(this.#pointing.isSelecting));
  }

  /** @param {Drag | null} drag */
  #dragged(drag) {
    this.#scene.drag = drag;
    this.#draw();
    if (drag) this.#tell("scrub", drag.time);
  }

  /** @param {Drag} drag */
  #dropped(drag) {
    this.#scene.drag = null;
    if (this.#pointing?.isSelecting) this.#toggleRange();
    this.#tell("dropped", drag);
    this.#draw();
  }

  /** @param {PointerEvent} event @param {number} x @param {number} y */
  #hover(event, x, y) {
    const hit = this.#scene.eventAt(x, y);
    const seconds = hit?.time ?? Math.min(Math.max(this.#scene.seconds(x), 0), this.duration);
    const state = hit && this.stateOf(hit);
    this.#tip.show(this.getBoundingClientRect(), event.clientX, this.thumbnailAt(seconds), this.shape, [
      h("strong", { class: "number" }, clock(seconds, 2)),
      hit ? ` ${this.#wordsOf(hit, x, y)}` : "",
      state ? h("div", { class: "number" }, state) : "",
    ]);
  }

  /** @param {MatchEvent} event @param {number} x @param {number} y */
  #wordsOf(event, x, y) {
    const count = this.#scene.crowded().has(this.#scene.laneAt(y)) ? this.#scene.countAt(x, y) : 1;
    return count > 1 ? `${event.label}: ${n("events", count)}` : t("hoverEvent", { label: event.label, share: percent(event.confidence) });
  }
}

customElements.define("match-timeline", MatchTimeline);
