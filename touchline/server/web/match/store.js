/**
 * The events of a match as this person sees them.
 *
 * An edit shows at once and goes into a queue; the queue is sent in order, kept over reloads and
 * lost connections, and every edit names the version of the event that it is based on. The changes of
 * others are merged. Nothing is overwritten unseen: two edits of the same field of the
 * same event are put before the person.
 */

import { ApiError, LostConnection, ask, connection, getAll, session } from "../lib/api.js";
import { keep, kept, keptNames } from "../lib/storage.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("../lib/types.js").EventValues} EventValues */
/** @typedef {import("../lib/types.js").Status} Status */
/** @typedef {import("../lib/types.js").Change} Change */
/** @typedef {import("../lib/types.js").Match} Match */

/** @typedef {Partial<EventValues>} Values */

/**
 * What an event was before and is after a step; null is not there.
 *
 * @typedef {{id: string, before: MatchEvent | null, after: MatchEvent | null}} Part
 *
 * @typedef {{parts: Part[]}} Step
 */

/**
 * @typedef {{kind: "change", id: string, values: Values, base: Values}} ChangeEdit
 * @typedef {{kind: "add", id: string, values: EventValues}} AddEdit
 * @typedef {{kind: "remove", id: string}} RemoveEdit
 * @typedef {{kind: "review", ids: string[], status: Status}} ReviewEdit
 * @typedef {{kind: "undo" | "redo", step: Step | null}} BackEdit
 * @typedef {ChangeEdit | AddEdit | RemoveEdit | ReviewEdit | BackEdit} Edit
 */

/** A new event, before its time and class. @type {Omit<EventValues, "time" | "label">} */
const NEW_EVENT = {
  confidence: 1, team: null, player: null, half: null, clock: null, clock_seconds: null, score: null,
  uncertainty_seconds: null, visibility: null, status: "accepted", note: null,
};

const EDITABLE = /** @type {(keyof EventValues)[]} */ (["time", "label", ...Object.keys(NEW_EVENT)]);

const LOOK_SECONDS = 2.5;
const LOOK_HIDDEN_SECONDS = 20;
const ONE_BY_ONE = 20;
const HISTORY = 100;
const LOCK_SECONDS = 1.5;

/**
 * What can be changed of an event.
 *
 * @param {MatchEvent} event
 * @returns {EventValues}
 */
export function valuesOf(event) {
  return /** @type {EventValues} */ (
    Object.fromEntries(EDITABLE.map((name) => [name, event[name]]))
  );
}

/**
 * An event at another time as it may be shown until the server, which knows all events, has said
 * whether its match clock and score hold there.
 *
 * @param {MatchEvent} event
 * @param {number} [time]
 * @returns {MatchEvent}
 */
function movedTo(event, time) {
  if (time === undefined || time === event.time) return event;
  const seconds = event.clock_seconds === null ? -1 : event.clock_seconds + time - event.time;
  return { ...event, clock: null, clock_seconds: seconds < 0 ? null : seconds };
}

/**
 * Fields of one person's edit that somebody else has changed in the meantime.
 *
 * @param {Values} base what the edit was made on
 * @param {Values} mine what it sets
 * @param {Values} theirs the present values
 */
export function clashes(base, mine, theirs) {
  return EDITABLE.filter(
    (name) => name in mine && theirs[name] !== base[name] && theirs[name] !== mine[name],
  );
}

/**
 * Tells `change` (of events), `saving` (of what waits to be sent), `gone` (the match is deleted),
 * `problem` with a text, and `conflict` with a `Conflict`.
 */
export class MatchStore extends EventTarget {
  /** @type {Map<string, MatchEvent>} */
  events = new Map();
  /** @type {Edit[]} */
  waiting = [];
  isGone = false;
  isLoaded = false;
  /** @type {Step[]} */
  #done = [];
  /** @type {Step[]} */
  #undone = [];
  /** @type {Map<string, string>} ids that events had before the server named them */
  #names = new Map();
  #isSending = false;
  #isStopped = false;
  #timer = 0;
  /** @type {string | null} */
  #etag = null;
  /** @type {Map<string, boolean>} steps of the server's history, and whether they are undone */
  #history = new Map();
  #tab = tabName();
  /** @type {Edit | null} the edit that is being sent, once the server has its effect */
  #settled = null;
  /** @type {MatchEvent[] | null} */
  #sorted = null;

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
    this.#send();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    connection.removeEventListener("back", this.#again);
    document.removeEventListener("visibilitychange", this.#again);
  }

