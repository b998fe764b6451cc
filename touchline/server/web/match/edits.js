/**
 * Edits over what the server has: what the page shows until the server has answered.
 *
 * The state of the server and the edits are never mixed. What is shown is made of both anew whenever
 * one of them changes, so an edit that is done, refused or undone leaves nothing behind.
 */

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("../lib/types.js").EventValues} EventValues */
/** @typedef {import("../lib/types.js").Status} Status */
/** @typedef {import("../lib/types.js").Reel} Reel */
/** @typedef {import("../lib/types.js").Clip} Clip */

/** @typedef {Partial<EventValues>} Values */
/** @typedef {{title?: string, clips?: Clip[], finish?: import("../lib/types.js").Finish}} ReelValues */

/**
 * What can be said of every edit.
 *
 * @typedef {object} Sent
 * @property {string} key its name, under which the server makes it once; the step of the server's
 *   history that it becomes has the same
 * @property {string} [refused] why the server has not taken it
 */

/**
 * An undo or redo names the step that it is of.
 *
 * @typedef {Sent & {kind: "change", id: string, values: Values, base: Values}} ChangeEdit
 * @typedef {Sent & {kind: "add", id: string, values: EventValues}} AddEdit
 * @typedef {Sent & {kind: "remove", id: string}} RemoveEdit
 * @typedef {Sent & {kind: "review", ids: string[], status: Status}} ReviewEdit
 * @typedef {Sent & {kind: "reel", id: string, values: ReelValues, base: ReelValues}} ReelEdit
 * @typedef {Sent & {kind: "removeReel", id: string}} RemoveReelEdit
 * @typedef {Sent & {kind: "undo" | "redo", of: string}} BackEdit
 * @typedef {ChangeEdit | AddEdit | RemoveEdit | ReviewEdit | ReelEdit | RemoveReelEdit} Forward
 * @typedef {Forward | BackEdit} Edit
 */

/**
 * What an event or a reel was before and is after an edit; null is not there.
 *
 * @typedef {{of: "events", id: string, before: MatchEvent | null, after: MatchEvent | null}} EventPart
 * @typedef {{of: "reels", id: string, before: Reel | null, after: Reel | null}} ReelPart
 * @typedef {EventPart | ReelPart} Part
 */

/**
 * @typedef {object} State
 * @property {Map<string, MatchEvent>} events
 * @property {Map<string, Reel>} reels
 */

/** A new event, before its time and class. @type {Omit<EventValues, "time" | "label">} */
export const NEW_EVENT = {
  confidence: 1, team: null, player: null, half: null, clock: null, clock_seconds: null, score: null,
  uncertainty_seconds: null, visibility: null, status: "accepted", note: null, lead: null, lag: null, descriptors: null,
};

const OF_EVENT = ["time", "label", ...Object.keys(NEW_EVENT)];
const OF_REEL = ["title", "reel", "finish"];

/** @param {Edit} edit @returns {edit is BackEdit} */
export function isBack(edit) {
  return edit.kind === "undo" || edit.kind === "redo";
}

/** @param {unknown} a @param {unknown} b */
function isSame(a, b) {
  return a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
}

/**
 * Fields of one person's edit that somebody else has changed in the meantime.
 *
 * @param {object} base what the edit was made on
 * @param {object} mine what it sets
 * @param {object} theirs the present values
 */
