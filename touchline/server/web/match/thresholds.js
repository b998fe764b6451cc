/** The least confidence of each class: it belongs to the match, so that all see the same events. */

import { ApiError, LostConnection, ask, connection, explain, isPassing, mayEdit, retryIn } from "../lib/api.js";
import { complain } from "../lib/notices.js";
import { keep, kept } from "../lib/storage.js";

/** @typedef {import("../lib/types.js").Match} Match */

const SAVE_AFTER_SECONDS = 0.4;

/** Tells `change` of the values, and `saving` of what waits to be sent. */
export class Thresholds extends EventTarget {
  /** @type {Record<string, number>} what was changed here and the server does not know yet */
  #changed;
  #timer = 0;
  #failures = 0;
  #isSending = false;
  #isStopped = false;

  /** @param {Match} match */
  constructor(match) {
    super();
    this.match = match;
    this.path = `/v1/matches/${match.id}`;
    this.#changed = mayEdit() ? kept(this.#place, {}) : {};
    /** @type {Record<string, number>} */
    this.values = { ...match.thresholds, ...this.#changed };
  }

  start() {
    connection.addEventListener("back", this.#again);
    document.addEventListener("visibilitychange", this.#again);
    this.#send();
  }

  stop() {
    this.#isStopped = true;
    connection.removeEventListener("back", this.#again);
    document.removeEventListener("visibilitychange", this.#again);
    if (this.isWaiting) this.#send();
  }

  get #place() {
    return `thresholds.${this.match.id}`;
  }

  get isWaiting() {
    return Object.keys(this.#changed).length > 0;
  }

  /** @param {string} label @param {number} value 0 for none */
  set(label, value) {
    this.values = { ...this.values, [label]: value };
    this.dispatchEvent(new Event("change"));
    if (!mayEdit()) return;
    this.#keep({ ...this.#changed, [label]: value });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), SAVE_AFTER_SECONDS * 1000);
  }

  /** @param {Record<string, number>} changed */
  #keep(changed) {
    this.#changed = changed;
    keep(this.#place, Object.keys(changed).length ? changed : null);
    this.dispatchEvent(new Event("saving"));
  }

  #again = () => {
    if (document.hidden || this.#isStopped) return;
    if (this.isWaiting) this.#send();
    else this.#read().catch(() => undefined);
  };

  /** @returns {Promise<string>} the match's ETag */
  async #read() {
    /** @type {import("../lib/api.js").Answer<Match>} */
    const { data, etag } = await ask("GET", this.path);
    this.values = { ...data.thresholds, ...this.#changed };
    this.dispatchEvent(new Event("change"));
    return etag ?? "*";
  }

  /** Put what was changed here over what others have changed meanwhile. */
  async #send() {
    if (this.#isSending || !this.isWaiting) return;
    this.#isSending = true;
    const sent = this.#changed;
    try {
      const ifMatch = await this.#read();
      await ask("PATCH", this.path, { body: { thresholds: this.values }, ifMatch, keepalive: true });
      this.#failures = 0;
      this.#keep(Object.fromEntries(Object.entries(this.#changed).filter(([label, value]) => sent[label] !== value)));
    } catch (error) {
      this.#failed(error);
      return;
    } finally {
      this.#isSending = false;
    }
    if (this.isWaiting) await this.#send();
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof LostConnection) return; // `back` sends it again
    if (error instanceof ApiError && (error.status === 412 || isPassing(error))) {
      const wait = isPassing(error) ? retryIn(error, this.#failures++) : SAVE_AFTER_SECONDS;
      this.#timer = setTimeout(() => this.#send(), wait * 1000);
    } else if (!(error instanceof ApiError && [401, 404].includes(error.status))) {
      complain(explain(error));
    }
  }
}
