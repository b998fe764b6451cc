/** The bar under the video: playing, time, match clock and score, speed, sound. */

import { fill, h, icon, iconButton } from "../lib/dom.js";
import { clock } from "../lib/format.js";
import { t } from "../lib/texts.js";
import { SPEEDS } from "./player.js";

export class PlayerControls {
  /** @param {import("./player.js").Player} player @param {(command: string) => void} run */
  constructor(player, run) {
    this.player = player;
    const button = (/** @type {import("../lib/dom.js").IconName} */ drawing, /** @type {string} */ text, /** @type {string} */ command, /** @type {import("../lib/dom.js").Properties} */ more = {}) =>
      iconButton(drawing, text, { onclick: () => run(command), ...more });
    this.play = button("play", t("key.playPause"), "playPause", { class: "main icon-only" });
    this.time = h("output", { class: "number time-code", "aria-label": t("time") });
    this.state = h("span", { class: "number quiet-text match-clock" });
    this.speed = h(
      "select",
      { "aria-label": t("speed"), onchange: () => player.setSpeed(Number(this.speed.value)) },
      SPEEDS.map((speed) => h("option", { value: speed }, `${speed}×`)),
    );
    this.speed.value = "1";
    this.overlay = button("tag", t("key.overlay"), "overlay");
    this.mute = button("sound", t("key.mute"), "mute");
    this.element = h(
      "div",
      { class: "controls" },
      button("stepback", t("key.frameBack"), "frameBack"),
      this.play,
      button("stepon", t("key.frameOn"), "frameOn"),
      this.time,
      this.state,
      h("span", { class: "space" }),
      this.overlay,
      this.speed,
      this.mute,
      iconButton("full", t("fullScreen"), { onclick: () => player.video.parentElement?.requestFullscreen() }),
    );
    player.addEventListener("state", this.#drawPlaying);
  }

  /** @param {boolean} isOn events are shown over the video */
  showOverlay(isOn) {
    this.overlay.setAttribute("aria-pressed", String(isOn));
  }

  /** @param {string} state match clock and score now @param {number} rate frames a second */
  drawTime(state, rate) {
    const { player } = this;
    const frame = player.frame % Math.round(rate);
    fill(this.time, `${clock(player.seconds)}.${String(frame).padStart(2, "0")}`, h("span", { class: "quiet-text" }, ` / ${clock(player.duration)}`));
    fill(this.state, state);
  }

  #drawPlaying = () => {
    const { player } = this;
    fill(this.play, icon(player.isPlaying ? "pause" : "play"));
    if (player.speed > 0) this.speed.value = String(player.speed);
    fill(this.mute, icon(player.video.muted ? "silent" : "sound"));
    this.mute.setAttribute("aria-pressed", String(player.video.muted));
  };
}
