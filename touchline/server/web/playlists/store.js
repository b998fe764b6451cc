/**
 * A playlist as this person sees it.
 *
 * An edit shows at once and is sent under a name of its own, in order. Where somebody else has
 * changed the playlist meanwhile, it is read again and the edit is made on what is there now.
 */

import { ApiError, ask, connection, get, isPassing, newKey, retryIn } from "../lib/api.js";

/** @typedef {import("../lib/types.js").Playlist} Playlist */
/** @typedef {import("../lib/types.js").PlaylistClip} PlaylistClip */
/** @typedef {{title: string, clips: PlaylistClip[]}} Draft */
/** @typedef {{key: string, edit: (draft: Draft) => Draft}} Edit */
/** @typedef {{key: string, back: "undo" | "redo"}} Back */

const LOOK_SECONDS = 5;

/** Most clips of one playlist. */
export const MOST_CLIPS = 500;

/** Tells `change` of what is shown, `gone` when it was deleted, and `problem` with a text. */
export class PlaylistStore extends EventTarget {
  /** @type {Playlist | null} */
  #base = null;
  /** @type {(Edit | Back)[]} */
  #queue = [];
  #isRunning = false;
  #isStopped = false;
  #timer = 0;

  /** @param {string} id */
  constructor(id) {
    super();
    this.path = `/v1/playlists/${encodeURIComponent(id)}`;
  }

  async start() {
    this.#base = await get(this.path);
    this.#tell();
    this.#lookLater();
    document.addEventListener("visibilitychange", this.#look);
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#look);
  }

  /** What the server has, with the edits that it has still to take. @returns {Playlist} */
  get shown() {
    const base = /** @type {Playlist} */ (this.#base);
    /** @type {Draft} */
    const draft = this.#queue.reduce((now, one) => ("edit" in one ? one.edit(now) : now), { title: base.title, clips: base.clips });
    return { ...base, ...draft };
  }

  get unsaved() {
    return this.#queue.length;
  }

  get canUndo() {
    return this.#queue.length > 0 || Boolean(this.#base?.steps.some((step) => !step.undone));
  }

  get canRedo() {
    return this.#queue.length === 0 && Boolean(this.#base?.steps.some((step) => step.undone));
  }

  /** @param {(draft: Draft) => Draft} edit may be made again, on what others have made of it */
  change(edit) {
    this.#add({ key: newKey(), edit });
  }

  undo() {
    if (this.canUndo) this.#add({ key: newKey(), back: "undo" });
  }

  redo() {
    if (this.canRedo) this.#add({ key: newKey(), back: "redo" });
  }

  /** Resolved when the server has everything. */
  async allSaved() {
    while (this.#queue.length && !this.#isStopped) {
      await new Promise((resolve) => this.addEventListener("change", resolve, { once: true }));
    }
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }

  /** @param {Edit | Back} one */
  #add(one) {
    this.#queue.push(one);
    this.#tell();
    this.#run();
  }

  async #run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    let failures = 0;
    while (this.#queue.length && !this.#isStopped) {
      const one = /** @type {Edit | Back} */ (this.#queue[0]);
      try {
        const made = await ("edit" in one ? this.#send(one) : this.#back(one));
        if (made) this.#base = made;
        this.#queue.shift();
        failures = 0;
      } catch (error) {
        if (isPassing(error)) {
          await connection.whenThere();
          await new Promise((resolve) => setTimeout(resolve, 1000 * retryIn(error, failures)));
          failures += 1;
          continue;
        }
        if (!(error instanceof ApiError)) throw error;
        if (error.status === 401) break;
        this.#queue.shift();
        if (error.status === 404) this.#gone();
        else this.dispatchEvent(new CustomEvent("problem", { detail: error.message }));
      }
      this.#tell();
    }
    this.#isRunning = false;
  }

  /** @param {Edit} edit @returns {Promise<Playlist>} */
  async #send({ key, edit }) {
    for (;;) {
      const base = /** @type {Playlist} */ (this.#base);
      const draft = edit({ title: base.title, clips: base.clips });
      const body = {
        ...(draft.title === base.title ? {} : { title: draft.title }),
        ...(draft.clips === base.clips ? {} : { clips: draft.clips.map(inApi) }),
      };
      try {
        return /** @type {Playlist} */ ((await ask("PATCH", this.path, { key, body, ifMatch: `"${base.version}"` })).data);
      } catch (error) {
        const isOther = error instanceof ApiError && (error.status === 412 || error.status === 422);
        if (!isOther) throw error;
        const now = /** @type {Playlist} */ (await get(this.path));
        if (now.version === base.version) throw error;
        if (now.steps.some((step) => step.id === key)) return now;
        this.#base = now;
        key = newKey();
      }
    }
  }

  /** Take this person's last step back, or do it again. @param {Back} step @returns {Promise<Playlist | null>} */
  async #back({ key, back }) {
    const steps = this.#base?.steps ?? [];
    const wanted = back === "undo" ? steps.findLast((step) => !step.undone) : steps.find((step) => step.undone);
    if (!wanted) return null;
    const { data } = await ask("POST", `${this.path}/${back}`, { key, body: { step: wanted.id } });
    if (!data) this.#gone(); // undone that it was made
    return /** @type {Playlist | null} */ (data);
  }

  #lookLater() {
    clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(this.#look, LOOK_SECONDS * 1000);
  }

  #look = async () => {
    if (document.hidden || this.#isRunning || connection.isLost) return this.#lookLater();
    try {
      const now = /** @type {Playlist} */ (await get(this.path));
      if (!this.#isRunning && !this.#isStopped && JSON.stringify(now) !== JSON.stringify(this.#base)) {
        this.#base = now;
        this.#tell();
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return this.#gone();
    }
    this.#lookLater();
  };

  #gone() {
    this.stop();
    this.dispatchEvent(new Event("gone"));
  }
}

/** @param {PlaylistClip} clip */
export function inApi({ id, match, event, start, end, title }) {
  return { id, match, event, start, end, title };
}

/**
 * Move a clip to the place of another one.
 *
 * @param {PlaylistClip[]} clips
 * @param {string} id
 * @param {number} step places up (negative) or down
 */
export function moved(clips, id, step) {
  const from = clips.findIndex((clip) => clip.id === id);
  const clip = clips[from];
  if (!clip) return clips;
  const to = Math.min(Math.max(from + step, 0), clips.length - 1);
  return clips.toSpliced(from, 1).toSpliced(to, 0, clip);
}

/**
 * A new clip around an event, or of one that has a length.
 *
 * @param {import("../lib/types.js").FoundEvent} event
 * @param {[number, number]} around seconds before and after it
 * @returns {PlaylistClip}
 */
export function clipOf(event, around) {
  const length = /** @type {{lead?: number | null, lag?: number | null}} */ (event);
  const lead = length.lead ?? around[0];
  const lag = length.lag ?? around[1];
  const { match, match_title, label, team, player, note, status } = event;
  return {
    id: newKey(), match, match_title, event: event.id, title: null, missing: null,
    start: Math.max(0, Math.round((event.time - lead) * 1000) / 1000),
    end: Math.round((event.time + Math.max(lag, 0.1)) * 1000) / 1000,
    label, team, player, note, status,
  };
}
