/** Curves of the timeline, and numbers in order. */

/** Highest values of ever longer stretches of a curve, so that any zoom draws few points. */
export class Curve {
  /** @param {number[]} values @param {Float64Array} seconds */
  constructor(values, seconds) {
    this.seconds = seconds;
    /** @type {Float32Array[]} */
    this.levels = [Float32Array.from(values)];
    for (let last = this.levels[0]; last && last.length > 512; last = this.levels.at(-1)) {
      const next = new Float32Array(Math.ceil(last.length / 2));
      for (let i = 0; i < next.length; i += 1) {
        next[i] = Math.max(last[2 * i] ?? 0, last[2 * i + 1] ?? 0);
      }
      this.levels.push(next);
    }
  }

  /**
   * @param {number} start @param {number} end seconds
   * @param {number} points
   * @param {(seconds: number, value: number) => void} report
   */
  visit(start, end, points, report) {
    const { seconds } = this;
    const from = Math.max(0, after(seconds, start) - 1);
    const to = Math.min(seconds.length, after(seconds, end) + 1);
    let level = 0;
    while (level < this.levels.length - 1 && (to - from) >> level > points) level += 1;
    const values = this.levels[level] ?? new Float32Array();
    for (let i = from >> level; i <= (to - 1) >> level; i += 1) {
      report(seconds[Math.min(i << level, seconds.length - 1)] ?? 0, values[i] ?? 0);
    }
  }
}

/**
 * The first place in sorted numbers whose number is larger.
 *
 * @param {Float64Array} sorted
 * @param {number} value
 */
export function after(sorted, value) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
