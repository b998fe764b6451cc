/** What this browser stores. A browser without storage is not an error. */

const PREFIX = "touchline.";

/**
 * @template T
 * @param {string} name
 * @param {T} otherwise
 * @returns {T}
 */
export function kept(name, otherwise) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? otherwise : JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/**
 * @param {string} name
 * @param {unknown} value null forgets it
 * @returns {boolean} whether it is remembered
 */
export function keep(name, value) {
  try {
    if (value === null || value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/**
 * Names that begin so.
 *
 * @param {string} beginning
 */
export function keptNames(beginning) {
  try {
    return Object.keys(localStorage)
      .filter((name) => name.startsWith(PREFIX + beginning))
      .map((name) => name.slice(PREFIX.length));
  } catch {
    return [];
  }
}

/**
 * Listen to what other tabs of this browser store.
 *
 * @param {string} beginning of the names that matter
 * @param {(name: string) => void} report
 */
export function onOthersKeep(beginning, report) {
  addEventListener("storage", (event) => {
    if (event.key?.startsWith(PREFIX + beginning)) report(event.key.slice(PREFIX.length));
  });
}

/**
 * Whether another tab is at something that it does alone.
 *
 * @param {string} name
 */
export async function isBusyElsewhere(name) {
  const locks = (await navigator.locks?.query())?.held ?? [];
  return locks.some((lock) => lock.name === PREFIX + name);
}

/**
 * Do something while no other tab does the same.
 *
 * @param {string} name
 * @param {() => Promise<void>} work
 * @returns {Promise<boolean>} false if another tab is at it
 */
export async function alone(name, work) {
  if (!navigator.locks) {
    await work();
    return true;
  }
  return navigator.locks.request(PREFIX + name, { ifAvailable: true }, async (lock) => {
    if (lock) await work();
    return lock !== null;
  });
}
