/** What the timeline shows, and where it lies: events, clips, stretches, and what is being dragged. */

import { after } from "./timeline-curve.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {{start: number, end: number}} Stretch */

/**
 * What is dragged, and where it is now. Of an event its time, or where it begins or ends; of a clip
 * an end, by its place in the reel; or a stretch that is being selected.
 *
 * @typedef {{kind: "event", id: string, time: number}} EventDrag
 * @typedef {{kind: "lead" | "lag", id: string, time: number}} EdgeDrag
 * @typedef {{kind: "start" | "end", place: number, time: number}} ClipDrag
 * @typedef {{kind: "stretch", from: number, time: number}} StretchDrag
 * @typedef {EventDrag | EdgeDrag | ClipDrag | StretchDrag} Drag
 */

export const AXIS_PIXELS = 22;
export const MAP_PIXELS = 30;
const SPAN_FRAMES = 24;
const GRAB_PIXELS = 7;
/** A lane with more events than one in so many pixels shows how many there are, not each. */
const CROWDED_PIXELS = 9;
export const BIN_PIXELS = 10;

/** Colours of the page that the canvas needs. */
export const PAPER = { ink: "", quiet: "", line: "", card: "", sunk: "", accent: "", reel: "", bad: "" };

export class Scene {
  duration = 1;
  rate = 25;
  view = { start: 0, span: 1 };
  size = { width: 0, height: 0, lane: 20 };
  /** @type {string[]} */
  labels = [];
  /** @type {MatchEvent[]} */
  events = [];
  times = new Float64Array();
  /** @type {Int32Array} lane of each event */
  lanes = new Int32Array();
  /** @type {Map<string, import("./timeline-curve.js").Curve>} */
  curves = new Map();
  /** @type {Stretch[]} clips of the reel */
  clips = [];
  /** @type {{start: number, text: string}[]} where halves begin */
  marks = [];
  /** @type {string | null} */
  selected = null;
  /** @type {Set<string>} */
  dimmed = new Set();
  /** @type {Stretch | null} the stretch that is selected, or played over and over */
  stretch = null;
  /** @type {Drag | null} */
  drag = null;
  /** @type {Record<string, string>} */
  tones = {};
  paper = { ...PAPER };

  /** @param {MatchEvent[]} events in order of time */
  setEvents(events) {
    this.events = events;
    this.times = Float64Array.from(events, (event) => event.time);
    const lanes = new Map(this.labels.map((label, place) => [label, place]));
    this.lanes = Int32Array.from(events, (event) => lanes.get(event.label) ?? -1);
  }

  /** @param {number} start @param {number} span seconds */
  setView(start, span) {
    const least = Math.min(SPAN_FRAMES / this.rate, this.duration);
    const bounded = Math.min(Math.max(span, least), this.duration);
    this.view = { start: Math.min(Math.max(start, 0), this.duration - bounded), span: bounded };
  }

  /** @param {number} seconds */
  x(seconds) {
    return ((seconds - this.view.start) / this.view.span) * this.size.width;
  }

  /** @param {number} x */
  seconds(x) {
    return this.view.start + (x / this.size.width) * this.view.span;
  }

  /** The time of a frame. @param {number} seconds */
  onFrame(seconds) {
    const bounded = Math.min(Math.max(seconds, 0), this.duration);
    return Math.round((Math.round(bounded * this.rate) / this.rate) * 1000) / 1000;
  }

  /** The lane at a height. @param {number} y */
  laneAt(y) {
    return Math.floor((y - AXIS_PIXELS) / this.size.lane);
  }

  /** Where an event with a length begins and ends, also while that is dragged. @param {MatchEvent} event @returns {Stretch | null} */
  stretchOf(event) {
    const { drag } = this;
    const lead = drag?.kind === "lead" && drag.id === event.id ? event.time - drag.time : event.lead;
    const lag = drag?.kind === "lag" && drag.id === event.id ? drag.time - event.time : event.lag;
    if (lead === null || lag === null) return null;
    const time = this.timeOf(event);
    return { start: time - lead, end: time + lag };
  }

  /** When an event is, also while it is dragged. @param {MatchEvent} event */
  timeOf(event) {
    const { drag } = this;
    return drag?.kind === "event" && drag.id === event.id ? drag.time : event.time;
  }

