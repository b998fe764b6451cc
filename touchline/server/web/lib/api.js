/** Talking to the server: one request, what may go wrong with it, and whether the server is there. */

import { t } from "./texts.js";

/** @typedef {import("./types.js").Session} Session */

/** An answer that is an error. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} detail what is wrong, in the server's words
   * @param {number} retrySeconds when to try again, as the server has it
   */
  constructor(status, detail, retrySeconds = 0) {
    super(detail);
    this.status = status;
    this.retrySeconds = retrySeconds;
  }
}

/** No answer came. */
export class LostConnection extends Error {}

const GATEWAY_STATUSES = new Set([502, 504]);
/** The same request may succeed later: too slow, too many, a fault, busy, full. */
const PASSING_STATUSES = new Set([408, 425, 429, 500, 503, 507]);

/** Longer than the server takes at most: its own limits end a request before. */
const TIMEOUT_SECONDS = 60;

/** Browsers let what a left page still sends be 64 KiB in all. */
const KEPT_ALIVE_CHARACTERS = 20_000;

/** Seconds: between looks for a lost server, and before a request is sent again. */
export const PACE = { ping: 2, retry: 0.5, longest: 30 };

const TRIES = 5;

/**
 * Whether a failure is of the kind that passes.
 *
 * @param {unknown} error
 */
export function isPassing(error) {
  return error instanceof LostConnection || (error instanceof ApiError && PASSING_STATUSES.has(error.status));
}

/**
 * Seconds to wait before a request is sent again.
 *
 * @param {unknown} error of the kind that passes
 * @param {number} failures before this one
 */
export function retryIn(error, failures) {
  const wait = Math.min(PACE.retry * 2 ** failures, PACE.longest) * (0.75 + Math.random() / 2);
  return Math.max(wait, error instanceof ApiError ? error.retrySeconds : 0);
}

/** A random name, as the server names things. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Tells `lost` and `back` of the connection, `signedout`, and `signedin` as another user. */
export const connection = new (class extends EventTarget {
  isLost = false;

  lose() {
    if (this.isLost) return;
    this.isLost = true;
    this.dispatchEvent(new Event("lost"));
    this.#wait();
  }

  /** @returns {Promise<void>} resolved when the server answers */
  whenThere() {
    if (!this.isLost) return Promise.resolve();
    return new Promise((resolve) => {
      this.addEventListener("back", () => resolve(), { once: true });
    });
  }

  #wait() {
    setTimeout(async () => {
      if (await isAlive()) {
        this.isLost = false;
        this.dispatchEvent(new Event("back"));
      } else {
        this.#wait();
      }
    }, PACE.ping * 1000);
  }
})();

async function isAlive() {
  try {
    const signal = AbortSignal.timeout(5000);
    return (await fetch("/health", { cache: "no-store", signal })).ok;
  } catch {
    return false;
  }
}

/** The secret of a share link, if the page was opened by one. */
export const share = new URLSearchParams(location.search).get("share");

/** @type {{current: Session | null}} who is asking */
export const session = { current: null };

/** @returns {boolean} whether events and reels may be changed */
export function mayEdit() {
  return ["editor", "admin"].includes(session.current?.role ?? "");
}

/**
 * An address that an element loads by itself, and so cannot send headers with.
 *
 * @param {string} path
 */
export function linkTo(path) {
  if (!share) return path;
  return `${path}${path.includes("?") ? "&" : "?"}share=${encodeURIComponent(share)}`;
}

/** @returns {Record<string, string>} the headers that identify the caller */
export function credentials() {
  /** @type {Record<string, string>} */
  const headers = {};
  if (session.current?.csrf) headers["X-CSRF-Token"] = session.current.csrf;
  if (share) headers["X-Share-Token"] = share;
  return headers;
}

/**
 * @typedef {object} Asking
 * @property {unknown} [body] sent as JSON
 * @property {BodyInit} [raw] sent as it is
 * @property {string} [ifMatch] the ETag that a change is based on
 * @property {string | null} [ifNoneMatch] the ETag of the known version
 * @property {boolean} [keepalive] goes on though the page is left
 * @property {string} [key] name of a change, which the server makes once
 * @property {number} [seconds] to wait for the answer
 */

/**
 * @template T
 * @typedef {object} Answer
 * @property {T} data null if there is nothing, or nothing new
 * @property {string | null} etag
 * @property {number} status
 * @property {string | null} step the step of a match's history that a change was
 */

/**
 * Ask the server.
 *
 * @template T
 * @param {string} method
 * @param {string} path
 * @param {Asking} [asking]
 * @returns {Promise<Answer<T>>}
 * @throws {ApiError} the server refuses
 * @throws {LostConnection} it cannot be reached; `connection` dispatches `back` when it is
 */
