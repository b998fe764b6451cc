/** One playlist: watched, put in order, shared and made into files. */

import { ApiError, LostConnection, ask, change, connection, explain, linkTo, mayEdit, session } from "../lib/api.js";
import { fill, h, icon, iconButton } from "../lib/dom.js";
import { clock } from "../lib/format.js";
import { complain, notify } from "../lib/notices.js";
import { n, t } from "../lib/texts.js";
import { showShares } from "../match/menus.js";
import { around } from "../match/settings.js";
import { showPlaylistFiles } from "./files.js";
import { EventFinder } from "./finder.js";
import { MOST_CLIPS, PlaylistStore, clipOf, moved } from "./store.js";

/** @typedef {import("../lib/types.js").PlaylistClip} PlaylistClip */
/** @typedef {import("../lib/types.js").FoundEvent} FoundEvent */

const TRIM_SECONDS = 0.5;
const LEAST_SECONDS = 0.5;

export class PlaylistEditor {
  #selected = "";
  /** @type {string | null} */
  #dragged = null;
  #loaded = "";
  #isSequence = false;
  #isStopped = false;

  /** @param {HTMLElement} root @param {string} id */
  constructor(root, id) {
    this.root = root;
    this.store = new PlaylistStore(id);
    this.title = h("input", {
      class: "playlist-title", maxlength: "300", "aria-label": t("playlistName"), readonly: !mayEdit(),
      onchange: () => this.#rename(),
    });
    this.heading = h("h1", { class: "unseen" });
    this.facts = h("span", { class: "quiet-text number" });
    this.saved = h("span", { class: "quiet-text saved", role: "status" });
    this.undoButton = iconButton("undo", t("undo"), { disabled: true, onclick: () => this.store.undo() });
    this.redoButton = iconButton("redo", t("redo"), { disabled: true, onclick: () => this.store.redo() });
    this.video = h("video", { controls: true, playsinline: true, preload: "metadata", onended: () => this.#ended(), onplay: () => this.#drawPlaying() });
    this.caption = h("p", { class: "playlist-caption", "aria-live": "polite" });
    this.playAll = h("button", { type: "button", class: "main", onclick: () => this.#playAll() }, icon("play"), t("playAll"));
    this.list = h("ol", { class: "playlist-rows", "aria-label": t("clipsLabel") });
    this.nothing = h("p", { class: "quiet-text", hidden: true }, mayEdit() ? t("playlistEmptyHow") : t("playlistEmpty"));
    this.lost = h("div", { class: "warning row", role: "alert", hidden: true });
    this.finder = mayEdit() ? new EventFinder() : null;
  }

  async start() {
    try {
      await this.store.start();
    } catch (error) {
      if (this.#isStopped) return;
      if (error instanceof LostConnection) {
        await connection.whenThere();
        return void (this.#isStopped || this.start());
      }
      const isMissing = error instanceof ApiError && [404, 422].includes(error.status);
      fill(this.root, h("div", { class: "sheet stack" }, h("h1", {}, isMissing ? t("noSuchPlaylist") : explain(error)), backLink()));
      return;
    }
    if (this.#isStopped) return;
    this.#build();
    this.store.addEventListener("change", this.#draw);
    this.store.addEventListener("gone", () => this.#gone());
    this.store.addEventListener("problem", (event) => complain(/** @type {CustomEvent} */ (event).detail));
    document.addEventListener("keydown", this.#pressed);
    this.#draw();
    const first = this.store.shown.clips.find((clip) => clip.missing !== "match");
    if (first) this.#select(first.id, false);
  }

  stop() {
    this.#isStopped = true;
    this.store.stop();
    this.video.pause();
    document.removeEventListener("keydown", this.#pressed);
  }

  #build() {
    const isGuest = session.current?.role === "guest" || Boolean(session.current?.guest_of_playlist);
    const button = (/** @type {import("../lib/dom.js").IconName} */ drawing, /** @type {string} */ text, /** @type {() => void} */ act) =>
      h("button", { type: "button", class: "quiet worded", onclick: act, title: text, "aria-label": text }, icon(drawing), h("span", {}, text));
    fill(
      this.root,
      h(
        "div",
        { class: this.finder ? "playlist" : "playlist alone" },
        h(
          "div",
          { class: "playlist-head" },
          this.heading,
          isGuest ? null : h("a", { href: "#/playlists", class: "button quiet icon-only", "aria-label": t("playlists"), title: t("playlists") }, icon("back")),
          this.title,
          this.facts,
          h("span", { class: "space" }),
          this.saved,
          mayEdit() ? [this.undoButton, this.redoButton] : null,
          button("download", t("files"), () => this.#files()),
          mayEdit()
            ? [
                button("share", t("share"), () => showShares(`${this.store.path}/shares`, t("sharePlaylistHow"))),
                iconButton("trash", t("deletePlaylist"), { onclick: () => this.#remove() }),
              ]
            : null,
        ),
        h("section", { class: "playlist-stage", "aria-label": t("video") }, h("div", { class: "playlist-video" }, this.video), h("div", { class: "row" }, this.playAll, this.caption)),
        h("section", { class: "playlist-clips", "aria-label": t("clipsLabel") }, this.lost, this.nothing, this.list),
        this.finder ? h("section", { class: "playlist-finder", "aria-label": t("addClips") }, this.finder) : null,
      ),
    );
    this.finder?.addEventListener("add", (event) => this.#add(/** @type {CustomEvent} */ (event).detail));
  }

  #draw = () => {
    const { title, clips } = this.store.shown;
    document.title = `${title} · touchline`;
    fill(this.heading, title);
    if (this.title !== document.activeElement) this.title.value = title;
    const seconds = clips.reduce((sum, clip) => sum + clip.end - clip.start, 0);
    fill(this.facts, n("clips", clips.length), " · ", clock(seconds));
    this.saved.classList.toggle("unsaved", this.store.unsaved > 0);
    fill(this.saved, !mayEdit() ? "" : this.store.unsaved ? (connection.isLost ? n("kept", this.store.unsaved) : t("saving")) : t("allSaved"));
    this.undoButton.disabled = !this.store.canUndo;
    this.redoButton.disabled = !this.store.canRedo;
    this.nothing.hidden = clips.length > 0;
    this.playAll.disabled = !clips.some((clip) => clip.missing !== "match");
    this.#drawLost(clips);
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.focus : undefined;
    fill(this.list, clips.map((clip, place) => this.#row(clip, place, clips.length)));
    if (focused) /** @type {HTMLElement | null} */ (this.list.querySelector(`[data-focus="${CSS.escape(focused)}"]`))?.focus();
    this.finder?.mark(new Set(clips.flatMap((clip) => (clip.event ? [clip.event] : []))));
    this.#drawPlaying();
  };

  /** Say which clips cannot be shown any more. @param {PlaylistClip[]} clips */
  #drawLost(clips) {
    const lost = clips.filter((clip) => clip.missing === "match");
    this.lost.hidden = lost.length === 0;
    if (!lost.length) return;
    const titles = [...new Set(lost.map((clip) => clip.match_title))].join(", ");
    const ids = new Set(lost.map((clip) => clip.id));
    fill(
      this.lost,
      h("span", { class: "grow" }, n("clipsLost", lost.length, { titles })),
      mayEdit()
        ? h("button", { type: "button", onclick: () => this.store.change((draft) => ({ ...draft, clips: draft.clips.filter((clip) => !ids.has(clip.id)) })) }, t("takeOut"))
        : null,
    );
  }

  /** @param {PlaylistClip} clip @param {number} place @param {number} count */
  #row(clip, place, count) {
    const off = !mayEdit();
    const isLost = clip.missing === "match";
    const name = nameOf(clip);
    const facts = [clip.match_title, clip.label === name ? null : clip.label, clip.team, clip.player, clip.note].filter(Boolean).join(" · ");
    return h(
      "li",
      {
        class: isLost ? "playlist-row lost" : "playlist-row", "data-clip": clip.id, draggable: off ? null : "true",
        ondragstart: (/** @type {DragEvent} */ event) => {
          this.#dragged = clip.id;
          event.dataTransfer?.setData("text/plain", name);
        },
        ondragover: (/** @type {DragEvent} */ event) => {
          if (this.#dragged) event.preventDefault();
        },
        ondrop: (/** @type {DragEvent} */ event) => {
          event.preventDefault();
          this.#dropOn(clip.id);
        },
      },
      off ? null : h("span", { class: "grip", "aria-hidden": "true" }, icon("drag")),
      h(
        "button",
        { type: "button", class: "playlist-main", disabled: isLost, "data-focus": `main ${clip.id}`, onclick: () => this.#select(clip.id, true) },
        isLost ? h("span", { class: "playlist-picture none" }, icon("reject")) : this.#picture(clip),
        h(
          "span",
          { class: "what" },
          h("span", { class: "label" }, `${place + 1}. ${name}`),
          h("span", { class: "more quiet-text" }, facts),
          h(
            "span",
            { class: "more quiet-text number" },
            isLost ? t("matchDeleted") : `${clock(clip.start, 1)}–${clock(clip.end, 1)}`,
            clip.missing === "event" ? ` · ${t("eventGone")}` : "",
          ),
        ),
      ),
      off
        ? null
        : [
            iconButton("up", t("clipUp", { name }), { disabled: place === 0, "data-focus": `up ${clip.id}`, onclick: () => this.#move(clip.id, -1) }),
            iconButton("down", t("clipDown", { name }), { disabled: place === count - 1, "data-focus": `down ${clip.id}`, onclick: () => this.#move(clip.id, 1) }),
            iconButton("trash", t("clipRemove", { name }), { "data-focus": `remove ${clip.id}`, onclick: () => this.#take(clip.id) }),
          ],
      !off && clip.id === this.#selected ? this.#fields(clip, name) : null,
    );
  }

  /** @param {PlaylistClip} clip */
  #picture(clip) {
    const picture = h("img", {
      class: "playlist-picture", alt: "", loading: "lazy", src: linkTo(`${this.store.path}/clips/${clip.id}/picture`),
      onerror: () => picture.replaceWith(h("span", { class: "playlist-picture none" }, icon("clip"))),
    });
    return picture;
  }

  /** Title and edges of the selected clip. @param {PlaylistClip} clip @param {string} name */
  #fields(clip, name) {
    const trim = (/** @type {"start" | "end"} */ edge, /** @type {number} */ step, /** @type {string} */ label) => {
      const shown = `${step < 0 ? "−" : "+"}${Math.abs(step)} s`;
      return h(
        "button",
        { type: "button", class: "quiet", title: label, "aria-label": `${shown}: ${label}`, "data-focus": `${edge} ${step} ${clip.id}`, onclick: () => this.#trim(clip.id, edge, step) },
        shown,
      );
    };
    return h(
      "div",
      { class: "playlist-fields" },
      h("input", {
        value: clip.title ?? "", placeholder: name, maxlength: "300", "aria-label": t("clipName", { name }), "data-focus": `title ${clip.id}`,
        onchange: (/** @type {Event} */ event) => {
          const title = /** @type {HTMLInputElement} */ (event.target).value.trim() || null;
          this.#edit(clip.id, (one) => ({ ...one, title }));
        },
      }),
      h("span", { class: "trim-pair" }, t("clipStart"), trim("start", -TRIM_SECONDS, t("startEarlier")), trim("start", TRIM_SECONDS, t("startLater"))),
      h("span", { class: "trim-pair" }, t("clipEnd"), trim("end", -TRIM_SECONDS, t("endEarlier")), trim("end", TRIM_SECONDS, t("endLater"))),
      clip.missing ? null : h("a", { href: `#/matches/${clip.match}` }, t("openMatch")),
    );
  }

  // -------------------------------------------------------------------- edits

  #rename() {
    const title = this.title.value.trim();
    if (title && title !== this.store.shown.title) this.store.change((draft) => ({ ...draft, title }));
    else this.title.value = this.store.shown.title;
  }

  /** @param {string} id @param {(clip: PlaylistClip) => PlaylistClip} edit */
  #edit(id, edit) {
    this.store.change((draft) => ({ ...draft, clips: draft.clips.map((clip) => (clip.id === id ? edit(clip) : clip)) }));
  }

  /** @param {string} id @param {"start" | "end"} edge @param {number} step */
  #trim(id, edge, step) {
    this.#edit(id, (clip) => {
      const at = Math.round((clip[edge] + step) * 1000) / 1000;
      const fits = edge === "start" ? at >= 0 && at <= clip.end - LEAST_SECONDS : at >= clip.start + LEAST_SECONDS;
      return fits ? { ...clip, [edge]: at } : clip;
    });
  }

  /** @param {string} id @param {number} step */
  #move(id, step) {
    this.store.change((draft) => ({ ...draft, clips: moved(draft.clips, id, step) }));
  }

  /** @param {string} target */
  #dropOn(target) {
    const { clips } = this.store.shown;
    const place = (/** @type {string | null} */ id) => clips.findIndex((clip) => clip.id === id);
    const id = this.#dragged;
    this.#dragged = null;
    if (id && id !== target) this.#move(id, place(target) - place(id));
  }

  /** @param {string} id */
  #take(id) {
    const { clips } = this.store.shown;
    const place = clips.findIndex((clip) => clip.id === id);
    this.store.change((draft) => ({ ...draft, clips: draft.clips.filter((clip) => clip.id !== id) }));
    const next = clips[place + 1] ?? clips[place - 1];
    if (next) this.#focus(next.id);
  }

  /** @param {FoundEvent[]} events */
  #add(events) {
    const room = MOST_CLIPS - this.store.shown.clips.length;
    if (events.length > room) complain(t("playlistFull", { most: MOST_CLIPS, left: events.length - Math.max(room, 0) }));
    const clips = events.slice(0, Math.max(room, 0)).map((event) => clipOf(event, around(event.label)));
    if (!clips.length) return;
    this.store.change((draft) => ({ ...draft, clips: [...draft.clips, ...clips.filter((clip) => !draft.clips.some((one) => one.id === clip.id))] }));
    if (!this.#selected) this.store.allSaved().then(() => clips[0] && this.#select(clips[0].id, false));
  }

  async #remove() {
    try {
      await this.store.allSaved();
      await change("DELETE", this.store.path, { ifMatch: "*" });
    } catch (error) {
      return complain(explain(error));
    }
    const { path } = this.store;
    const { title } = this.store.shown;
    location.hash = "#/playlists";
    notify(t("playlistDeleted", { title }), {
      actions: [{
        label: t("undo"),
        act: () => void ask("POST", `${path}/undo`).then(() => (location.hash = `#/playlists/${path.split("/").at(-1)}`), (error) => complain(explain(error))),
      }],
    });
  }

  #gone() {
    fill(this.root, h("div", { class: "sheet stack" }, h("h1", {}, t("noSuchPlaylist")), backLink()));
  }

  async #files() {
    await this.store.allSaved();
    await showPlaylistFiles(this.store);
  }

  // ------------------------------------------------------------------- playing

  /** @param {string} id @param {boolean} plays */
  async #select(id, plays) {
    this.#selected = id;
    this.#isSequence = this.#isSequence && plays;
    this.#draw();
    const clip = this.store.shown.clips.find((one) => one.id === id);
    if (!clip || clip.missing === "match") return;
    if (this.store.unsaved) await this.store.allSaved();
    const source = linkTo(`${this.store.path}/clips/${id}/video?of=${clip.start}-${clip.end}`);
    if (this.#loaded !== source) {
      this.#loaded = source;
      this.video.src = source;
    }
    this.video.currentTime = 0;
    if (plays) this.video.play().catch(() => undefined); // the person starts it where the browser demands that
  }

  #playAll() {
    this.#isSequence = true;
    const clip = this.store.shown.clips.find((one) => one.missing !== "match");
    if (clip) this.#select(clip.id, true);
  }

  #ended() {
    const { clips } = this.store.shown;
    const place = clips.findIndex((clip) => clip.id === this.#selected);
    const next = clips.slice(place + 1).find((clip) => clip.missing !== "match");
    if (next && this.#isSequence) this.#select(next.id, true);
    else this.#isSequence = false;
  }

  #drawPlaying() {
    const { clips } = this.store.shown;
    const place = clips.findIndex((clip) => clip.id === this.#selected);
    const clip = clips[place];
    fill(this.caption, clip ? `${place + 1} / ${clips.length} · ${nameOf(clip)} · ${clip.match_title}` : "");
    for (const row of this.list.children) {
      const isHere = row instanceof HTMLElement && row.dataset.clip === this.#selected;
      row.classList.toggle("selected", isHere);
      row.querySelector(".playlist-main")?.setAttribute("aria-current", String(isHere));
    }
  }

  // ---------------------------------------------------------------------- keys

  /** @param {string} id */
  #focus(id) {
    /** @type {HTMLElement | null} */ (this.list.querySelector(`[data-focus="main ${id}"]`))?.focus();
  }

  /** Arrows go from clip to clip, with Alt they move it; Delete takes it out. @param {KeyboardEvent} event */
  #pressed = (event) => {
    if (document.querySelector("dialog[open]")) return;
    const target = event.target instanceof HTMLElement ? event.target : null;
    if ((event.ctrlKey || event.metaKey) && mayEdit() && !(target instanceof HTMLInputElement) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      return event.shiftKey ? this.store.redo() : this.store.undo();
    }
    const row = target?.closest("[data-clip]");
    if (!(row instanceof HTMLElement) || target instanceof HTMLInputElement) return;
    const id = row.dataset.clip ?? "";
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step) {
      event.preventDefault();
      if (event.altKey && mayEdit()) return this.#move(id, step);
      const next = step < 0 ? row.previousElementSibling : row.nextElementSibling;
      if (next instanceof HTMLElement) this.#focus(next.dataset.clip ?? "");
    } else if (event.key === "Delete" && mayEdit()) {
      event.preventDefault();
      this.#take(id);
    }
  };
}

/** @param {PlaylistClip} clip */
function nameOf(clip) {
  return clip.title || clip.label || t("clip");
}

function backLink() {
  return session.current?.guest_of_playlist ? null : h("a", { href: "#/playlists", class: "row" }, icon("back"), t("playlists"));
}
