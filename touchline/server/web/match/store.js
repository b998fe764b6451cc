/**
 * The events and reels of a match as this person sees them.
 *
 * What the server has is read from it alone. An edit goes into a queue and shows at once, laid over
 * that; the queue is sent in order, kept over reloads and lost connections, and each edit has a name
 * under which the server makes it once, however often it is sent. Once the queue is empty, the page
 * has read what the server has after its last edit. Nothing is overwritten unseen: two edits of the
 * same field of the same event are put before the person, and so is an edit that is refused.
 */

import { ApiError, ask, change, connection, getAll, get, isPassing, newKey, retryIn, session } from "../lib/api.js";
import { keep, kept, keptNames } from "../lib/storage.js";
import { t } from "../lib/texts.js";
import { NEW_EVENT, clashes, isBack, overlay, stepsWith, valuesOfReel } from "./edits.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("../lib/types.js").EventValues} EventValues */
/** @typedef {import("../lib/types.js").Status} Status */
/** @typedef {import("../lib/types.js").Match} Match */
/** @typedef {import("../lib/types.js").News} News */
/** @typedef {import("../lib/types.js").Reel} Reel */
/** @typedef {import("./edits.js").Edit} Edit */
/** @typedef {import("./edits.js").Part} Part */
/** @typedef {import("./edits.js").Step} Step */
/** @typedef {import("./edits.js").Values} Values */
/** @typedef {import("./edits.js").ReelValues} ReelValues */

/** @template {Edit["kind"]} K @typedef {Extract<Edit, {kind: K}>} EditOf */

/** Seconds between looks for the changes of others. */
export const LOOK = { seconds: 2.5, hiddenSeconds: 20 };

const KNOWN_STEPS = 100;
const LOCK_SECONDS = 1.5;
const FAULTS = 5;

/**
 * Tells `change` (of events and reels), `saving` (of what waits to be sent), `gone` (the match is
 * deleted), `problem` with a text, and `conflict` with a `Conflict`.
 */
export class MatchStore extends EventTarget {
  isGone = false;
  isLoaded = false;
  /** @type {import("./edits.js").State} what the server has, at a revision */
  #base = { events: new Map(), reels: new Map() };
  #revision = 0;
  /** @type {Step[]} this person's steps in the server's history, at the same revision */
  #history = [];
  /** @type {Edit[]} in order; those that were refused stay until the person decides */
  #queue = [];
  /** @type {Edit[]} edits that the server has taken, whose effect was not read yet */
  #settled = [];
  /** @type {Map<string, number>} versions of what they changed */
  #versions = new Map();
  /** @type {Map<string, Part[]>} what steps did, as far as it was seen here */
  #known = new Map();
  /** @type {Set<string>} steps that the server could not take back or do again */
  #stuck = new Set();
  /** @type {ReturnType<typeof overlay> | null} */
  #shown = null;
  /** @type {MatchEvent[] | null} */
  #sorted = null;
  #isRunning = false;
  #isStale = false;
  #isStopped = false;
  #failures = 0;
  #faults = 0;
  #notBefore = 0;
  #timer = 0;
  #retryTimer = 0;
  #tab = tabName();

  /** @param {Match} match */
  constructor(match) {
    super();
    this.match = match;
    this.path = `/v1/matches/${match.id}`;
  }

