/** The match clock and the score, derived from its events and from what people state. */

import { clock } from "../lib/format.js";
import { t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").Match} Match */
/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {{half: number, start: number}} Period */

const KICK_OFF = "kick-off";
const GOAL = "goal";
/** A kick-off below this confidence sets the clock only once it is accepted. */
const SURE_CONFIDENCE = 0.5;
/** Minute at which each period begins. */
const PERIOD_MINUTES = [0, 45, 90, 105];

/**
 * The videos of a match that has one for each half.
 *
 * @param {Match} match
 */
export function halvesOf(match) {
  const videos = match.videos ?? [];
  return videos.length > 1 ? videos : [];
}

/**
 * The half that contains a time of the match, where each half has its video.
 *
 * @param {Match} match
 * @param {number} seconds
 * @returns {number | null}
 */
export function halfAt(match, seconds) {
  return halvesOf(match).findLast((video) => (video.start ?? 0) <= seconds)?.half ?? null;
}

/**
 * When each half begins: as people state it, else at its first kick-off.
 *
 * @param {Match} match
 * @param {MatchEvent[]} events in order of time
 * @returns {Period[]} in order of time
 */
export function periods(match, events) {
  const starts = new Map((match.game?.periods ?? []).map(({ half, start }) => [half, start]));
  for (const event of events) {
    const isSure = event.status === "accepted" || (event.status === "pending" && event.confidence >= SURE_CONFIDENCE);
    if (!isSure || event.label.toLowerCase() !== KICK_OFF) continue;
    const half = halfAt(match, event.time) ?? event.half;
    if (half && !starts.has(half)) starts.set(half, event.time);
  }
  return [...starts]
    .map(([half, start]) => ({ half, start }))
    .sort((a, b) => a.start - b.start);
}

/**
 * Half and minute at a time of the match; null before the first kick-off that is known.
 *
 * @param {Period[]} known
 * @param {number} seconds
 */
export function matchClock(known, seconds) {
  const period = known.findLast((one) => one.start <= seconds + 1e-3);
  if (!period) return null;
  const before = (PERIOD_MINUTES[period.half - 1] ?? 0) * 60;
  return t("clockAt", { half: period.half, time: clock(before + seconds - period.start) });
}

/**
 * A team as this match calls it.
 *
 * @param {Match} match
 * @param {string} team
 */
export function teamName(match, team) {
  if (team === "home") return match.game?.home || t("team.home");
  if (team === "away") return match.game?.away || t("team.away");
  return team;
}

/**
 * @param {Match} match
 * @param {string} team
 * @returns {string} "home" or "away" where it is one of them by name
 */
function sideOf(match, team) {
  const sides = /** @type {const} */ (["home", "away"]);
  return sides.find((side) => [side, match.game?.[side]?.toLowerCase()].includes(team.toLowerCase())) ?? team;
}

/** @param {MatchEvent[]} events @returns {MatchEvent[]} goals that count: accepted, and with a team */
export function goalsIn(events) {
  return events.filter(
    (event) => event.label.toLowerCase() === GOAL && event.status === "accepted" && event.team,
  );
}

/**
 * Goals of each team up to a time; null while no accepted goal has a team.
 *
 * @param {Match} match
 * @param {MatchEvent[]} goals
 * @param {number} seconds
 */
export function score(match, goals, seconds) {
  const teams = [...new Set(goals.map((event) => sideOf(match, event.team ?? "")))].sort();
  if (!teams.length) return null;
  const known = teams.every((team) => ["home", "away"].includes(team)) ? ["home", "away"] : teams;
  const made = known.map(
    (team) => goals.filter((event) => sideOf(match, event.team ?? "") === team && event.time <= seconds).length,
  );
  const [first, second] = known.map((team) => teamName(match, team));
  if (known.length === 2) return `${first} ${made[0]}–${made[1]} ${second}`;
  return known.map((team, place) => `${teamName(match, team)} ${made[place]}`).join(" · ");
}