export async function ask(method, path, asking = {}) {
  const response = await send(method, path, asking);
  const etag = response.headers.get("ETag");
  const text = response.status === 304 ? "" : await read(response);
  if (!response.ok && response.status !== 304) {
    if (response.status === 401) connection.dispatchEvent(new Event("signedout"));
    const wait = Number(response.headers.get("Retry-After")) || 0;
    throw new ApiError(response.status, problemIn(text) || response.statusText, wait);
  }
  const step = response.headers.get("X-Step-Id");
  return { data: text ? JSON.parse(text) : null, etag, status: response.status, step };
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Asking} asking
 */
async function send(method, path, asking) {
  const headers = new Headers(credentials());
  if (asking.body !== undefined) headers.set("Content-Type", "application/json");
  if (asking.ifMatch) headers.set("If-Match", asking.ifMatch);
  if (asking.ifNoneMatch) headers.set("If-None-Match", asking.ifNoneMatch);
  if (asking.key) headers.set("Idempotency-Key", asking.key);
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: asking.body === undefined ? (asking.raw ?? null) : JSON.stringify(asking.body),
      cache: "no-store",
      keepalive: asking.keepalive ?? false,
      signal: AbortSignal.timeout((asking.seconds ?? TIMEOUT_SECONDS) * 1000),
    });
  } catch (error) {
    connection.lose();
    throw new LostConnection("the server cannot be reached", { cause: error });
  }
  const isGateway = response.status === 503 && !response.headers.has("Retry-After");
  if (GATEWAY_STATUSES.has(response.status) || isGateway) {
    connection.lose();
    throw new LostConnection(`the server answers ${response.status}`);
  }
  return response;
}

/** @param {Response} response */
async function read(response) {
  try {
    return await response.text();
  } catch (error) {
    connection.lose();
    throw new LostConnection("the answer broke off", { cause: error });
  }
}

/**
 * The detail of a body of application/problem+json.
 *
 * @param {string} text
 */
export function problemIn(text) {
  try {
    const problem = JSON.parse(text);
    const places = (problem.errors ?? []).map(
      (/** @type {{where: string, what: string}} */ error) => `${error.where}: ${error.what}`,
    );
    return [problem.detail, ...places].filter(Boolean).join("; ");
  } catch {
    return text.slice(0, 300);
  }
}

/**
 * @template T
 * @param {string} path
 * @returns {Promise<T>}
 */
export async function get(path) {
  const isBusy = (/** @type {unknown} */ error) => error instanceof ApiError && isPassing(error);
  const answer = await patiently(() => ask("GET", path), isBusy);
  return /** @type {Answer<T>} */ (answer).data;
}

/**
 * @template T
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<T>}
 */
export async function post(path, body) {
  return /** @type {Answer<T>} */ (await ask("POST", path, { body })).data;
}

/**
 * Ask for a change that is made once, again while the server cannot answer. A change that is not
 * large is made though the page is left right after.
 *
 * @template T
 * @param {string} method
 * @param {string} path
 * @param {Asking} [asking]
 * @returns {Promise<Answer<T>>}
 * @throws as `ask`, when it was sent several times
 */
export function change(method, path, asking = {}) {
  const key = asking.key ?? newKey();
  const isSmall = asking.raw === undefined && JSON.stringify(asking.body ?? null).length <= KEPT_ALIVE_CHARACTERS;
  return patiently(() => ask(method, path, { keepalive: isSmall, ...asking, key }), isPassing);
}

/**
 * @template T
 * @param {() => Promise<T>} request
 * @param {(error: unknown) => boolean} isWorthIt whether to try again after a failure
 * @returns {Promise<T>}
 */
async function patiently(request, isWorthIt) {
  for (let failures = 0; ; failures += 1) {
    try {
      return await request();
    } catch (error) {
      if (!isWorthIt(error) || failures >= TRIES - 1) throw error;
      const wait = retryIn(error, failures);
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
  }
}

/**
 * All items of a paged list.
 *
 * @template T
 * @param {string} path
 * @returns {Promise<{items: T[], etag: string | null}>} with the ETag of the first page
 */
export async function getAll(path) {
  /** @type {T[]} */
  const items = [];
  let etag = null;
  for (let cursor = ""; ; ) {
    const separator = path.includes("?") ? "&" : "?";
    const place = cursor ? `${separator}cursor=${encodeURIComponent(cursor)}` : "";
    /** @type {Answer<import("./types.js").Page<T>>} */
    const answer = await ask("GET", path + place);
    etag ??= answer.etag;
    items.push(...answer.data.items);
    if (!answer.data.next) return { items, etag };
    cursor = answer.data.next;
  }
}

/**
 * What went wrong, for the person before the screen.
 *
 * @param {unknown} error
 */
export function explain(error) {
  if (error instanceof LostConnection) return t("lostTry");
  return error instanceof Error ? error.message : String(error);
}