  async start() {
    await this.#readAll();
    this.isLoaded = true;
    await this.#adopt();
    this.#tell();
    connection.addEventListener("back", this.#again);
    document.addEventListener("visibilitychange", this.#again);
    this.#lookLater();
    this.#run();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#retryTimer);
    connection.removeEventListener("back", this.#again);
    document.removeEventListener("visibilitychange", this.#again);
  }

  // ------------------------------------------------------------------- what is shown

  get #view() {
    this.#shown ??= overlay(this.#base, [...this.#settled, ...this.#queue], this.#known, session.current?.name ?? "");
    return this.#shown;
  }

  /** @returns {MatchEvent[]} in order of time */
  get sorted() {
    this.#sorted ??= [...this.#view.events.values()].sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
    return this.#sorted;
  }

  /** @returns {Reel[]} the oldest first */
  get reels() {
    return [...this.#view.reels.values()].sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
  }

  /** @param {string | null} id */
  find(id) {
    return id === null ? undefined : this.#view.events.get(id);
  }

  /** How many edits the server has still to take, or the page to see the effect of. */
  get unsaved() {
    return this.#settled.length + this.#queue.filter((edit) => !this.#isHeld(edit)).length;
  }

  /** Edits that the server refused. */
  get refused() {
    return this.#queue.filter((edit) => edit.refused);
  }

  /**
   * Resolved when the server has taken every edit.
   *
   * @returns {Promise<void>}
   */
  async allSaved() {
    while (this.unsaved && !this.#isStopped) {
      await new Promise((resolve) => this.addEventListener("saving", resolve, { once: true }));
    }
  }

  get #steps() {
    const history = this.#history.filter((step) => !this.#stuck.has(step.name));
    return stepsWith(history, [...this.#settled, ...this.#queue]);
  }

  get canUndo() {
    return this.#steps.some((step) => !step.isUndone);
  }

  get canRedo() {
    return this.#steps.some((step) => step.isUndone);
  }

  #tell() {
    this.#shown = this.#sorted = null;
    this.dispatchEvent(new Event("change"));
    this.dispatchEvent(new Event("saving"));
  }

  /** @param {string} text empty: there was nothing to undo */
  #say(text) {
    this.dispatchEvent(new CustomEvent("problem", { detail: text }));
  }

  // --------------------------------------------------------------------------- edits

  /**
   * @param {string} id
   * @param {EventValues | Values} values
   */
  change(id, values) {
    const event = this.find(id);
    if (!event || !clashes({}, values, event).length) return;
    const base = Object.fromEntries(Object.keys(values).map((name) => [name, Reflect.get(event, name)]));
    this.#add({ kind: "change", key: newKey(), id, values, base });
  }

  /**
   * @param {Partial<EventValues> & {time: number, label: string}} values
   * @returns {string} the event's id
   */
  add(values) {
    const id = newKey();
    this.#add({ kind: "add", key: newKey(), id, values: { ...NEW_EVENT, ...values } });
    return id;
  }

  /** @param {string} id */
  remove(id) {
    if (this.find(id)) this.#add({ kind: "remove", key: newKey(), id });
  }

  /**
   * Accept or reject several events as one step.
   *
   * @param {string[]} ids
   * @param {Status} status
   */
  review(ids, status) {
    const wanted = ids.filter((id) => (this.find(id)?.status ?? status) !== status);
    if (wanted.length) this.#add({ kind: "review", key: newKey(), ids: wanted, status });
  }

  /** @param {string} id @param {ReelValues} values */
  changeReel(id, values) {
    const reel = this.#view.reels.get(id);
    if (!reel || !clashes({}, values, valuesOfReel(reel)).length) return;
    this.#add({ kind: "reel", key: newKey(), id, values, base: valuesOfReel(reel) });
  }

  /** @param {string} id */
  removeReel(id) {
    if (this.#view.reels.has(id)) this.#add({ kind: "removeReel", key: newKey(), id });
  }

  /**
   * Have the server make a reel.
   *
   * @param {object} wishes as the API has them
   * @returns {Promise<string>} its id
   */
  async makeReel(wishes) {
    const { data } = await change("POST", `${this.path}/reels`, { body: wishes });
    const reel = /** @type {Reel} */ (data);
    this.#base.reels.set(reel.id, reel);
    this.#tell();
    this.#lookNow();
    return reel.id;
  }

  undo() {
    const step = this.#steps.findLast((one) => !one.isUndone);
    if (step) this.#add({ kind: "undo", key: newKey(), of: step.name });
    else this.#say("");
  }

  redo() {
    const step = this.#steps.find((one) => one.isUndone);
    if (step) this.#add({ kind: "redo", key: newKey(), of: step.name });
  }

  /** Send an edit that was refused again. @param {Edit} edit */
  retry(edit) {
    delete edit.refused;
    this.#faults = this.#notBefore = 0;
    this.#changed();
    this.#run();
  }

  /** Give up an edit that was refused, and those that need it. @param {Edit} edit */
  discard(edit) {
    this.#drop(edit);
    this.#changed();
    this.#run();
  }

  // --------------------------------------------------------------------------- queue

  /** @param {Edit} edit */
  #add(edit) {
    this.#queue.push(edit);
    this.#changed();
    this.#run();
  }

  /** The queue is another: keep it, and show what follows from it. */
  #changed() {
    keep(this.#place, this.#queue.length ? this.#queue : null);
    this.#tell();
  }

  get #place() {
    return `edits.${this.match.id}.${this.#tab}`;
  }

  /** Take over edits that this tab, or one that is closed, had no time to send. */
  async #adopt() {
    this.#tab = await holdTab(this.#tab);
    const held = await heldTabs();
    for (const place of keptNames(`edits.${this.match.id}.`)) {
      const tab = place.split(".").at(-1) ?? "";
      if (tab !== this.#tab && held.has(tab)) continue;
      /** @type {Edit[]} */
      const edits = kept(place, []);
      keep(place, null);
      this.#queue.push(...edits.filter((edit) => edit.key));
    }
    this.#changed();
  }

  /**
   * Whether an edit waits for another one that was refused: for the event that it would have made,
   * or for the step that it takes back.
   *
   * @param {Edit} edit
   */
  #isHeld(edit) {
    return this.#queue.some((other) => other.refused && (other === edit || needs(edit, other)));
  }

  /** Take an edit out of the queue, and those that need it. @param {Edit} edit */
  #drop(edit) {
    this.#queue = this.#queue.filter((other) => other !== edit && !needs(other, edit));
  }

