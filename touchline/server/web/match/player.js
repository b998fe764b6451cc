/**
 * The video, to the frame.
 *
 * The proxy has a constant rate, so frame n is on show from n / rate on. Browsers seek to times,
 * and may round: frames are asked for by the middle of the time that they are on show.
 */

import { h } from "../lib/dom.js";
import { keep, kept } from "../lib/storage.js";

export const SPEEDS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4];
const BACK_SPEEDS = [1, 2, 4];
const BACK_STEPS_PER_SECOND = 12;

/** Tells `time` with every frame shown, `state`, and `problem`. */
export class Player extends EventTarget {
  /** Seconds of the frame on show. */
  seconds = 0;
  /** Speed of playing backwards, or 0. */
  #backwards = 0;
  #backTimer = 0;
  /** @type {number | null} the frame that was asked for and is not on show yet */
  #wanted = null;
  /** @type {number | null} where playing is to end */
  #end = null;
  #isStopped = false;
  /** The stretch that is played over and over. @type {{start: number, end: number} | null} */
  loop = null;

  /**
   * @param {string} source
   * @param {number} rate frames per second
   * @param {number} duration seconds
   */
  constructor(source, rate, duration) {
    super();
    this.rate = rate;
    this.duration = duration;
    this.video = h("video", { src: source, playsinline: true, preload: "auto", tabindex: "-1" });
    this.video.volume = kept("volume", 1);
    for (const kind of ["play", "pause", "ratechange", "volumechange", "waiting", "playing"]) {
      this.video.addEventListener(kind, () => this.#state());
    }
    this.video.addEventListener("seeked", () => this.#shown(this.video.currentTime));
    this.video.addEventListener("ended", () => this.#endStretch());
    this.video.addEventListener("error", () => this.dispatchEvent(new Event("problem")));
    this.video.addEventListener("loadedmetadata", () => this.#loaded());
    this.video.addEventListener("volumechange", () => keep("volume", this.video.volume));
    this.#watch();
  }

  stop() {
    this.#isStopped = true;
    clearInterval(this.#backTimer);
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }

  /** Seconds of the frame that was asked for last, else of the one on show: what an edit means. */
  get playhead() {
    return this.#wanted === null ? this.seconds : this.#wanted / this.rate;
  }

  get frame() {
    return Math.round(this.seconds * this.rate);
  }

  get lastFrame() {
    return Math.max(0, Math.ceil(this.duration * this.rate - 1e-6) - 1);
  }

  get isPlaying() {
    return !this.video.paused || this.#backwards > 0;
  }

  /** Whether a stretch is being played, or about to be. */
  get isStretching() {
    return this.#end !== null;
  }

  get speed() {
    return this.#backwards ? -this.#backwards : this.video.playbackRate;
  }

  /** @param {number} frame */
  toFrame(frame) {
    const bounded = Math.min(Math.max(frame, 0), this.lastFrame);
    this.#wanted = bounded;
    this.video.currentTime = (bounded + 0.5) / this.rate;
  }

  /** @param {number} seconds */
  seek(seconds) {
    this.#end = null;
    this.toFrame(Math.floor(seconds * this.rate + 1e-3));
  }

  /** @param {number} frames */
  step(frames) {
    this.pause();
    this.toFrame((this.#wanted ?? this.frame) + frames);
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  play() {
    this.#stopBackwards();
    if (this.video.ended || this.frame >= this.lastFrame) this.toFrame(0);
    this.video.play().catch(() => undefined);
  }

  pause() {
    this.#end = null;
    this.#stopBackwards();
    this.video.pause();
  }

  /**
   * Play a stretch and stop.
   *
   * @param {number} start
   * @param {number} end
   */
  playStretch(start, end) {
    this.loop = null;
    this.seek(Math.max(0, start));
    this.#end = end;
    this.#stopBackwards();
    this.video.play().catch(() => undefined);
  }

  /**
   * Play a stretch over and over, until `endLoop`.
   *
   * @param {number} start
   * @param {number} end
   */
  playLoop(start, end) {
    this.seek(start);
    this.loop = { start, end };
    this.#stopBackwards();
    this.video.play().catch(() => undefined);
    this.#state();
  }

  endLoop() {
    this.loop = null;
    this.#state();
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.#stopBackwards();
    this.video.playbackRate = speed;
    this.#state();
  }

  /** @param {number} direction 1 for the next faster speed, -1 for the next slower one */
  changeSpeed(direction) {
    const place = SPEEDS.findLastIndex((speed) => speed <= this.video.playbackRate);
    const next = SPEEDS[Math.min(Math.max(place + direction, 0), SPEEDS.length - 1)];
    this.setSpeed(next ?? 1);
  }

  /** The L key: play, then faster. */
  forward() {
    if (this.isPlaying && !this.#backwards) this.changeSpeed(1);
    else {
      this.video.playbackRate = 1;
      this.play();
    }
  }

  /** The J key: backwards, then faster. Browsers cannot, so frames are stepped through. */
  backward() {
    this.#end = null;
    const place = BACK_SPEEDS.indexOf(this.#backwards);
    this.video.pause();
    this.#backwards = BACK_SPEEDS[Math.min(place + 1, BACK_SPEEDS.length - 1)] ?? 1;
    clearInterval(this.#backTimer);
    this.#backTimer = setInterval(() => this.#stepBack(), 1000 / BACK_STEPS_PER_SECOND);
    this.#state();
  }

  #stepBack() {
    if (this.#wanted !== null && this.video.seeking) return;
    const frames = Math.max(1, Math.round((this.#backwards * this.rate) / BACK_STEPS_PER_SECOND));
    if (this.frame === 0) this.pause();
    else this.toFrame(this.frame - frames);
  }

  #stopBackwards() {
    if (!this.#backwards) return;
    clearInterval(this.#backTimer);
    this.#backwards = 0;
    this.#state();
  }

  #loaded() {
    if (Number.isFinite(this.video.duration)) this.duration = this.video.duration;
    this.#state();
  }

  #state() {
    this.dispatchEvent(new Event("state"));
  }

  #watch() {
    if (!("requestVideoFrameCallback" in this.video)) {
      const look = () => {
        if (this.#isStopped) return;
        this.#shown(/** @type {HTMLVideoElement} */ (this.video).currentTime);
        requestAnimationFrame(look);
      };
      look();
      return;
    }
    const seen = (/** @type {number} */ _, /** @type {{mediaTime: number}} */ facts) => {
      if (this.#isStopped) return;
      this.#shown(facts.mediaTime + 0.5 / this.rate);
      this.video.requestVideoFrameCallback(seen);
    };
    this.video.requestVideoFrameCallback(seen);
  }

  /** @param {number} seconds any time at which the frame is on show */
  #shown(seconds) {
    const frame = Math.min(Math.floor(seconds * this.rate + 1e-3), this.lastFrame);
    if (frame === this.#wanted || !this.video.seeking) this.#wanted = null;
    this.seconds = frame / this.rate;
    if (this.loop && this.#wanted === null && this.isPlaying && (frame + 0.5) / this.rate > this.loop.end) this.#again();
    const isOver = this.#end !== null && (frame + 0.5) / this.rate > this.#end;
    if (this.#wanted === null && (isOver || frame === this.lastFrame)) this.#endStretch();
    this.dispatchEvent(new Event("time"));
  }

  /** The stretch that is played over and over begins anew. */
  #again() {
    this.toFrame(Math.floor((this.loop?.start ?? 0) * this.rate + 1e-3));
    if (this.video.paused) this.video.play().catch(() => undefined);
  }

  #endStretch() {
    if (this.loop && this.video.ended) return this.#again();
    if (this.#end === null) return;
    this.#end = null;
    this.video.pause();
    this.dispatchEvent(new Event("end"));
  }
}
