/** Times, sizes and shares as people read them. */

/**
 * @param {number} seconds
 * @param {number} [decimals]
 */
export function clock(seconds, decimals = 0) {
  const sign = seconds < 0 ? "−" : "";
  const scale = 10 ** decimals;
  const rounded = Math.floor(Math.abs(seconds) * scale + 1e-6) / scale;
  const hours = Math.floor(rounded / 3600);
  const minutes = Math.floor(rounded / 60) % 60;
  const rest = (rounded % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
  const front = hours ? `${hours}:${String(minutes).padStart(2, "0")}` : `${minutes}`;
  return `${sign}${front}:${rest}`;
}

const HALF_NAMES = ["1H", "2H", "ET1", "ET2"];
/** Minutes at which the added time of each half begins. */
const HALF_ENDS = [45, 90, 105, 120];

/** @param {number} half */
export function halfName(half) {
  return HALF_NAMES[half - 1] ?? `${half}H`;
}

/**
 * A match clock: `63:10`, with its half `2H 63:10`, in added time `1H 45+2:10`.
 *
 * @param {number} seconds
 * @param {number | null} [half]
 */
export function matchClock(seconds, half) {
  const whole = Math.floor(seconds + 1e-6);
  const time = (/** @type {number} */ count) => `${Math.floor(count / 60)}:${String(count % 60).padStart(2, "0")}`;
  if (!half) return time(whole);
  const end = (HALF_ENDS[half - 1] ?? Infinity) * 60;
  return `${halfName(half)} ${whole <= end ? time(whole) : `${end / 60}+${time(whole - end)}`}`;
}

/** @param {number} bytes */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let place = 0;
  let value = bytes;
  while (value >= 999.5 && place < units.length - 1) {
    value /= 1000;
    place += 1;
  }
  const decimals = place === 0 || value >= 99.5 ? 0 : 1;
  return `${value.toFixed(decimals)}\u00a0${units[place]}`;
}

/** @param {number} share */
export function percent(share) {
  return `${Math.round(share * 100)}\u202f%`;
}

/** @param {string} iso */
export function date(iso) {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/**
 * Frames per second of text such as "30000/1001".
 *
 * @param {string | undefined} text
 */
export function rateOf(text) {
  const [above, below] = (text ?? "25").split("/").map(Number);
  const rate = (above ?? 25) / (below || 1);
  return Number.isFinite(rate) && rate > 0 ? rate : 25;
}

/**
 * @param {string} text such as "45:12.5", "1:02:03" or "12"
 * @returns {number} NaN if it is not a time
 */
export function secondsOf(text) {
  const parts = text.trim().split(":").map((part) => (/^\d+([.,]\d+)?$/.test(part) ? Number(part.replace(",", ".")) : NaN));
  return parts.length > 3 ? NaN : parts.reduce((sum, part) => sum * 60 + part, 0);
}