  /** The one thing that talks to the server: edits in order, then what has changed there. */
  async #run() {
    if (this.#isRunning || this.#isStopped || this.isGone || performance.now() < this.#notBefore) return;
    this.#isRunning = true;
    clearTimeout(this.#retryTimer);
    try {
      while (!this.#isStopped && !this.isGone) {
        const edit = this.#queue.find((one) => !this.#isHeld(one));
        if (edit) await this.#send(edit);
        else if (this.#settled.length || this.#isStale) await this.#takeNews();
        else break;
        this.#failures = this.#faults = 0;
      }
    } catch (error) {
      this.#later(error);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Go on after a failure, if it passes. @param {unknown} error */
  #later(error) {
    if (this.#isStopped || (error instanceof ApiError && error.status === 401)) return;
    if (!isPassing(error)) {
      if (error instanceof ApiError) return; // of a look for news; the next one may do better
      throw error;
    }
    const wait = 1000 * retryIn(error, this.#failures);
    this.#failures += 1;
    if (error instanceof ApiError && error.status === 500) this.#faults += 1;
    this.#notBefore = performance.now() + wait;
    this.#retryTimer = setTimeout(() => connection.whenThere().then(() => this.#run()), wait + 1);
    this.dispatchEvent(new Event("saving"));
  }

  #again = () => {
    if (!connection.isLost) this.#lookNow();
  };

  #lookLater() {
    clearTimeout(this.#timer);
    const seconds = document.hidden ? LOOK.hiddenSeconds : LOOK.seconds;
    this.#timer = setTimeout(() => this.#lookNow(), seconds * 1000);
  }

  /** Look for changes of others. */
  #lookNow() {
    if (this.#isStopped || this.isGone) return;
    this.#lookLater();
    this.#isStale = true;
    if (!connection.isLost) this.#run();
  }

  // ------------------------------------------------------------------------- sending

  /** @param {Edit} edit */
  async #send(edit) {
    try {
      const answer = await this.#sendAs(edit);
      if (this.#isStopped) return;
      if (answer) this.#settle(edit, answer);
      else this.#drop(edit);
    } catch (error) {
      if (this.#isStopped) return;
      const isEnough = error instanceof ApiError && error.status === 500 && this.#faults >= FAULTS;
      if ((isPassing(error) && !isEnough) || !(error instanceof ApiError) || error.status === 401) throw error;
      if (error.status === 404 && (await this.#matchIsGone())) return;
      if (isBack(edit) && [404, 409].includes(error.status)) this.#cannotGoBack(edit, error);
      else edit.refused = error.message;
    }
    this.#changed();
  }

  /** @typedef {import("../lib/api.js").Answer<any>} Answer */

  /**
   * @param {Edit} edit
   * @returns {Promise<Answer | null>} null if it came to nothing, which the person has been told
   */
  async #sendAs(edit) {
    const { key } = edit;
    if (edit.kind === "add") return this.#sendAdd(edit);
    if (edit.kind === "review") {
      const { ids, status } = edit;
      return ask("POST", `${this.path}/review`, { key, body: { ids, status } });
    }
    if (isBack(edit)) return ask("POST", `${this.path}/${edit.kind}`, { key, body: { step: edit.of } });
    if (edit.kind === "change") return this.#sendChange(edit, `${this.path}/events/${edit.id}`, "events");
    if (edit.kind === "reel") return this.#sendChange(edit, `/v1/reels/${edit.id}`, "reels");
    const path = edit.kind === "remove" ? `${this.path}/events/${edit.id}` : `/v1/reels/${edit.id}`;
    return this.#sendRemove(path, key);
  }

  /** @param {EditOf<"add">} edit */
  async #sendAdd(edit) {
    const { id, key, values } = edit;
    try {
      return await ask("POST", `${this.path}/events`, { key, body: { id, ...values } });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
      return { ...this.#nothing, step: key }; // its name is taken: it has arrived, long ago
    }
  }

  /** @param {string} path @param {string} key */
  async #sendRemove(path, key) {
    try {
      return await ask("DELETE", path, { key, ifMatch: "*" });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      return (await this.#matchIsGone()) ? null : this.#nothing;
    }
  }

  /** The answer to what is so already. @type {Answer} */
  #nothing = { data: null, etag: null, status: 204, step: null };

  /**
   * @param {EditOf<"change"> | EditOf<"reel">} edit
   * @param {string} path
   * @param {"events" | "reels"} of
   */
  async #sendChange(edit, path, of) {
    const body = edit.kind === "change" ? edit.values : inApi(edit.values);
    for (;;) {
      // Of what a step over several has changed, the versions are not known here.
      if (this.#settled.some((one) => isBack(one) || one.kind === "review")) await this.#takeNews();
      const version = this.#versions.get(edit.id) ?? this.#base[of].get(edit.id)?.version ?? 0;
      try {
        return await ask("PATCH", path, { key: edit.key, body, ifMatch: `"${version}"` });
      } catch (error) {
        if (!(error instanceof ApiError) || ![404, 412].includes(error.status)) throw error;
        await this.#takeNews();
        if (this.isGone || !(await this.#mayStillChange(edit))) return null;
      }
    }
  }

  /**
   * Somebody else has changed the same thing first.
   *
   * @param {EditOf<"change"> | EditOf<"reel">} edit
   * @returns {Promise<boolean>} whether the edit goes together with their change
   */
  async #mayStillChange(edit) {
    const { id, values: mine, base } = edit;
    if (edit.kind === "reel") {
      const reel = this.#base.reels.get(id);
      if (reel && !clashes(inApi(edit.base), inApi(edit.values), inApi(valuesOfReel(reel))).length) return true;
      await this.#keepApart(edit);
      return false;
    }
    const theirs = this.#base.events.get(id) ?? null;
    if (!theirs && (await this.#matchIsGone())) return false;
    const fields = theirs ? clashes(base, mine, theirs) : [];
    if (theirs && !fields.length) return true;
    this.dispatchEvent(new CustomEvent("conflict", { detail: { id, mine, base, theirs, fields } }));
    return false;
  }

  /** Somebody else has changed or deleted a reel: this person's becomes one of its own. @param {EditOf<"reel">} edit */
  async #keepApart(edit) {
    const { title: name, clips, finish } = inApi({ ...edit.base, ...edit.values });
    if (!clips?.length) return; // a reel without clips is refused: there is nothing to keep
    const title = t("reelCopy", { title: name ?? "", name: session.current?.name ?? "" }).slice(0, 300);
    await ask("POST", `${this.path}/reels`, { key: `${edit.key}-apart`, body: { title, clips, finish } });
    this.dispatchEvent(new CustomEvent("apart", { detail: title }));
  }

  /**
   * The server has taken an edit.
   *
   * @param {Edit} edit
   * @param {Answer} answer
   */
  #settle(edit, answer) {
    this.#queue = this.#queue.filter((other) => other !== edit);
    if (!isBack(edit) && !answer.step) this.#drop(edit); // it changed nothing: there is no step to take back
    if (answer.data?.version) this.#versions.set(answer.data.id, answer.data.version);
    this.#settled.push(edit);
  }

  /** @param {EditOf<"undo" | "redo">} edit @param {ApiError} error */
  #cannotGoBack(edit, error) {
    this.#stuck.add(edit.of);
    this.#queue = this.#queue.filter((other) => other !== edit && !(isBack(other) && other.of === edit.of));
    this.#isStale = true;
    this.#say(error.message);
  }

  // --------------------------------------------------------------------- what is there

  async #readAll() {
    /** @type {{items: MatchEvent[], etag: string | null}} */
    const { items, etag } = await getAll(`${this.path}/events?limit=1000`);
    /** @type {{items: Reel[]}} */
    const reels = await get(`${this.path}/reels`); // after the revision was read, so that news tell of changes
    const revision = Number(/\d+/.exec(etag ?? "")?.[0] ?? 0);
    const events = new Map(items.map((event) => [event.id, event]));
    const base = { events, reels: new Map(reels.items.map((reel) => [reel.id, reel])) };
    const news = await this.#readNews(revision, false);
    if (news) this.#accept(base, news);
  }

  /**
   * @param {number} since
   * @param {boolean} ifAny
   * @returns {Promise<News | null>} null if there are none
   */
  async #readNews(since, ifAny) {
    /** @type {News | null} */
    let whole = null;
    for (let cursor = ""; ; ) {
      /** @type {import("../lib/api.js").Answer<News>} */
      const answer = await ask("GET", `${this.path}/news?since=${since}${cursor}`, {
        ifNoneMatch: ifAny && !cursor ? `"r${since}"` : null,
      });
      if (answer.status === 304) return null;
      const { items, removed, next } = answer.data;
      if (whole) {
        whole.items.push(...items);
        whole.removed.push(...removed);
      } else {
        whole = answer.data;
      }
      if (!next) return whole;
      cursor = `&cursor=${encodeURIComponent(next)}`;
    }
  }

  /** Read what has changed; the edits that the server had taken before are part of it. */
  async #takeNews() {
    const taken = this.#settled.length;
    this.#isStale = false;
    /** @type {News | null} */
    let news;
    try {
      news = await this.#readNews(this.#revision, true);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      await this.#matchIsGone();
      return;
    }
    if (this.#isStopped || (!news && !taken)) return;
    const { parts } = this.#view;
    for (const edit of this.#settled.splice(0, taken)) {
      const done = parts.get(edit.key);
      if (done) this.#known.set(edit.key, done);
    }
    for (const name of [...this.#known.keys()].slice(0, -KNOWN_STEPS)) this.#known.delete(name);
    this.#versions.clear();
    if (news) {
      const base = { events: new Map(this.#base.events), reels: new Map(this.#base.reels) };
      this.#accept(base, news);
      if (base.events.size !== news.count) await this.#readAll();
    }
    this.#tell();
  }

  /** @param {import("./edits.js").State} base @param {News} news */
  #accept(base, news) {
    for (const id of news.removed) base.events.delete(id);
    for (const event of news.items) base.events.set(event.id, event);
    for (const id of news.removed_reels) base.reels.delete(id);
    for (const reel of news.reels) base.reels.set(reel.id, reel);
    this.#base = base;
    this.#revision = news.revision;
    this.#history = news.steps.map((step) => ({ name: step.id, isUndone: step.undone }));
  }

  /** Whether the match was deleted; shows a message if it was. */
  async #matchIsGone() {
    if (this.isGone) return true;
    try {
      await ask("GET", this.path);
      return false;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      this.isGone = true;
      this.dispatchEvent(new Event("gone"));
      return true;
    }
  }
}

/** Whether an edit cannot be made without another. @param {Edit} edit @param {Edit} other */
function needs(edit, other) {
  if (isBack(edit)) return edit.of === other.key || (isBack(other) && edit.of === other.of);
  return other.kind === "add" && "id" in edit && edit.id === other.id && edit !== other;
}

/** Changes of a reel as the API takes them. @param {ReelValues} values */
function inApi({ title, clips, finish }) {
  const given = clips?.map((clip) => ({
    start: clip.start, end: clip.end, score: clip.score ?? 0,
    ...(clip.title ? { title: clip.title } : {}), ...(clip.reason ? { reason: clip.reason } : {}),
  }));
  return { ...(title === undefined ? {} : { title }), ...(given ? { clips: given } : {}), ...(finish ? { finish } : {}) };
}

/**
 * Two edits of the same thing.
 *
 * @typedef {object} Conflict
 * @property {string} id
 * @property {Values} mine
 * @property {Values} base
 * @property {MatchEvent | null} theirs null if they deleted it
 * @property {string[]} fields
 */
let isHeld = false;

/** A name of this tab that lasts over reloads. */
function tabName() {
  try {
    let name = sessionStorage.getItem("touchline.tab");
    if (!name) {
      name = Math.random().toString(36).slice(2, 10);
      sessionStorage.setItem("touchline.tab", name);
    }
    return name;
  } catch {
    return "tab";
  }
}

/**
 * Let other tabs know that this one is open. A tab that was duplicated takes a new name.
 *
 * @param {string} tab
 * @returns {Promise<string>} its name from now on
 */
async function holdTab(tab) {
  if (!navigator.locks || isHeld) return tab;
  const forever = new Promise(() => undefined);
  /** @type {Promise<boolean>} */
  const got = new Promise((resolve) => {
    const signal = AbortSignal.timeout(LOCK_SECONDS * 1000);
    navigator.locks
      .request(`touchline.tab.${tab}`, { signal }, () => {
        isHeld = true;
        resolve(true);
        return forever;
      })
      .catch(() => resolve(false));
  });
  if (await got) return tab;
  sessionStorage.removeItem("touchline.tab");
  return holdTab(tabName());
}

/** @returns {Promise<Set<string>>} tabs that are open */
async function heldTabs() {
  const locks = (await navigator.locks?.query())?.held ?? [];
  return new Set(locks.map((lock) => (lock.name ?? "").split(".").at(-1) ?? ""));
}
