/** The match's own clock and score, as far as its events tell them. */

import { clock } from "../lib/format.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */

const KICK_OFF = "kick-off";
const GOAL = "goal";
/** Minute at which each period begins. */
const PERIOD_MINUTES = [0, 45, 90, 105];

/**
 * When each half begins: at its first kick-off.
 *
 * @param {MatchEvent[]} events in order of time
 * @returns {{half: number, seconds: number}[]}
 */
export function periods(events) {
  /** @type {Map<number, number>} */
  const starts = new Map();
  for (const event of events) {
    const isStart = event.label.toLowerCase() === KICK_OFF && event.status !== "rejected";
    if (isStart && event.half && !starts.has(event.half)) starts.set(event.half, event.time);
  }
  return [...starts]
    .map(([half, seconds]) => ({ half, seconds }))
    .sort((a, b) => a.seconds - b.seconds);
}

/**
 * Half and minute at a time of the video; null before the first kick-off that has a half.
 *
 * @param {MatchEvent[]} events
 * @param {number} seconds
 */
export function matchClock(events, seconds) {
  const period = periods(events).findLast((one) => one.seconds <= seconds);
  if (!period) return null;
  const before = (PERIOD_MINUTES[period.half - 1] ?? 0) * 60;
  return `${period.half}H ${clock(before + seconds - period.seconds)}`;
}

/**
 * Goals of each team up to a time; null while no accepted goal says whose it is.
 *
 * @param {MatchEvent[]} events
 * @param {number} seconds
 */
export function score(events, seconds) {
  const goals = events.filter(
    (event) => event.label.toLowerCase() === GOAL && event.status === "accepted" && event.team,
  );
  const teams = [...new Set(goals.map((event) => event.team ?? ""))].sort().reverse();
  if (!teams.length) return null;
  if (teams.length === 1 && ["home", "away"].includes(teams[0] ?? "")) teams.splice(0, 1, "home", "away");
  const counts = teams.map((team) => {
    const made = goals.filter((event) => event.team === team && event.time <= seconds).length;
    return `${team} ${made}`;
  });
  return counts.join(" · ");
}
