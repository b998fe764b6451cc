/** The reel: chosen by rule, edited by hand, looked at without rendering, made into files. */

import { ApiError, LostConnection, ask, change, connection, explain, get, linkTo, mayEdit } from "../lib/api.js";
import { fill, h, icon, iconButton } from "../lib/dom.js";
import { clock, date, percent, size } from "../lib/format.js";
import { jobEnd } from "../lib/jobs.js";
import { complain, notify } from "../lib/notices.js";
import { t, n } from "../lib/texts.js";
import { eventOfClip, matchState } from "./clock.js";
import { around } from "./settings.js";
import { insertClip, movedClip, trimmed } from "./reel-edits.js";

/** @typedef {import("../lib/types.js").Reel} Reel */
/** @typedef {import("../lib/types.js").Clip} Clip */
/** @typedef {import("../lib/types.js").Product} Product */
/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("./player.js").Player} Player */
/** @typedef {import("./store.js").MatchStore} MatchStore */

const ASPECTS = /** @type {const} */ (["16:9", "1:1", "4:5", "9:16"]);
const TRIM_SECONDS = 0.5;
const VIDEO_FORMATS = new Set(["mp4", "m4v", "mov", "mkv"]);

/** `<reel-panel>`: dispatches `clips` when it shows another reel. */
export class ReelPanel extends HTMLElement {
  /** @type {string | null} the reel on show; the latest by default */
  #picked = null;
  #shown = "";
  /** @type {Product[]} */
  #files = [];
  /** @type {string[]} */
  #formats = [];
  /** @type {number | null} the clip that is played */
  #playing = null;
  /** @type {Map<string, number>} progress by format that is being made */
  #making = new Map();
  /** @type {number | null} */
  #dragged = null;
  #burns = false;
  #aspect = "";
  #isStopped = false;
  /** @type {Set<string>} classes of which every event is to be in the next reel */
  #must = new Set();
  #filesShown = "";
  files = h("div", { class: "stack" });
  /** Whether an event is above the threshold of its class. @type {(event: MatchEvent) => boolean} */
  isShown = () => true;
  #format = "";

