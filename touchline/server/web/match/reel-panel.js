/** The reel: chosen by rule, edited by hand, looked at without rendering, made into files. */

import { connection, explain, mayEdit } from "../lib/api.js";
import { fill, h, icon } from "../lib/dom.js";
import { clock } from "../lib/format.js";
import { complain, notify } from "../lib/notices.js";
import { n, t } from "../lib/texts.js";
import { halvesOf } from "./clock.js";
import { clipRows } from "./reel-clips.js";
import { allOf, insertClip, lengthOf } from "./reel-edits.js";
import { ReelFiles } from "./reel-files.js";
import { ReelFinish } from "./reel-finish.js";
import { reelMaker } from "./reel-maker.js";
import { around, stretchOf } from "./settings.js";

/** @typedef {import("../lib/types.js").Reel} Reel */
/** @typedef {import("../lib/types.js").Clip} Clip */
/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("./player.js").Player} Player */
/** @typedef {import("./store.js").MatchStore} MatchStore */

/** `<reel-panel>`: dispatches `clips` when it shows another reel, or other clips. */
export class ReelPanel extends HTMLElement {
  /** @type {string | null} the reel on show; the latest by default */
  #picked = null;
  #shown = "";
  /** @type {number | null} the clip that is played */
  #playing = null;
  /** @type {number | null} the clip whose edges are shown */
  #open = null;
  #isStopped = false;
  files = new ReelFiles();
  finish = new ReelFinish();
  /** Whether an event is above the threshold of its class. @type {(event: MatchEvent) => boolean} */
  isShown = () => true;
  /** @type {(seconds: number) => ({src: string} | null)} */
  thumbnailAt = () => null;

