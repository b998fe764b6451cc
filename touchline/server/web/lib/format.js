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
