/** Changes to the clips of a reel. Clips keep the order that people give them, and never overlap. */

/** @typedef {import("../lib/types.js").Clip} Clip */
/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */

const LEAST_SECONDS = 0.2;

/**
 * Bring a stretch between its neighbours in time.
 *
 * @param {Clip[]} others
 * @param {number} start
 * @param {number} end
 * @param {number} duration
 * @returns {[number, number]}
 */
function between(others, start, end, duration) {
  let [first, last] = [Math.max(0, start), Math.min(end, duration)];
  const middle = (first + last) / 2;
  for (const other of others) {
    const isBefore = (other.start + other.end) / 2 < middle;
    if (isBefore && other.end > first) first = other.end;
    if (!isBefore && other.start < last) last = other.start;
  }
  return [round(first), round(last)];
}

/** @param {number} seconds */
function round(seconds) {
  return Math.round(seconds * 1000) / 1000;
}

/**
 * @param {Clip[]} clips
 * @param {number} start
 * @param {number} end
 * @param {number} duration
 * @param {string} [title]
 * @returns {Clip[]} with one more, after the clip that precedes it in the match; with one grown
 *   where it would touch
 */
export function insertClip(clips, start, end, duration, title) {
  const [from, to] = [Math.max(0, start), Math.min(end, duration)];
  const touched = clips.filter((clip) => clip.start < to && from < clip.end);
  if (touched.length) {
    const first = clips.indexOf(/** @type {Clip} */ (touched[0]));
    const whole = {
      ...clips[first],
      start: round(Math.min(from, ...touched.map((clip) => clip.start))),
      end: round(Math.max(to, ...touched.map((clip) => clip.end))),
    };
    return clips.flatMap((clip, i) => (i === first ? [whole] : touched.includes(clip) ? [] : [clip]));
  }
  if (to - from < LEAST_SECONDS) return clips;
  const place = clips.findLastIndex((clip) => clip.start < from) + 1;
  const made = { start: round(from), end: round(to), score: 0, ...(title ? { title } : {}) };
  return clips.toSpliced(place, 0, made);
}

/** Seconds of all clips. @param {Clip[]} clips */
export function lengthOf(clips) {
  return clips.reduce((sum, clip) => sum + clip.end - clip.start, 0);
}

/**
 * @param {Clip[]} clips
 * @param {MatchEvent[]} needed
 * @param {number} seconds
 * @param {number} duration
 * @param {(event: MatchEvent) => [number, number]} stretchOf
 * @returns {Clip[]} with all needed events; of the others, the least are left out until the reel is
 *   as long as it may be
 */
export function allOf(clips, needed, seconds, duration, stretchOf) {
  const shows = (/** @type {Clip} */ clip, /** @type {MatchEvent} */ event) => clip.start <= event.time && event.time < clip.end;
  let all = clips;
  for (const event of needed) {
    if (!all.some((clip) => shows(clip, event))) all = insertClip(all, ...stretchOf(event), duration, event.label);
  }
  const others = all.filter((clip) => !needed.some((event) => shows(clip, event)));
  for (const clip of others.sort((a, b) => (a.score ?? 0) - (b.score ?? 0))) {
    if (lengthOf(all) <= seconds) break;
    all = all.filter((one) => one !== clip);
  }
  return all;
}

/**
 * @param {Clip[]} clips
 * @param {number} from
 * @param {number} to
 * @returns {Clip[]}
 */
export function movedClip(clips, from, to) {
  const clip = clips[from];
  if (!clip || to < 0 || to >= clips.length) return clips;
  return clips.toSpliced(from, 1).toSpliced(to, 0, clip);
}

/**
 * @param {Clip[]} clips
 * @param {number} place
 * @param {number} start
 * @param {number} end
 * @param {number} duration
 * @returns {Clip[]} with other ends of one, as far as its neighbours and the video allow
 */
export function trimmed(clips, place, start, end, duration) {
  const clip = clips[place];
  if (!clip || end - start < LEAST_SECONDS) return clips;
  const others = clips.filter((_, i) => i !== place);
  const [first, last] = between(others, start, end, duration);
  if (last - first < LEAST_SECONDS) return clips;
  return clips.with(place, { ...clip, start: first, end: last });
}
