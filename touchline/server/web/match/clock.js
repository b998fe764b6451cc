/** The match clock and the score, as events and people state them. */

import { halfName, matchClock } from "../lib/format.js";
import { t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").Match} Match */
/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {{half: number, start: number}} Period */
/** @typedef {Pick<MatchEvent, "label"> & Partial<MatchEvent>} Stated an event, as far as it says where in the match it lies */

const KICK_OFF = "kick-off";
const GOAL = "goal";
/** A kick-off below this confidence sets the clock only once it is accepted. */
const SURE_CONFIDENCE = 0.5;
/** How far from an event its clock still counts, where no event beyond confirms it. */
const NEAR_SECONDS = 60;
const DRIFT_SECONDS = 3;
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
export function clockAt(known, seconds) {
  const period = known.findLast((one) => one.start <= seconds + 1e-3);
  if (!period) return null;
  const before = (PERIOD_MINUTES[period.half - 1] ?? 0) * 60;
  return matchClock(before + seconds - period.start, period.half);
}

/**
 * Half and clock at a time of the match by the events around it; null where they leave it open.
 *
 * @param {MatchEvent[]} stated events that state the clock, in order of time
 * @param {number} seconds
 */
export function clockByEvents(stated, seconds) {
  const before = stated.findLast((event) => event.time <= seconds);
  const after = stated.find((event) => event.time > seconds);
  const runs = before && after && before.half === after.half && Math.abs(zeroOf(before) - zeroOf(after)) <= DRIFT_SECONDS;
  const near = [before, after].find((event) => event && Math.abs(event.time - seconds) <= NEAR_SECONDS);
  const event = runs ? before : near;
  if (!event) return null;
  const clock = seconds - zeroOf(event);
  const least = (PERIOD_MINUTES[(event.half ?? 1) - 1] ?? 0) * 60;
  return clock < least ? null : matchClock(clock, event.half);
}

/** When the clock of an event would have been at 0. @param {MatchEvent} event */
function zeroOf(event) {
  return event.time - (event.clock_seconds ?? 0);
}

/**
 * What an event itself says of the match, such as `2H 63:10, 1-0`; else empty. The score is the one
 * before it, but after it at a goal of a known side that is not rejected.
 *
 * @param {Match} match
 * @param {Stated} event
 */
export function matchState(match, event) {
  const score = scoreShown(match, event);
  const half = event.half && score ? halfName(event.half) : "";
  const when = event.clock_seconds != null ? matchClock(event.clock_seconds, event.half) : event.clock || half;
  return [when, score?.join("-")].filter(Boolean).join(", ");
}

/** @param {Match} match @param {Stated} event @returns {[number, number] | null} */
function scoreShown(match, event) {
  if (!event.score || event.label.toLowerCase() !== GOAL || event.status === "rejected") return event.score ?? null;
  const side = sideOf(match, event.team ?? "");
  const [home, away] = event.score;
  return [home + Number(side === "home"), away + Number(side === "away")];
}

/**
 * The event of a reel's clip that tells where in the match it lies: its first goal, else its first.
 *
 * @param {import("../lib/types.js").Clip} clip
 * @returns {Stated | undefined}
 */
export function eventOfClip({ events = [] }) {
  const event = events.find(({ label }) => label.toLowerCase() === GOAL) ?? events[0];
  return event && { ...event, clock: null, clock_seconds: typeof event.clock === "number" ? event.clock : null };
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
 * The score at a time of the match, as the last event before it that states one says; else null.
 *
 * @param {Match} match
 * @param {MatchEvent[]} events in order of time
 * @param {number} seconds
 */
export function scoreByEvents(match, events, seconds) {
  const event = events.findLast(({ time, score }) => score && time <= seconds);
  const shown = event && scoreShown(match, event);
  return shown ? `${teamName(match, "home")} ${shown.join("–")} ${teamName(match, "away")}` : null;
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
