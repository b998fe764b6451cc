/** Draws the timeline: grid, clips, curves, events one by one or by their number, and the map. */

import { clock } from "../lib/format.js";
import { AXIS_PIXELS, BIN_PIXELS, MAP_PIXELS } from "./timeline-scene.js";

/** @typedef {import("./timeline-scene.js").Scene} Scene */
/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {CanvasRenderingContext2D} Context */

const TICK_PIXELS = 90;
const STEPS = [0.04, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800];
const CURVE_STEP_PIXELS = 2;
const MAP_BIN_PIXELS = 4;

/** @param {Context} context @param {Scene} scene */
export function paint(context, scene) {
  const crowded = scene.crowded();
  context.fillStyle = scene.paper.card;
  context.fillRect(0, 0, scene.size.width, scene.size.height);
  paintGrid(context, scene);
  paintClips(context, scene);
  paintStretch(context, scene);
  paintTimes(context, scene);
  paintCurves(context, scene);
  paintLengths(context, scene, crowded);
  paintDensity(context, scene, crowded);
  paintEvents(context, scene, crowded);
  paintMarks(context, scene);
}

/** @param {Context} context @param {Scene} scene */
function paintGrid(context, scene) {
  const { width, height, lane } = scene.size;
  const { start, span } = scene.view;
  context.fillStyle = scene.paper.sunk;
  context.fillRect(0, 0, width, AXIS_PIXELS);
  for (let place = 1; place < scene.labels.length; place += 2) {
    context.fillRect(0, AXIS_PIXELS + place * lane, width, lane);
  }
  const step = stepOf(scene);
  context.fillStyle = scene.paper.line;
  const first = Math.ceil(start / step) * step;
  for (let at = first; at <= start + span; at += step) {
    context.fillRect(Math.round(scene.x(at)), AXIS_PIXELS - 5, 1, height);
  }
  context.fillStyle = scene.paper.quiet;
  if (width / span / scene.rate > 5) {
    for (let frame = Math.ceil(start * scene.rate); frame / scene.rate <= start + span; frame += 1) {
      context.fillRect(Math.round(scene.x(frame / scene.rate)), AXIS_PIXELS - 4, 1, 4);
    }
  }
}

/** The times on the axis, above whatever lies there. @param {Context} context @param {Scene} scene */
function paintTimes(context, scene) {
  const { start, span } = scene.view;
  const step = stepOf(scene);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillStyle = scene.paper.quiet;
  for (let at = Math.ceil(start / step) * step; at <= start + span; at += step) {
    context.fillText(clock(at + 1e-6, step < 1 ? 2 : 0), Math.round(scene.x(at)) + 4, AXIS_PIXELS / 2 + 1);
  }
}

/** Seconds between times on the axis. @param {Scene} scene */
function stepOf({ view, size }) {
  const wanted = (view.span / size.width) * TICK_PIXELS;
  return STEPS.find((one) => one >= wanted) ?? 3600;
}

/** The clips of the reel, with a handle at each end. @param {Context} context @param {Scene} scene */
function paintClips(context, scene) {
  const { width, height } = scene.size;
  scene.clips.forEach((one, place) => {
    const { start, end } = scene.clipAt(one, place);
    const [left, right] = [scene.x(start), scene.x(end)];
    if (right < 0 || left > width) return;
    context.fillStyle = scene.paper.reel;
    context.fillRect(left, 0, right - left, height);
    context.fillStyle = scene.paper.accent;
    context.fillRect(left, 0, Math.max(right - left, 2), 3);
    if (right - left < 12) return;
    for (const x of [left, right - 3]) context.fillRect(x, 0, 3, AXIS_PIXELS);
  });
}

/** The stretch that is selected, or being selected. @param {Context} context @param {Scene} scene */
function paintStretch(context, scene) {
  const { drag } = scene;
  const stretch = drag?.kind === "stretch"
    ? { start: Math.min(drag.from, drag.time), end: Math.max(drag.from, drag.time) }
    : scene.stretch;
  if (!stretch) return;
  const [left, right] = [scene.x(stretch.start), scene.x(stretch.end)];
  context.globalAlpha = 0.14;
  context.fillStyle = scene.paper.ink;
  context.fillRect(left, 0, right - left, scene.size.height);
  context.globalAlpha = 1;
  for (const x of [left, right]) context.fillRect(Math.round(x), 0, 1, scene.size.height);
  context.fillRect(left, AXIS_PIXELS - 3, right - left, 3);
}