  /**
   * @param {MatchStore} store
   * @param {Player} player
   * @param {string[]} labels
   */
  async start(store, player, labels) {
    this.store = store;
    this.player = player;
    this.#build(labels);
    this.finish.teamsOf = () => [store.match.game?.home ?? "", store.match.game?.away ?? ""];
    this.finish.addEventListener("finish", (event) => {
      if (this.#reel) store.changeReel(this.#reel.id, { finish: /** @type {CustomEvent} */ (event).detail });
    });
    store.addEventListener("change", () => this.#drawIfNew());
    player.addEventListener("end", () => this.#playNext());
    player.addEventListener("state", () => this.#noticeStop());
    connection.addEventListener("back", () => !this.#isStopped && this.files.read().catch(() => undefined));
    this.#draw();
    await Promise.all([this.files.start(store), this.finish.start()]);
  }

  stop() {
    this.#isStopped = true;
  }

  get #reels() {
    return this.store?.reels ?? [];
  }

  /** @returns {Reel | null} */
  get #reel() {
    return this.#reels.find((reel) => reel.id === this.#picked) ?? this.#reels.at(-1) ?? null;
  }

  /** @returns {Clip[]} */
  get clips() {
    return this.#reel?.reel.clips ?? [];
  }

  get #duration() {
    return this.player?.duration ?? 0;
  }

  /** @param {string[]} labels */
  #build(labels) {
    const teams = () => (this.store?.sorted ?? []).map((event) => event.team ?? "").filter(Boolean);
    const halves = this.store ? halvesOf(this.store.match).map(({ half }) => half ?? 0) : [];
    this.maker = reelMaker(labels, teams, halves, (wanted) => this.#make(wanted));
    this.picked = h("select", {
      "aria-label": t("reel"),
      onchange: () => {
        this.#picked = this.picked?.value ?? null;
        this.#open = null;
        this.#draw();
      },
    });
    this.body = h("div", { class: "stack" });
    fill(this, mayEdit() ? this.maker : null, this.body, this.finish, this.files);
  }

  // -------------------------------------------------------------------- making

  /** @param {import("./reel-maker.js").Wanted} wanted */
  async #make({ wishes, must }) {
    const { store } = this;
    if (!store) return;
    for (const wish of wishes) {
      const count = this.#reels.length + 1;
      const seconds = Number(wish["seconds"]);
      const title = wishes.length > 1 ? t("reelTitleOf", { count, seconds }) : t("reelTitle", { count });
      this.#picked = await store.makeReel({ ...wish, title });
      for (const remark of this.#reel?.remarks ?? []) notify(remark);
      this.#open = null;
      if (must.length) this.edit(allOf(this.clips, this.#needed(wish, must), seconds, this.#duration, stretchOf));
    }
    this.#draw();
    if (!this.clips.length && !must.length) notify(t("reelEmpty"));
  }

  /** Events that must be in a reel. @param {Record<string, unknown>} wish @param {string[]} must */
  #needed(wish, must) {
    return (this.store?.sorted ?? []).filter(
      (event) =>
        must.includes(event.label) &&
        event.status !== "rejected" &&
        this.isShown(event) &&
        event.confidence >= Number(wish["min_confidence"]) &&
        (!wish["accepted_only"] || event.status === "accepted"),
    );
  }

  /** Add a clip around an event, or around the playhead. @param {MatchEvent | null} event */
  addClip(event) {
    if (!this.player) return;
    const [start, end] = event ? stretchOf(event) : stretchAt(this.player.playhead);
    this.addStretch(start, end, event?.label);
  }

  /** Add a clip of a stretch. @param {number} start @param {number} end @param {string} [title] */
  async addStretch(start, end, title) {
    if (this.#reel) {
      this.edit(insertClip(this.clips, start, end, this.#duration, title));
    } else {
      try {
        const clips = insertClip([], start, end, this.#duration, title);
        this.#picked = (await this.store?.makeReel({ title: t("reelTitle", { count: 1 }), clips })) ?? null;
        this.#draw();
      } catch (error) {
        return complain(explain(error));
      }
    }
    notify(t("clipAdded"));
  }

  /** @param {Clip[]} clips */
  edit(clips) {
    if (this.#reel) this.store?.changeReel(this.#reel.id, { clips });
  }

  // ------------------------------------------------------------------- preview

  #preview() {
    if (this.#playing !== null) {
      this.#playing = null;
      this.player?.pause();
      return;
    }
    this.#playing = 0;
    this.#playClip();
  }

  #playClip() {
    const clip = this.#playing === null ? undefined : this.clips[this.#playing];
    if (!clip) this.#playing = null;
    else this.player?.playStretch(clip.start, clip.end);
    this.#draw();
  }

  #playNext() {
    if (this.#playing === null) return;
    this.#playing += 1;
    this.#playClip();
  }

  /** Stopping the video ends the preview. */
  #noticeStop() {
    if (this.#playing === null || this.player?.isPlaying || this.player?.isStretching) return;
    this.#playing = null;
    this.#draw();
  }

  // ------------------------------------------------------------------- drawing

  /** Draw again where another reel, or other clips, are to be shown. */
  #drawIfNew() {
    if (this.#isStopped || !this.body) return;
    const shown = JSON.stringify([this.#reel, this.#reels.map((reel) => reel.title)]);
    if (shown !== this.#shown) this.#draw();
    this.#shown = shown;
  }

  #draw() {
    this.dispatchEvent(new Event("clips"));
    if (!this.body) return;
    const reel = this.#reel;
    this.files.reel = reel;
    this.files.draw();
    this.finish.show(reel?.finish ?? null);
    if (!reel) {
      fill(this.body, h("p", { class: "quiet-text" }, mayEdit() ? t("noReel") : t("noReelYet")));
      if (this.maker && mayEdit() && !this.maker.open) this.maker.open = true;
      return;
    }
    fill(
      this.picked ?? this.body,
      this.#reels.map((one) => h("option", { value: one.id, selected: one.id === reel.id }, one.title)),
    );
    const focused = focusPath(this.body);
    fill(this.body, this.#reels.length > 1 ? this.picked : null, this.#head(reel), this.#play(), this.#rows());
    if (focused) /** @type {HTMLElement | null} */ (this.body.querySelector(`[data-focus="${focused}"]`))?.focus();
  }

  /** @param {Reel} reel */
  #head(reel) {
    return h(
      "div",
      { class: "row with-button" },
      h("input", {
        class: "reel-title", value: reel.title, maxlength: "300", "aria-label": t("reelName"), disabled: !mayEdit(), "data-focus": "title",
        onchange: (/** @type {Event} */ event) => {
          const title = /** @type {HTMLInputElement} */ (event.target).value.trim();
          if (title) this.store?.changeReel(reel.id, { title });
        },
      }),
      mayEdit() ? h("button", { type: "button", onclick: () => this.store?.removeReel(reel.id) }, t("deleteReel")) : null,
    );
  }

  #play() {
    return h(
      "div",
      { class: "row" },
      h(
        "button",
        { type: "button", class: "main", disabled: !this.clips.length, onclick: () => this.#preview(), "data-focus": "preview" },
        icon(this.#playing === null ? "play" : "pause"),
        this.#playing === null ? t("preview") : t("stopPreview"),
      ),
      h("span", { class: "quiet-text number" }, n("clips", this.clips.length), " · ", clock(lengthOf(this.clips))),
    );
  }

  #rows() {
    const { store } = this;
    if (!store) return null;
    return clipRows({
      match: store.match, clips: this.clips, duration: this.#duration, playing: this.#playing, open: this.#open,
      playhead: () => this.player?.playhead ?? 0,
      thumbnailAt: this.thumbnailAt,
      edit: (clips) => this.edit(clips),
      play: (place) => {
        const clip = this.clips[place];
        if (clip) this.player?.playStretch(clip.start, clip.end);
      },
      toggle: (place) => {
        this.#open = place;
        this.#draw();
      },
    });
  }
}

/** @param {number} seconds @returns {[number, number]} */
function stretchAt(seconds) {
  const [lead, lag] = around("");
  return [seconds - lead, seconds + lag];
}

/** @param {HTMLElement} root */
function focusPath(root) {
  const active = document.activeElement;
  return active instanceof HTMLElement && root.contains(active) ? active.dataset.focus : undefined;
}

customElements.define("reel-panel", ReelPanel);