export function clashes(base, mine, theirs) {
  return Object.keys(mine).filter((name) => {
    const now = Reflect.get(theirs, name);
    return !isSame(now, Reflect.get(base, name)) && !isSame(now, Reflect.get(mine, name));
  });
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
 * What the page shows, and what each edit does.
 *
 * @param {State} base what the server has
 * @param {Edit[]} edits those that it does not have yet, in order
 * @param {Map<string, Part[]>} known what earlier steps did, by their names
 * @param {string} person who makes the edits
 * @returns {State & {parts: Map<string, Part[]>}} with what each step and edit does, by its name
 */
export function overlay(base, edits, known, person) {
  const state = { events: new Map(base.events), reels: new Map(base.reels) };
  const parts = new Map(known);
  for (const edit of edits) {
    if (isBack(edit)) {
      for (const part of parts.get(edit.of) ?? []) takeBack(state, part, edit.kind === "undo");
    } else {
      parts.set(edit.key, apply(state, edit, person));
    }
  }
  return { ...state, parts };
}

/**
 * @param {State} state
 * @param {Forward} edit
 * @param {string} person
 * @returns {Part[]}
 */
function apply(state, edit, person) {
  if (edit.kind === "review") {
    return edit.ids.flatMap((id) => changed(state, id, (event) => ({ ...event, status: edit.status })));
  }
  if (edit.kind === "change") {
    return changed(state, edit.id, (event) => ({ ...movedTo(event, edit.values.time), ...edit.values }), edit.base);
  }
  if (edit.kind === "add") {
    const after = freshEvent(edit.id, edit.values, person);
    state.events.set(edit.id, after);
    return [{ of: "events", id: edit.id, before: null, after }];
  }
  if (edit.kind === "remove") {
    const before = state.events.get(edit.id);
    state.events.delete(edit.id);
    return before ? [{ of: "events", id: edit.id, before, after: null }] : [];
  }
  const reel = state.reels.get(edit.id);
  if (!reel) return [];
  const before = edit.kind === "reel" ? withValues(reel, edit.base) : reel;
  const after = edit.kind === "reel" ? withValues(reel, edit.values) : null;
  if (after) state.reels.set(edit.id, after);
  else state.reels.delete(edit.id);
  return [{ of: "reels", id: edit.id, before, after }];
}

/**
 * @param {State} state
 * @param {string} id
 * @param {(event: MatchEvent) => MatchEvent} change
 * @param {Values} [base] what it was, if the server may have the change already
 * @returns {EventPart[]}
 */
function changed(state, id, change, base = {}) {
  const event = state.events.get(id);
  if (!event) return [];
  const after = change(event);
  state.events.set(id, after);
  return [{ of: "events", id, before: { ...event, ...base }, after }];
}

/** @param {Reel} reel @param {ReelValues} values @returns {Reel} */
function withValues(reel, values) {
  const { title = reel.title, clips, finish = reel.finish } = values;
  return { ...reel, title, finish, reel: clips ? { ...reel.reel, clips, chosen: false } : reel.reel };
}

/** @param {Reel} reel @returns {Required<ReelValues>} what can be changed of it */
export function valuesOfReel(reel) {
  return { title: reel.title, clips: reel.reel.clips, finish: reel.finish };
}

/**
 * @param {string} id
 * @param {EventValues} values
 * @param {string} person
 * @returns {MatchEvent}
 */
function freshEvent(id, values, person) {
  const now = new Date().toISOString();
  return {
    ...values, id, source: "person", version: 0,
    created_by: person, created_at: now, updated_by: person, updated_at: now,
  };
}

/**
 * Put back, or do again, the fields that an edit changed; what others changed beside them stays.
 *
 * @param {State} state
 * @param {Part} part
 * @param {boolean} isUndo
 */
function takeBack(state, part, isUndo) {
  const [left, wanted] = isUndo ? [part.after, part.before] : [part.before, part.after];
  const rows = /** @type {Map<string, object>} */ (state[part.of]);
  const now = rows.get(part.id);
  if (!wanted) {
    rows.delete(part.id);
  } else if (!left) {
    rows.set(part.id, wanted);
  } else if (now) {
    const names = clashes(left, wanted, left).filter((name) => (part.of === "events" ? OF_EVENT : OF_REEL).includes(name));
    rows.set(part.id, { ...now, ...Object.fromEntries(names.map((name) => [name, Reflect.get(wanted, name)])) });
  }
}

/**
 * Steps that can be undone or redone: those of the server's history, then the edits.
 *
 * @typedef {{name: string, isUndone: boolean}} Step
 *
 * @param {Step[]} history the person's own steps, the oldest first
 * @param {Edit[]} edits that the history does not have yet, in order
 * @returns {Step[]}
 */
export function stepsWith(history, edits) {
  let steps = history.map((step) => ({ ...step }));
  for (const edit of edits) {
    if (edit.refused) continue;
    if (isBack(edit)) {
      for (const step of steps) if (step.name === edit.of) step.isUndone = edit.kind === "undo";
    } else if (!steps.some((step) => step.name === edit.key)) {
      steps = steps.filter((step) => !step.isUndone);
      steps.push({ name: edit.key, isUndone: false });
    }
  }
  return steps;
}