  /**
   * @param {MatchStore} store
   * @param {Player} player
   * @param {string[]} labels
   */
  async start(store, player, labels) {
    this.store = store;
    this.player = player;
    this.labels = labels;
    this.#build();
    store.addEventListener("change", () => this.#drawIfNew());
    player.addEventListener("end", () => this.#playNext());
    player.addEventListener("state", () => this.#noticeStop());
    connection.addEventListener("back", () => !this.#isStopped && this.#again());
    try {
      /** @type {{reel_formats: string[]}} */
      const capabilities = await get("/v1/capabilities");
      this.#formats = capabilities.reel_formats;
      await this.#read();
    } catch (error) {
      if (!(error instanceof LostConnection)) complain(explain(error));
    }
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

  /** The server is there again. */
  async #again() {
    await this.#read().catch(() => undefined);
  }

  async #read() {
    /** @type {{items: Product[]}} */
    const files = await get(`${this.store?.path}/files`);
    this.#files = files.items;
    this.#draw();
  }

  #build() {
    this.length = h("input", { type: "number", min: "5", max: "14400", step: "1", value: "180" });
    this.least = h("input", { type: "number", min: "0", max: "100", step: "1", value: "0" });
    this.accepted = h("input", { type: "checkbox" });
    this.must = h(
      "div",
      { class: "chips", role: "group", "aria-label": t("mustHave") },
      (this.labels ?? []).map((label) => {
        const chip = h("button", {
          type: "button", class: "chip", "aria-pressed": "false",
          onclick: () => {
            const isWanted = !this.#must.delete(label);
            if (isWanted) this.#must.add(label);
            chip.setAttribute("aria-pressed", String(isWanted));
          },
        }, label);
        return chip;
      }),
    );
    this.picked = h("select", {
      "aria-label": t("reel"),
      onchange: () => {
        this.#picked = this.picked?.value ?? null;
        this.#draw();
      },
    });
    this.body = h("div", { class: "stack" });
    this.maker = h(
      "details",
      { class: "reel-maker" },
      h("summary", {}, t("newReel")),
      h(
        "form",
        { class: "stack", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.#make(); } },
        h(
          "div",
          { class: "fields" },
          h("label", { class: "field" }, t("reelSeconds"), this.length),
          h("label", { class: "field" }, t("reelLeast"), this.least),
          h("div", { class: "field wide" }, h("span", { class: "quiet-text" }, t("mustHave")), this.must),
        ),
        h("p", { class: "quiet-text" }, t("mustHaveHow")),
        h("label", { class: "check" }, this.accepted, t("acceptedOnly")),
        h("button", { class: "main" }, t("makeReel")),
      ),
    );
    fill(this, mayEdit() ? this.maker : null, this.body, this.files);
  }

  async #make() {
    const wanted = [...this.#must];
    const seconds = Number(this.length?.value);
    try {
      if (!this.store) return;
      this.#picked = await this.store.makeReel({
        title: t("reelTitle", { count: this.#reels.length + 1 }),
        seconds,
        min_confidence: Number(this.least?.value) / 100,
        accepted_only: this.accepted?.checked ?? false,
      });
      if (this.maker) this.maker.open = false;
      if (wanted.length) this.#demand(wanted, seconds);
      this.#draw();
      if (!this.clips.length && !wanted.length) notify(t("reelEmpty"));
    } catch (error) {
      complain(explain(error));
    }
  }

  /**
   * Put every event of these classes into the reel, and leave out the least of the others until
   * it is as long as it may be.
   *
   * @param {string[]} labels
   * @param {number} seconds
   */
  #demand(labels, seconds) {
    const least = Number(this.least?.value) / 100;
    const needed = (this.store?.sorted ?? []).filter(
      (event) =>
        labels.includes(event.label) &&
        event.status !== "rejected" &&
        this.isShown(event) &&
        event.confidence >= least &&
        (!this.accepted?.checked || event.status === "accepted"),
    );
    let clips = this.clips;
    for (const event of needed) {
      if (clips.some((clip) => clip.start <= event.time && event.time < clip.end)) continue;
      const [lead, lag] = around(event.label);
      clips = insertClip(clips, event.time - lead, event.time + lag, this.#duration, event.label);
    }
    const isNeeded = (/** @type {Clip} */ clip) =>
      needed.some((event) => clip.start <= event.time && event.time < clip.end);
    const others = clips.filter((clip) => !isNeeded(clip)).sort((a, b) => (a.score ?? 0) - (b.score ?? 0));
    for (const clip of others) {
      if (lengthOf(clips) <= seconds) break;
      clips = clips.filter((one) => one !== clip);
    }
    this.#edit(clips);
  }

  get #duration() {
    return this.player?.duration ?? 0;
  }

  /** Add a clip around an event, or around the playhead. @param {MatchEvent | null} event */
  addClip(event) {
    if (!this.player) return;
    const at = event?.time ?? this.player.playhead;
    const [lead, lag] = around(event?.label ?? "");
    if (!this.#reel) return void this.#makeEmpty(at - lead, at + lag, event?.label);
    this.#edit(insertClip(this.clips, at - lead, at + lag, this.#duration, event?.label));
    notify(t("clipAdded"));
  }

  /** @param {number} start @param {number} end @param {string} [title] */
  async #makeEmpty(start, end, title) {
    try {
      const clips = insertClip([], start, end, this.#duration, title);
      this.#picked = (await this.store?.makeReel({ title: t("reelTitle", { count: 1 }), clips })) ?? null;
      this.#draw();
      notify(t("clipAdded"));
    } catch (error) {
      complain(explain(error));
    }
  }

  // -------------------------------------------------------------------- edits

  /** @param {Clip[]} clips */
  #edit(clips) {
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

  // --------------------------------------------------------------------- files

  /** @param {string} format */
  async #render(format) {
    const reel = this.#reel;
    if (!reel || this.#making.has(format)) return;
    this.#making.set(format, 0);
    this.#draw();
    /** @type {() => void} */
    let tell = () => undefined;
    try {
      await this.store?.allSaved();
      const shape = this.#aspect && VIDEO_FORMATS.has(format) ? { aspect: this.#aspect } : {};
      /** @type {import("../lib/api.js").Answer<import("../lib/types.js").Job>} */
      const { data: job } = await change("POST", `/v1/reels/${reel.id}/files`, {
        body: { format, burn_labels: this.#burns, ...shape },
      });
      const ended = await jobEnd(job, (now) => {
        this.#making.set(format, now.progress);
        this.#drawFiles();
      });
      if (ended?.state === "failed") tell = () => complain(t("renderFailed", { problem: ended.problem ?? "" }));
      if (ended?.state === "cancelled") tell = () => void notify(t("renderCancelled"));
      if (ended?.state === "succeeded") tell = () => void notify(t("renderDone"));
    } catch (error) {
      const text = error instanceof ApiError ? t("renderFailed", { problem: error.message }) : explain(error);
      tell = () => complain(text);
    }
    this.#making.delete(format);
    await this.#read().catch(() => this.#draw());
    tell();
  }

  /** @param {Product} file */
  async #removeFile(file) {
    try {
      await ask("DELETE", `/v1/files/${file.id}`);
      await this.#read();
    } catch (error) {
      complain(explain(error));
    }
  }

  #removeReel() {
    if (this.#reel) this.store?.removeReel(this.#reel.id);
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
    this.files.hidden = !reel && !this.#files.length;
    if (!reel) {
      this.#drawFiles();
      fill(this.body, h("p", { class: "quiet-text" }, mayEdit() ? t("noReel") : t("noReelYet")));
      if (this.maker && mayEdit() && !this.maker.open) this.maker.open = true;
      return;
    }
    fill(
      this.picked ?? this.body,
      this.#reels.map((one) => h("option", { value: one.id, selected: one.id === reel.id }, one.title)),
    );
    const focused = focusPath(this.body);
    fill(
      this.body,
      this.#reels.length > 1 ? this.picked : null,
      h(
        "div",
        { class: "row" },
        h("input", {
          class: "reel-title", value: reel.title, maxlength: "300", "aria-label": t("reelName"), disabled: !mayEdit(), "data-focus": "title",
          onchange: (/** @type {Event} */ event) => {
            const title = /** @type {HTMLInputElement} */ (event.target).value.trim();
            if (title) this.store?.changeReel(reel.id, { title });
          },
        }),
        mayEdit() ? iconButton("trash", t("deleteReel"), { onclick: () => this.#removeReel() }) : null,
      ),
      h(
        "div",
        { class: "row" },
        h(
          "button",
          { type: "button", class: "main", disabled: !this.clips.length, onclick: () => this.#preview(), "data-focus": "preview" },
          icon(this.#playing === null ? "play" : "pause"),
          this.#playing === null ? t("preview") : t("stopPreview"),
        ),
        h("span", { class: "quiet-text number" }, n("clips", this.clips.length), " · ", clock(lengthOf(this.clips))),
      ),
      h("ol", { class: "clip-rows" }, this.clips.map((clip, place) => this.#clip(clip, place))),
    );
    this.#drawFiles();
    if (focused) /** @type {HTMLElement | null} */ (this.body.querySelector(`[data-focus="${focused}"]`))?.focus();
  }

  /** @param {Clip} clip @param {number} place */
  #clip(clip, place) {
    const off = !mayEdit();
    const name = clip.title || clip.events?.map((event) => event.label).join(", ") || t("clip");
    const change = (/** @type {number} */ start, /** @type {number} */ end) =>
      this.#edit(trimmed(this.clips, place, start, end, this.#duration));
    const trim = (/** @type {string} */ shown, /** @type {string} */ label, /** @type {string} */ focus, /** @type {() => void} */ act) =>
      h("button", { type: "button", class: "quiet", disabled: off, "aria-label": `${shown} ${label}`, title: label, "data-focus": `${focus} ${place}`, onclick: act }, shown);
    const shown = eventOfClip(clip);
    const state = shown && this.store ? matchState(this.store.match, shown) : "";
    const seconds = t("trimStep", { seconds: TRIM_SECONDS });
    return h(
      "li",
      {
        class: this.#playing === place ? "clip-row playing" : "clip-row", draggable: off ? null : "true",
        ondragstart: (/** @type {DragEvent} */ event) => {
          this.#dragged = place;
          event.dataTransfer?.setData("text/plain", name);
        },
        ondragover: (/** @type {DragEvent} */ event) => {
          if (this.#dragged !== null) event.preventDefault();
        },
        ondrop: (/** @type {DragEvent} */ event) => {
          event.preventDefault();
          if (this.#dragged !== null) this.#edit(movedClip(this.clips, this.#dragged, place));
          this.#dragged = null;
        },
      },
      h(
        "div",
        { class: "row" },
        off ? null : h("span", { class: "grip", "aria-hidden": "true" }, icon("drag")),
        iconButton("play", t("playClip", { name }), {
          "data-focus": `play ${place}`,
          onclick: () => this.player?.playStretch(clip.start, clip.end),
        }),
        h("input", {
          class: "clip-title", value: clip.title ?? "", placeholder: name, maxlength: "300", disabled: off,
          "aria-label": t("clipTitle", { place: place + 1 }), "data-focus": `title ${place}`,
          onchange: (/** @type {Event} */ event) => {
            const title = /** @type {HTMLInputElement} */ (event.target).value.trim();
            this.#edit(this.clips.map((one, i) => (i === place ? { ...one, title } : one)));
          },
        }),
        off ? null : [
          iconButton("up", t("clipUp", { name }), { disabled: place === 0, "data-focus": `up ${place}`, onclick: () => this.#edit(movedClip(this.clips, place, place - 1)) }),
          iconButton("down", t("clipDown", { name }), { disabled: place === this.clips.length - 1, "data-focus": `down ${place}`, onclick: () => this.#edit(movedClip(this.clips, place, place + 1)) }),
          iconButton("trash", t("clipRemove", { name }), { "data-focus": `remove ${place}`, onclick: () => this.#edit(this.clips.filter((_, i) => i !== place)) }),
        ],
      ),
      state ? h("p", { class: "clip-state quiet-text number" }, state) : null,
      h(
        "div",
        { class: "row trims number" },
        trim("−", `${t("startEarlier")} ${seconds}`, "s-", () => change(clip.start - TRIM_SECONDS, clip.end)),
        h("span", {}, clock(clip.start, 1)),
        trim("+", `${t("startLater")} ${seconds}`, "s+", () => change(clip.start + TRIM_SECONDS, clip.end)),
        trim("⇤", t("startHere"), "s=", () => change(this.player?.seconds ?? 0, clip.end)),
        h("span", { class: "space" }, ""),
        trim("⇥", t("endHere"), "e=", () => change(clip.start, this.player?.seconds ?? 0)),
        trim("−", `${t("endEarlier")} ${seconds}`, "e-", () => change(clip.start, clip.end - TRIM_SECONDS)),
        h("span", {}, clock(clip.end, 1)),
        trim("+", `${t("endLater")} ${seconds}`, "e+", () => change(clip.start, clip.end + TRIM_SECONDS)),
      ),
    );
  }

  /** Redraw files only where something has changed, so that a link stays under the finger. */
  #drawFiles() {
    const shown = JSON.stringify([this.#reel?.id, this.clips.length > 0, [...this.#making], this.#files, this.#formats]);
    if (shown === this.#filesShown) return;
    this.#filesShown = shown;
    fill(
      this.files,
      h("h2", {}, t("files")),
      mayEdit() ? this.#fileMaker() : null,
      [...this.#making].map(([name, share]) =>
        h(
          "div",
          { class: "stack", role: "status" },
          h("span", { class: "quiet-text number" }, t("rendering", { format: name, share: percent(share) })),
          h("progress", { value: share, max: 1, "aria-label": t("rendering", { format: name, share: "" }) }),
        ),
      ),
      h("ul", { class: "file-rows" }, this.#files.map((file) => this.#file(file))),
    );
  }

  #fileMaker() {
    const burns = h("input", {
      type: "checkbox", checked: this.#burns, onchange: () => (this.#burns = burns.checked),
    });
    const format = h(
      "select",
      { "aria-label": t("format"), onchange: () => { this.#format = format.value; hide(); } },
      this.#formats.map((name) => h("option", { value: name }, name)),
    );
    format.value = this.#format || this.#formats[0] || "";
    const aspect = h(
      "select",
      { "aria-label": t("aspect"), onchange: () => (this.#aspect = aspect.value) },
      h("option", { value: "" }, t("aspectAsIs")),
      ASPECTS.map((name) => h("option", { value: name }, t(`aspect.${name}`))),
    );
    aspect.value = this.#aspect;
    const ofVideo = h(
      "div",
      { class: "row" },
      h("div", { class: "format-choice" }, aspect),
      h("label", { class: "check quiet-text" }, burns, t("burn")),
    );
    const hide = () => (ofVideo.hidden = !VIDEO_FORMATS.has(format.value));
    hide();
    return h(
      "div",
      { class: "stack tight" },
      h(
        "div",
        { class: "row" },
        h("div", { class: "format-choice" }, format),
        h("button", { type: "button", disabled: !this.clips.length, onclick: () => this.#render(format.value) }, t("render")),
      ),
      ofVideo,
    );
  }

  /** @param {Product} file */
  #file(file) {
    return h(
      "li",
      { class: "row" },
      h("a", { href: linkTo(`/v1/files/${file.id}`), download: file.name, class: "grow" }, icon("download"), " ", file.name),
      h("span", { class: "quiet-text number" }, `${size(file.bytes)} · ${date(file.created_at)}`),
      mayEdit() ? iconButton("trash", t("deleteFile", { name: file.name }), { onclick: () => this.#removeFile(file) }) : null,
    );
  }
}

/** @param {Clip[]} clips */
function lengthOf(clips) {
  return clips.reduce((sum, clip) => sum + clip.end - clip.start, 0);
}

/** @param {HTMLElement} root */
function focusPath(root) {
  const active = document.activeElement;
  return active instanceof HTMLElement && root.contains(active) ? active.dataset.focus : undefined;
}

customElements.define("reel-panel", ReelPanel);
