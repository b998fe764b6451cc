/**
 * Stretches of a match: one that is selected, the length of an event, the ends of clips; dragged on
 * the timeline or set at the playhead, and played over and over.
 */

import { mayEdit } from "../lib/api.js";
import { oncePerFrame } from "../lib/dom.js";
import { notify } from "../lib/notices.js";
import { t } from "../lib/texts.js";
import { trimmed } from "./reel-edits.js";
import { stretchOf } from "./settings.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("./timeline-scene.js").Drag} Drag */
/** @typedef {import("./timeline-scene.js").Stretch} Stretch */

/**
 * @typedef {object} Ground
 * @property {import("./store.js").MatchStore} store
 * @property {import("./player.js").Player} player
 * @property {import("./timeline.js").MatchTimeline} timeline
 * @property {import("./reel-panel.js").ReelPanel} reel
 * @property {() => MatchEvent | null} selected
 */

const LEAST_SECONDS = 0.04;

export class Stretches {
  /** @type {Stretch | null} */
  #selected = null;
  #wanted = 0;

  /** @param {Ground} ground */
  constructor(ground) {
    this.ground = ground;
    const { timeline, player } = ground;
    const show = oncePerFrame(() => player.seek(this.#wanted));
    timeline.addEventListener("scrub", (event) => {
      if (player.isPlaying) player.pause();
      this.#wanted = /** @type {CustomEvent} */ (event).detail;
      show();
    });
    timeline.addEventListener("dropped", (event) => this.#dropped(/** @type {CustomEvent} */ (event).detail));
    timeline.addEventListener("loop", () => this.loop());
    player.addEventListener("state", () => this.#draw());
  }

  #draw() {
    const { player, timeline } = this.ground;
    timeline.setStretch(this.#selected ?? player.loop, player.loop !== null);
  }

  /** @param {Stretch | null} stretch */
  #select(stretch) {
    this.#selected = stretch;
    this.#draw();
  }

  /** Clear what is selected, and end a loop; whether there was either. */
  clear() {
    const { player } = this.ground;
    const was = this.#selected !== null || player.loop !== null;
    player.endLoop();
    this.#select(null);
    return was;
  }

  /** @param {Drag} drag */
  #dropped(drag) {
    const { store, player, reel } = this.ground;
    if (drag.kind === "stretch") {
      const [start, end] = [Math.min(drag.from, drag.time), Math.max(drag.from, drag.time)];
      return this.#select(end - start < LEAST_SECONDS ? null : { start, end });
    }
    player.seek(drag.time);
    if (drag.kind === "event") return store.change(drag.id, { time: drag.time });
    if (drag.kind === "lead" || drag.kind === "lag") {
      const event = store.find(drag.id);
      return event && this.#setEdge(event, drag.kind, drag.time);
    }
    const { place } = /** @type {import("./timeline-scene.js").ClipDrag} */ (drag);
    const clip = reel.clips[place];
    if (!clip) return;
    const [start, end] = drag.kind === "start" ? [drag.time, clip.end] : [clip.start, drag.time];
    reel.edit(trimmed(reel.clips, place, start, end, player.duration));
  }

  /** Let an event begin or end at a time. @param {MatchEvent} event @param {"lead" | "lag"} edge @param {number} seconds */
  #setEdge(event, edge, seconds) {
    const length = edge === "lead" ? event.time - seconds : seconds - event.time;
    const rounded = Math.max(0, Math.round(length * 1000) / 1000);
    const lengths = { lead: event.lead ?? 0, lag: event.lag ?? 0, [edge]: rounded };
    this.ground.store.change(event.id, lengths.lead || lengths.lag ? lengths : { lead: null, lag: null });
  }

  /** Set an end at the playhead: of the selected event, else of the selected stretch. @param {"start" | "end"} side */
  mark(side) {
    const { player, selected } = this.ground;
    const at = player.playhead;
    const event = selected();
    if (event && mayEdit()) {
      const isBeside = side === "start" ? at > event.time : at < event.time;
      if (isBeside) notify(t(side === "start" ? "startBehind" : "endBefore"), { kind: "problem" });
      else this.#setEdge(event, side === "start" ? "lead" : "lag", at);
      return;
    }
    const now = this.#selected ?? { start: at, end: at };
    const next = side === "start" ? { start: at, end: Math.max(now.end, at) } : { start: Math.min(now.start, at), end: at };
    this.#select(next);
  }

  /** Make the selected event one without a length. */
  toPoint() {
    const event = this.ground.selected();
    if (event) this.ground.store.change(event.id, { lead: null, lag: null });
  }

  /** Play what is selected over and over, or no longer. */
  loop() {
    const { player, selected } = this.ground;
    if (player.loop) return player.endLoop();
    const event = selected();
    const [start, end] = this.#selected ? [this.#selected.start, this.#selected.end] : event ? stretchOf(event) : [0, 0];
    if (end - start < LEAST_SECONDS) notify(t("nothingToLoop"));
    else player.playLoop(Math.max(0, start), Math.min(end, player.duration));
  }

  /** Add what is selected to the reel. */
  addClip() {
    const { reel, selected } = this.ground;
    const stretch = this.#selected;
    if (stretch && stretch.end - stretch.start >= LEAST_SECONDS) reel.addStretch(stretch.start, stretch.end);
    else reel.addClip(selected());
  }
}