  /** A clip, also while an end of it is dragged. @param {Stretch} clip @param {number} place @returns {Stretch} */
  clipAt(clip, place) {
    const { drag } = this;
    if ((drag?.kind !== "start" && drag?.kind !== "end") || drag.place !== place) return clip;
    return drag.kind === "start"
      ? { start: Math.min(drag.time, clip.end), end: clip.end }
      : { start: clip.start, end: Math.max(drag.time, clip.start) };
  }

  /** Places [first, last) of the events in view, and `pixels` beside it. @param {number} pixels @returns {[number, number]} */
  inView(pixels) {
    const margin = (pixels / this.size.width) * this.view.span;
    const { start, span } = this.view;
    return [after(this.times, start - margin), after(this.times, start + span + margin)];
  }

  /** Lanes with so many events in view that they show how many there are. @returns {Set<number>} */
  crowded() {
    const counts = new Map();
    const [first, last] = this.inView(0);
    for (let i = first; i < last; i += 1) counts.set(this.lanes[i], (counts.get(this.lanes[i]) ?? 0) + 1);
    const most = this.size.width / CROWDED_PIXELS;
    return new Set([...counts].filter(([, count]) => count > most).map(([lane]) => lane));
  }

  /** The event at a place. @param {number} x @param {number} y @returns {MatchEvent | null} */
  eventAt(x, y) {
    const lane = this.laneAt(y);
    const first = after(this.times, this.seconds(x - GRAB_PIXELS));
    const last = after(this.times, this.seconds(x + GRAB_PIXELS));
    let best = null;
    let distance = Infinity;
    for (let i = first; i < last; i += 1) {
      const event = this.events[i];
      if (!event || this.lanes[i] !== lane) continue;
      const away = Math.abs(this.x(event.time) - x);
      if (away < distance) [best, distance] = [event, away];
    }
    return best;
  }

  /** How many events a lane has within a bar of its density. @param {number} x @param {number} y */
  countAt(x, y) {
    const lane = this.laneAt(y);
    const [from, to] = [x - BIN_PIXELS, x + BIN_PIXELS].map((place) => after(this.times, this.seconds(place)));
    let count = 0;
    for (let i = from ?? 0; i < (to ?? 0); i += 1) count += Number(this.lanes[i] === lane);
    return count;
  }

  /**
   * What can be dragged from a place: an end of a clip, on the axis; an end of the selected event,
   * or an event, where they can be told apart.
   *
   * @param {number} x
   * @param {number} y
   * @returns {Drag | null}
   */
  handleAt(x, y) {
    if (y < AXIS_PIXELS) return this.#clipHandle(x);
    const selected = this.events.find((event) => event.id === this.selected);
    const stretch = selected && this.stretchOf(selected);
    if (selected && stretch && this.labels.indexOf(selected.label) === this.laneAt(y)) {
      const [left, middle, right] = [stretch.start, selected.time, stretch.end].map((at) => Math.abs(this.x(at) - x));
      const nearest = Math.min(left ?? 0, middle ?? 0, right ?? 0);
      if (nearest <= GRAB_PIXELS && nearest !== middle) {
        return nearest === left ? { kind: "lead", id: selected.id, time: stretch.start } : { kind: "lag", id: selected.id, time: stretch.end };
      }
    }
    if (this.crowded().has(this.laneAt(y))) return null;
    const event = this.eventAt(x, y);
    return event ? { kind: "event", id: event.id, time: event.time } : null;
  }

  /** @param {number} x @returns {ClipDrag | null} */
  #clipHandle(x) {
    /** @type {ClipDrag | null} */
    let best = null;
    let distance = GRAB_PIXELS;
    this.clips.forEach((clip, place) => {
      for (const kind of /** @type {const} */ (["start", "end"])) {
        const away = Math.abs(this.x(clip[kind]) - x);
        // at a place where two clips touch, the one on the pointer's side
        const isInside = kind === "start" ? x >= this.x(clip.start) : x <= this.x(clip.end);
        if (away < distance || (away === distance && isInside)) [best, distance] = [{ kind, place, time: clip[kind] }, away];
      }
    });
    return best;
  }
}
