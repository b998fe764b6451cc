/** Which events are shown, in which order, and what a threshold would give. */

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */

/**
 * @typedef {object} Filters
 * @property {string} status "" for all
 * @property {string} label
 * @property {string} team
 * @property {string} source
 * @property {number} least confidence
 * @property {string} words
 * @property {"time" | "confidence" | "uncertain"} order
 */

/** @type {Filters} */
export const NO_FILTERS = {
  status: "", label: "", team: "", source: "", least: 0, words: "", order: "time",
};

/** @param {MatchEvent} event how near the model was to tossing a coin: 1 is quite undecided */
export function doubt(event) {
  return 1 - Math.abs(event.confidence - 0.5) * 2;
}

const ORDERS = {
  time: null,
  confidence: (/** @type {MatchEvent} */ a, /** @type {MatchEvent} */ b) => b.confidence - a.confidence,
  uncertain: (/** @type {MatchEvent} */ a, /** @type {MatchEvent} */ b) => doubt(b) - doubt(a),
};

/**
 * @param {MatchEvent[]} events in order of time
 * @param {Filters} filters
 * @param {Record<string, number>} thresholds least confidence by class, of events to review
 * @returns {MatchEvent[]}
 */
export function choose(events, filters, thresholds) {
  const words = filters.words.trim().toLowerCase();
  const shown = events.filter(
    (event) =>
      (!filters.status || event.status === filters.status) &&
      (!filters.label || event.label === filters.label) &&
      (!filters.team || (event.team ?? "") === filters.team) &&
      (!filters.source || event.source === filters.source) &&
      event.confidence >= filters.least &&
      !isBelow(event, thresholds) &&
      (!words || [event.label, event.team, event.player, event.note].some((text) => text?.toLowerCase().includes(words))),
  );
  const order = ORDERS[filters.order];
  return order ? shown.sort((a, b) => order(a, b) || a.time - b.time) : shown;
}

/**
 * Whether an unreviewed event is below its class's threshold.
 *
 * @param {MatchEvent} event
 * @param {Record<string, number>} thresholds
 */
export function isBelow(event, thresholds) {
  return event.status === "pending" && event.confidence < (thresholds[event.label] ?? 0);
}

/**
 * The next event to judge: the one after a place in a list that is still pending, or the first.
 *
 * @param {MatchEvent[]} shown
 * @param {string | null} id
 * @returns {MatchEvent | undefined}
 */
export function nextPending(shown, id) {
  const place = shown.findIndex((event) => event.id === id);
  const later = shown.slice(place + 1).find((event) => event.status === "pending");
  return later ?? shown.slice(0, Math.max(place, 0)).find((event) => event.status === "pending");
}

/**
 * The pending event that the model is least certain of; after one that is pending itself, the one
 * that comes next in this order.
 *
 * @param {MatchEvent[]} shown
 * @param {string | null} id
 * @returns {MatchEvent | undefined}
 */
export function nextUncertain(shown, id) {
  const pending = shown
    .filter((event) => event.status === "pending")
    .sort((a, b) => doubt(b) - doubt(a) || a.time - b.time);
  const place = pending.findIndex((event) => event.id === id);
  return pending[(place + 1) % Math.max(pending.length, 1)];
}

/**
 * What a threshold would have kept of what was judged so far.
 *
 * @param {MatchEvent[]} events of one class
 * @param {number} threshold
 * @returns {{precision: number | null, recall: number | null, judged: number}} null where nothing
 *   was judged; what people added counts as missed below any threshold
 */
export function quality(events, threshold) {
  const judged = events.filter((event) => event.status !== "pending");
  const found = judged.filter((event) => event.source !== "person");
  const kept = found.filter((event) => event.confidence >= threshold);
  const right = kept.filter((event) => event.status === "accepted").length;
  const real = judged.filter((event) => event.status === "accepted").length;
  return {
    precision: kept.length ? right / kept.length : null,
    recall: real ? right / real : null,
    judged: found.length,
  };
}

/**
 * @param {MatchEvent[]} events
 * @returns {Record<string, number>}
 */
export function countStatuses(events) {
  const counts = { pending: 0, accepted: 0, rejected: 0 };
  for (const event of events) counts[event.status] += 1;
  return counts;
}