/** @param {Context} context @param {Scene} scene */
function paintCurves(context, scene) {
  const { width, lane } = scene.size;
  const { start, span } = scene.view;
  const scale = width / span;
  const tall = lane - 3;
  context.globalAlpha = 0.3;
  scene.labels.forEach((label, place) => {
    const curve = scene.curves.get(label);
    if (!curve) return;
    const floor = AXIS_PIXELS + (place + 1) * lane;
    let isUp = false;
    let before = 0;
    context.fillStyle = scene.tones[label] ?? scene.paper.quiet;
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

/** Events with a length, as bars behind their strokes. @param {Context} context @param {Scene} scene @param {Set<number>} crowded */
function paintLengths(context, scene, crowded) {
  const { lane, width } = scene.size;
  scene.events.forEach((event, i) => {
    const place = scene.lanes[i] ?? -1;
    const stretch = place < 0 || crowded.has(place) ? null : scene.stretchOf(event);
    if (!stretch) return;
    const [left, right] = [scene.x(stretch.start), scene.x(stretch.end)];
    if (right < 0 || left > width) return;
    const top = AXIS_PIXELS + place * lane + 3;
    context.globalAlpha = event.status === "rejected" || scene.dimmed.has(event.id) ? 0.12 : 0.32;
    context.fillStyle = scene.tones[event.label] ?? scene.paper.quiet;
    context.fillRect(left, top, Math.max(right - left, 2), lane - 5);
    context.globalAlpha = 1;
    if (event.id !== scene.selected) return;
    context.fillStyle = scene.paper.ink;
    for (const x of [left, right - 3]) context.fillRect(x, top, 3, lane - 5);
  });
}

/**
 * Crowded lanes, as bars for how many events there are: those accepted below, in full colour.
 *
 * @param {Context} context @param {Scene} scene @param {Set<number>} crowded
 */
function paintDensity(context, scene, crowded) {
  if (!crowded.size) return;
  const { width, lane } = scene.size;
  const bins = Math.ceil(width / BIN_PIXELS);
  const [first, last] = scene.inView(0);
  /** @type {Map<number, {all: Uint32Array, accepted: Uint32Array}>} */
  const counts = new Map([...crowded].map((place) => [place, { all: new Uint32Array(bins), accepted: new Uint32Array(bins) }]));
  let most = 1;
  for (let i = first; i < last; i += 1) {
    const event = scene.events[i];
    const lanes = counts.get(scene.lanes[i] ?? -1);
    if (!event || !lanes || event.status === "rejected" || scene.dimmed.has(event.id)) continue;
    const bin = Math.min(Math.max(Math.floor(scene.x(event.time) / BIN_PIXELS), 0), bins - 1);
    const count = (lanes.all[bin] ?? 0) + 1;
    lanes.all[bin] = count;
    most = Math.max(most, count);
    if (event.status === "accepted") lanes.accepted[bin] = (lanes.accepted[bin] ?? 0) + 1;
  }
  const tall = (/** @type {number} */ count) => (count ? Math.max(2, Math.sqrt(count / most) * (lane - 3)) : 0);
  for (const [place, { all, accepted }] of counts) {
    const floor = AXIS_PIXELS + (place + 1) * lane - 1;
    context.fillStyle = scene.tones[scene.labels[place] ?? ""] ?? scene.paper.quiet;
    for (let bin = 0; bin < bins; bin += 1) {
      const height = tall(all[bin] ?? 0);
      if (!height) continue;
      const sure = height * ((accepted[bin] ?? 0) / (all[bin] ?? 1));
      context.globalAlpha = 0.5;
      context.fillRect(bin * BIN_PIXELS, floor - height, BIN_PIXELS - 1, height - sure);
      context.globalAlpha = 1;
      context.fillRect(bin * BIN_PIXELS, floor - sure, BIN_PIXELS - 1, sure);
    }
  }
}

/** @param {Context} context @param {Scene} scene @param {Set<number>} crowded */
function paintEvents(context, scene, crowded) {
  const { lane } = scene.size;
  const [first, last] = scene.inView(8);
  let alpha = 1;
  for (let i = first; i < last; i += 1) {
    const event = scene.events[i];
    const place = scene.lanes[i] ?? -1;
    if (!event || place < 0 || crowded.has(place)) continue;
    const x = Math.round(scene.x(scene.timeOf(event)));
    const floor = AXIS_PIXELS + (place + 1) * lane - 1;
    const tall = Math.max(4, event.confidence * (lane - 3));
    const wanted = event.status === "rejected" || scene.dimmed.has(event.id) ? 0.22 : 1;
    if (wanted !== alpha) context.globalAlpha = alpha = wanted;
    context.fillStyle = scene.tones[event.label] ?? scene.paper.quiet;
    context.fillRect(x - 1, floor - tall, event.status === "pending" ? 2 : 3, tall);
    if (event.status === "accepted") context.fillRect(x - 3, floor - tall - 1, 7, 4);
  }
  context.globalAlpha = 1;
  const chosen = scene.events.findIndex((event) => event.id === scene.selected);
  const event = scene.events[chosen];
  if (event) paintSelected(context, scene, event, scene.lanes[chosen] ?? -1);
}

/** @param {Context} context @param {Scene} scene @param {MatchEvent} event @param {number} place */
function paintSelected(context, scene, event, place) {
  const { lane, width } = scene.size;
  const x = Math.round(scene.x(scene.timeOf(event)));
  if (place < 0 || x < -8 || x > width + 8) return;
  context.strokeStyle = scene.paper.ink;
  context.lineWidth = 2;
  context.strokeRect(x - 5, AXIS_PIXELS + place * lane + 1, 11, lane - 2);
}

/** Where halves begin. @param {Context} context @param {Scene} scene */
function paintMarks(context, scene) {
  const { width, height } = scene.size;
  for (const { start, text } of scene.marks) {
    const x = Math.round(scene.x(start));
    if (x < -200 || x > width) continue;
    context.fillStyle = scene.paper.ink;
    if (x > 0) context.fillRect(x, 0, 1, height);
    context.font = "600 11px system-ui, sans-serif";
    const room = context.measureText(text).width + 10;
    context.fillRect(x, 2, room, AXIS_PIXELS - 5);
    context.fillStyle = scene.paper.card;
    context.fillText(text, x + 5, AXIS_PIXELS / 2);
  }
}

/** The whole match, small. @param {Context} context @param {Scene} scene */
export function paintMap(context, scene) {
  const { width } = scene.size;
  const scale = width / scene.duration;
  context.fillStyle = scene.paper.sunk;
  context.fillRect(0, 0, width, MAP_PIXELS);
  context.fillStyle = scene.paper.reel;
  for (const { start, end } of scene.clips) {
    context.fillRect(start * scale, 0, Math.max(2, (end - start) * scale), MAP_PIXELS);
  }
  context.fillStyle = scene.paper.ink;
  for (const { start } of scene.marks) if (start > 0) context.fillRect(Math.round(start * scale), 0, 1, MAP_PIXELS);
  const shown = scene.events.filter((event) => event.status !== "rejected");
  if (shown.length > width / 4) return paintMapDensity(context, scene, shown);
  context.globalAlpha = 0.75;
  for (const event of shown) {
    context.fillStyle = scene.tones[event.label] ?? scene.paper.quiet;
    const tall = 3 + event.confidence * (MAP_PIXELS - 8);
    context.fillRect(Math.round(event.time * scale), MAP_PIXELS - tall, 1, tall);
  }
  context.globalAlpha = 1;
}

/** How many events there are, the accepted ones below. @param {Context} context @param {Scene} scene @param {MatchEvent[]} events */
function paintMapDensity(context, scene, events) {
  const scale = scene.size.width / scene.duration / MAP_BIN_PIXELS;
  const bins = Math.ceil(scene.size.width / MAP_BIN_PIXELS);
  const [all, accepted] = [new Uint32Array(bins), new Uint32Array(bins)];
  for (const { time, status } of events) {
    const bin = Math.min(Math.max(Math.floor(time * scale), 0), bins - 1);
    all[bin] = (all[bin] ?? 0) + 1;
    if (status === "accepted") accepted[bin] = (accepted[bin] ?? 0) + 1;
  }
  const most = all.reduce((a, b) => Math.max(a, b), 1);
  for (const [counts, colour] of /** @type {const} */ ([[all, scene.paper.quiet], [accepted, scene.paper.accent]])) {
    context.fillStyle = colour;
    counts.forEach((count, bin) => {
      const tall = (count / most) * (MAP_PIXELS - 4);
      context.fillRect(bin * MAP_BIN_PIXELS, MAP_PIXELS - tall, MAP_BIN_PIXELS - 1, tall);
    });
  }
}