  /** @returns {MatchEvent[]} in order of time */
  get sorted() {
    this.#sorted ??= [...this.events.values()].sort(
      (a, b) => a.time - b.time || a.id.localeCompare(b.id),
    );
    return this.#sorted;
  }

  get canUndo() {
    return this.#done.length > 0 || [...this.#history.values()].includes(false);
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** @param {string | null} id */
  find(id) {
    return id === null ? undefined : this.events.get(this.#names.get(id) ?? id);
  }

  // ------------------------------------------------------------------ edits

  /**
   * @param {string} id
   * @param {Values} values
   */
  change(id, values) {
    const event = this.find(id);
    if (!event) return;
    const base = Object.fromEntries(
      Object.keys(values).map((name) => [name, event[/** @type {keyof EventValues} */ (name)]]),
    );
    if (Object.entries(values).every(([name, value]) => Reflect.get(base, name) === value)) return;
    const after = { ...movedTo(event, values.time), ...values };
    this.#did({ parts: [{ id: event.id, before: event, after }] });
    this.#put(after);
    this.#queue({ kind: "change", id: event.id, values, base });
  }

  /**
   * @param {Partial<EventValues> & {time: number, label: string}} values
   * @returns {string} the event's id for now
   */
  add(values) {
    const id = `new-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
    /** @type {EventValues} */
    const whole = { ...NEW_EVENT, ...values };
    const event = this.#fresh(id, whole);
    this.#did({ parts: [{ id, before: null, after: event }] });
    this.#put(event);
    this.#queue({ kind: "add", id, values: whole });
    return id;
  }

  /** @param {string} id */
  remove(id) {
    const event = this.find(id);
    if (!event) return;
    this.#did({ parts: [{ id: event.id, before: event, after: null }] });
    this.events.delete(event.id);
    this.#queue({ kind: "remove", id: event.id });
  }

  /**
   * Accept or reject several events as one step.
   *
   * @param {string[]} ids
   * @param {Status} status
   */
  review(ids, status) {
    const parts = ids.flatMap((id) => {
      const event = this.find(id);
      if (!event || event.status === status) return [];
      return [{ id: event.id, before: event, after: { ...event, status } }];
    });
    if (!parts.length) return;
    this.#did({ parts });
    for (const part of parts) this.events.set(part.id, part.after);
    this.#queue({ kind: "review", ids: parts.map((part) => part.id), status });
  }

  undo() {
    const step = this.#done.pop() ?? null;
    if (step) {
      this.#undone.push(step);
      this.#show(step, "before");
    }
    this.#queue({ kind: "undo", step });
  }

  redo() {
    const step = this.#undone.pop() ?? null;
    if (!step) return;
    this.#done.push(step);
    this.#show(step, "after");
    this.#queue({ kind: "redo", step });
  }

  // ------------------------------------------------------------- the present state

  /** @param {Step} step */
  #did(step) {
    this.#done.push(step);
    this.#undone = [];
  }

  /**
   * @param {string} id
   * @param {EventValues} values
   * @returns {MatchEvent}
   */
  #fresh(id, values) {
    const now = new Date().toISOString();
    const name = session.current?.name ?? "";
    return {
      ...values, id, source: "person", version: 0,
      created_by: name, created_at: now, updated_by: name, updated_at: now,
    };
  }

  /** @param {MatchEvent} event */
  #put(event) {
    this.events.set(event.id, event);
    this.#tell();
  }

  /**
   * Show a step's events as they were on one side of it, at the versions that they have now.
   *
   * @param {Step} step
   * @param {"before" | "after"} side
   */
  #show(step, side) {
    for (const part of step.parts) {
      const id = this.#name(part.id);
      const wanted = part[side];
      const now = this.events.get(id);
      if (!wanted) this.events.delete(id);
      else this.events.set(id, { ...wanted, id, version: now?.version ?? wanted.version });
    }
    this.#tell();
  }

  /** @param {string} id */
  #name(id) {
    return this.#names.get(id) ?? id;
  }

  #tell() {
    this.#sorted = null;
    this.dispatchEvent(new Event("change"));
  }

  // -------------------------------------------------------------------- queue

  /** @param {Edit} edit */
  #queue(edit) {
    this.waiting.push(edit);
    this.#keep();
    this.#tell();
    this.#send();
  }

  #keep() {
    keep(this.#place, this.waiting.length ? this.waiting : null);
    this.dispatchEvent(new Event("saving"));
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
      for (const edit of edits) {
        this.#showEdit(edit);
        this.waiting.push(edit);
      }
    }
    this.#keep();
  }

  /** @param {Edit} edit */
  #showEdit(edit) {
    if (edit.kind === "change") {
      const event = this.events.get(edit.id);
      if (event) this.events.set(edit.id, { ...movedTo(event, edit.values.time), ...edit.values });
    } else if (edit.kind === "add") {
      this.events.set(edit.id, this.#fresh(edit.id, edit.values));
    } else if (edit.kind === "remove") {
      this.events.delete(edit.id);
    } else if (edit.kind === "review") {
      for (const id of edit.ids) {
        const event = this.events.get(id);
        if (event) this.events.set(id, { ...event, status: edit.status });
      }
    } else if (edit.step) {
      this.#show(edit.step, edit.kind === "undo" ? "before" : "after");
    }
  }

  async #send() {
    if (this.#isSending || this.#isStopped) return;
    this.#isSending = true;
    try {
      for (let edit; (edit = this.waiting[0]) && !this.#isStopped; ) {
        await this.#sendOne(edit);
        this.waiting.shift();
        this.#keep();
      }
    } catch (error) {
      if (error instanceof LostConnection) connection.whenThere().then(this.#again);
      else if (!(error instanceof ApiError && error.status === 401)) throw error;
    } finally {
      this.#isSending = false;
    }
  }

  #again = () => {
    if (this.#isStopped) return;
    this.#send();
    this.#look();
  };

  /**
   * Send one edit; after a refusal, show the server's message and its state.
   *
   * @param {Edit} edit
   */
  async #sendOne(edit) {
    try {
      if (edit.kind === "change") await this.#sendChange(edit);
      else if (edit.kind === "add") await this.#sendAdd(edit);
      else if (edit.kind === "remove") await this.#sendRemove(edit);
      else if (edit.kind === "review") await this.#sendReview(edit);
      else await this.#sendBack(edit);
    } catch (error) {
      if (error instanceof LostConnection) throw error;
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) throw error;
      if (error.status === 404 && (await this.#matchIsGone())) return;
      this.#settled = edit;
      this.#say(error.message);
      await this.#readAll();
      this.#tell();
    }
  }

  /** @param {ChangeEdit} edit */
  async #sendChange(edit) {
    const id = this.#name(edit.id);
    for (;;) {
      const version = this.events.get(id)?.version ?? 0;
      try {
        await this.#patch(edit, id, version);
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || ![404, 412].includes(error.status)) throw error;
        if (!(await this.#merge(id, edit, error.status))) return;
      }
    }
  }

  /**
   * @param {ChangeEdit} edit
   * @param {string} id
   * @param {number} version
   */
  async #patch(edit, id, version) {
    /** @type {import("../lib/api.js").Answer<MatchEvent>} */
    const answer = await ask("PATCH", `${this.path}/events/${id}`, {
      body: edit.values,
      ifMatch: `"${version}"`,
    });
    if (this.waiting[0] === edit) this.#settled = edit;
    this.#arrived(answer.data);
  }

  /**
   * Somebody else has changed the event first. Merge their change.
   *
   * @param {string} id
   * @param {ChangeEdit} edit
   * @param {number} status
   * @returns {Promise<boolean>} whether the edit is still valid and must be sent again
   */
  async #merge(id, edit, status) {
    const theirs = status === 404 ? null : await this.#readOne(id);
    if (!theirs) {
      if (await this.#matchIsGone()) return false;
      this.events.delete(id);
      this.#tell();
      this.#conflict({ id, mine: edit.values, base: edit.base, theirs: null, fields: [] });
      return false;
    }
    const fields = clashes(edit.base, edit.values, theirs);
    if (!fields.length) {
      this.events.set(id, { ...theirs, ...edit.values });
      this.#tell();
      return true;
    }
    this.#put(theirs);
    this.#conflict({ id, mine: edit.values, base: edit.base, theirs, fields: [...fields] });
    return false;
  }

  /** @param {Conflict} conflict */
  #conflict(conflict) {
    this.dispatchEvent(new CustomEvent("conflict", { detail: conflict }));
  }

  /** @param {AddEdit} edit */
  async #sendAdd(edit) {
    /** @type {import("../lib/api.js").Answer<MatchEvent>} */
    const answer = await ask("POST", `${this.path}/events`, { body: edit.values });
    this.#rename(edit.id, answer.data);
  }

  /**
   * An event that was made here has its name from the server now.
   *
   * @param {string} old
   * @param {MatchEvent} made
   */
  #rename(old, made) {
    for (const [alias, id] of this.#names) if (id === old) this.#names.set(alias, made.id);
    this.#names.set(old, made.id);
    const here = this.events.get(old);
    this.events.delete(old);
    if (here) this.events.set(made.id, { ...here, id: made.id, version: made.version });
    this.dispatchEvent(new CustomEvent("rename", { detail: { old, id: made.id } }));
    this.#tell();
  }

  /** @param {RemoveEdit} edit */
  async #sendRemove(edit) {
    const id = this.#name(edit.id);
    try {
      const now = await this.#readOne(id);
      if (now) await ask("DELETE", `${this.path}/events/${id}`, { ifMatch: `"${now.version}"` });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      await this.#matchIsGone();
    }
  }

  /** @param {ReviewEdit} edit */
  async #sendReview(edit) {
    const ids = edit.ids.map((id) => this.#name(id));
    await ask("POST", `${this.path}/review`, { body: { ids, status: edit.status } });
    this.#settled = edit;
    await this.#readThese(ids);
  }

  /**
   * Take a step back, or forward again: by the server's history where the step is its last, so
   * that an event is exactly what it was; otherwise by an edit that puts the values back.
   *
   * @param {BackEdit} edit
   */
  async #sendBack(edit) {
    const steps = await this.#changes();
    const last =
      edit.kind === "undo"
        ? steps.find((step) => !step.undone)
        : steps.filter((step) => step.undone).at(-1);
    const wanted = edit.step && new Set(edit.step.parts.map((part) => this.#name(part.id)));
    const isOwn = last && last.actor === session.current?.name;
    const isIt =
      last && isOwn && (!wanted || (wanted.size === last.events.length && last.events.every((id) => wanted.has(id))));
    if (isIt) {
      await ask("POST", `${this.path}/${edit.kind}`);
      this.#settled = edit;
      await this.#readThese(last.events);
    } else if (edit.step) {
      await this.#putBack(edit.step, edit.kind === "undo" ? "before" : "after");
    } else {
      this.#say("");
    }
  }

  /**
   * @param {Step} step
   * @param {"before" | "after"} side
   */
  async #putBack(step, side) {
    for (const part of step.parts) {
      const id = this.#name(part.id);
      const [wanted, other] = side === "before" ? [part.before, part.after] : [part.after, part.before];
      if (!wanted) {
        await this.#sendRemove({ kind: "remove", id });
      } else if (!other) {
        /** @type {import("../lib/api.js").Answer<MatchEvent>} */
        const made = await ask("POST", `${this.path}/events`, { body: valuesOf(wanted) });
        this.#rename(id, made.data);
      } else {
        const values = Object.fromEntries(
          EDITABLE.filter((name) => wanted[name] !== other[name]).map((name) => [name, wanted[name]]),
        );
        await this.#sendChange({ kind: "change", id, values, base: other });
      }
    }
  }

  // ---------------------------------------------------------------- from others

  async #readAll() {
    /** @type {{items: MatchEvent[], etag: string | null}} */
    const { items, etag } = await getAll(`${this.path}/events?limit=1000`);
    this.events = new Map(items.map((event) => [event.id, event]));
    this.#etag = etag;
    await this.#changes();
    for (const edit of this.#unsettled) this.#showEdit(edit);
  }

  /**
   * @param {string} id
   * @returns {Promise<MatchEvent | null>}
   */
  async #readOne(id) {
    try {
      /** @type {import("../lib/api.js").Answer<MatchEvent>} */
      const answer = await ask("GET", `${this.path}/events/${id}`);
      return answer.data;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  /** @param {string[]} ids */
  async #readThese(ids) {
    if (ids.length > ONE_BY_ONE) {
      await this.#readAll();
    } else {
      for (const id of ids) {
        const event = await this.#readOne(id);
        if (this.#isWaiting(id)) continue;
        if (event) this.events.set(id, event);
        else this.events.delete(id);
      }
    }
    this.#tell();
  }

  get #unsettled() {
    return this.waiting.filter((edit) => edit !== this.#settled);
  }

  /**
   * Whether the server does not have the effect of an edit of an event yet.
   *
   * @param {string} id
   */
  #isWaiting(id) {
    return this.#unsettled.some((edit) => {
      if (edit.kind === "review") return edit.ids.some((one) => this.#name(one) === id);
      if ("id" in edit) return this.#name(edit.id) === id;
      return edit.step?.parts.some((part) => this.#name(part.id) === id) ?? true;
    });
  }

  /** @param {MatchEvent} event */
  #arrived(event) {
    const here = this.events.get(event.id);
    if (this.#isWaiting(event.id) && here) {
      this.events.set(event.id, { ...here, version: event.version });
    } else {
      this.events.set(event.id, event);
    }
    this.#tell();
  }

  /** @returns {Promise<Change[]>} the latest steps of the server's history, the last first */
  async #changes() {
    /** @type {import("../lib/api.js").Answer<{items: Change[]}>} */
    const answer = await ask("GET", `${this.path}/changes?limit=${HISTORY}`);
    const steps = answer.data.items;
    this.#history = new Map(steps.map((step) => [`${step.number} ${step.at}`, step.undone]));
    return steps;
  }

  #lookLater() {
    clearTimeout(this.#timer);
    const seconds = document.hidden ? LOOK_HIDDEN_SECONDS : LOOK_SECONDS;
    this.#timer = setTimeout(this.#look, seconds * 1000);
  }

  /** Check for changes of others. */
  #look = async () => {
    if (this.#isStopped || this.isGone) return;
    try {
      if (!connection.isLost && !this.waiting.length) await this.#takeNews();
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) await this.#matchIsGone();
      else if (!(error instanceof LostConnection || error instanceof ApiError)) throw error;
    } finally {
      if (!this.#isStopped) this.#lookLater();
    }
  };

  async #takeNews() {
    const news = await ask("GET", `${this.path}/events?limit=1`, { ifNoneMatch: this.#etag });
    if (news.status === 304) return;
    const known = this.#history;
    const steps = await this.#changes();
    const isFresh = (/** @type {Change} */ step) => {
      const before = known.get(`${step.number} ${step.at}`);
      return before === undefined ? !step.undone : before !== step.undone;
    };
    const fresh = steps.filter(isFresh);
    const ids = [...new Set(fresh.flatMap((step) => step.events))];
    const isWhole = fresh.length > 0 && (known.size === 0 ? steps.length < HISTORY : steps.some((step) => known.has(`${step.number} ${step.at}`)));
    if (isWhole) await this.#readThese(ids);
    else await this.#readAll();
    this.#etag = news.etag;
    this.#tell();
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

  /** @param {string} text empty: there was nothing to undo */
  #say(text) {
    this.dispatchEvent(new CustomEvent("problem", { detail: text }));
  }
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
