/**
 * Sending videos in parts (tus 1.0), one after the other. What has come stays on the server, so
 * a lost connection or a reload costs nothing: the file is only to be chosen again.
 */

import { ApiError, LostConnection, change, connection, credentials, explain, problemIn } from "./api.js";
import { alone, isBusyElsewhere, keep, kept, keptNames, onOthersKeep } from "./storage.js";

/** @typedef {import("./types.js").Match} Match */
/** @typedef {import("./types.js").Upload} Upload */

const PART_BYTES = 16 * 1024 * 1024;
const STALL_SECONDS = 30;
const LONGEST_WAIT_SECONDS = 15;
const SPEED_SECONDS = 6;
const STORED = "upload ";

/**
 * @typedef {"queued" | "sending" | "waiting" | "stopped" | "elsewhere" | "failed" | "arrived" | "done"} State
 *   `stopped` waits for its file after a reload, `waiting` for the connection,
 *   `elsewhere` is sent by another tab, `arrived` is whole and waits for the other halves
 *
 * @typedef {object} Stored
 * @property {string} key
 * @property {string} name
 * @property {number} size
 * @property {string | null} url where the upload is on the server
 * @property {number} received
 * @property {number} begunAt milliseconds since 1970
 * @property {boolean} [isWhole] all of it has come
 * @property {string} [group] of which match it is one half
 * @property {number} [half]
 */

/** A file on its way. */
export class Sending {
  /** @type {File | null} */
  file = null;
  /** @type {State} */
  state = "stopped";
  problem = "";
  /** @type {[number, number][]} when, and how many bytes had come */
  #marks = [];
  /** @type {XMLHttpRequest | null} */
  request = null;
  isDropped = false;

  /** @param {Stored} stored */
  constructor(stored) {
    this.stored = stored;
  }

  /** @returns {number | null} bytes per second */
  get speed() {
    const first = this.#marks[0];
    const last = this.#marks.at(-1);
    if (!first || !last || last[0] - first[0] < 0.5) return null;
    return (last[1] - first[1]) / (last[0] - first[0]);
  }

  /** @returns {number | null} */
  get secondsLeft() {
    const speed = this.speed;
    return speed ? (this.stored.size - this.stored.received) / speed : null;
  }

  /** @param {number} received */
  mark(received) {
    const now = performance.now() / 1000;
    this.stored.received = received;
    this.#marks.push([now, received]);
    this.#marks = this.#marks.filter(([at]) => at > now - SPEED_SECONDS);
  }

  forgetSpeed() {
    this.#marks = [];
  }
}

/** All uploads; dispatches `change`, and `match` when a file has become a match. */
class Uploads extends EventTarget {
  /** @type {Sending[]} */
  items = [];
  #isAtWork = false;

  constructor() {
    super();
    this.items = keptNames(STORED)
      .map((name) => /** @type {Stored | null} */ (kept(name, null)))
      .filter((one) => one !== null)
      .sort((a, b) => a.begunAt - b.begunAt || (a.half ?? 0) - (b.half ?? 0))
      .map((one) => new Sending(one));
    for (const item of this.items) this.#ask(item);
    onOthersKeep(STORED, (name) => this.#heard(name));
    connection.addEventListener("back", () => this.#work());
  }

  /** @param {Sending} item one that this tab does not send: learn who does */
  async #ask(item) {
    if (item.stored.isWhole) item.state = "arrived";
    else if (await isBusyElsewhere(lockOf(item.stored))) item.state = "elsewhere";
    this.dispatchEvent(new Event("change"));
  }

  /** Another tab has come further. @param {string} name */
  #heard(name) {
    /** @type {Stored | null} */
    const stored = kept(name, null);
    const item = this.items.find((one) => STORED + one.stored.key === name);
    if (item && !["stopped", "elsewhere", "arrived"].includes(item.state)) return;
    if (item && !stored) this.items = this.items.filter((one) => one !== item);
    else if (item && stored) item.stored = stored;
    else if (stored) this.items.push(new Sending(stored));
    for (const one of this.items) if (one.stored === stored) this.#ask(one);
    this.dispatchEvent(new Event("change"));
  }

  /**
   * Upload these files; an earlier upload of the same file continues.
   *
   * @param {File[]} files
   * @param {boolean} [areHalves] of one match, in this order
   */
  add(files, areHalves = false) {
    const group = areHalves ? { group: `${Date.now()} ${Math.random()}` } : {};
    for (const [place, file] of files.entries()) {
      const key = keyOf(file);
      let item = this.items.find((one) => one.stored.key === key);
      if (!item) {
        const begunAt = Date.now();
        const half = areHalves ? { ...group, half: place + 1 } : {};
        item = new Sending({ key, name: file.name, size: file.size, url: null, received: 0, begunAt, ...half });
        this.items.push(item);
      }
      if (["stopped", "failed"].includes(item.state)) {
        item.file = file;
        item.state = "queued";
        item.problem = "";
      }
    }
    this.#changed();
    this.#work();
  }

  /** @param {Sending} item */
  async drop(item) {
    item.isDropped = true;
    item.request?.abort();
    this.#forget([item]);
    if (item.stored.url) await tus("DELETE", item.stored.url, {}).catch(() => undefined);
    this.#work();
  }

  /** @param {Sending[]} items */
  #forget(items) {
    this.items = this.items.filter((one) => !items.includes(one));
    for (const item of items) keep(STORED + item.stored.key, null);
    this.#changed();
  }

  /** @param {Sending} item */
  again(item) {
    item.state = item.stored.isWhole ? "arrived" : item.file ? "queued" : "stopped";
    item.problem = "";
    this.#changed();
    this.#work();
  }

  /** Go on with what needs no file: halves that are all here. */
  resume() {
    this.#work();
  }

  /** @param {File} file @returns {boolean} whether it was begun before */
  knows(file) {
    return this.items.some((one) => one.stored.key === keyOf(file));
  }

  get isBusy() {
    return this.items.some((item) => ["queued", "sending", "waiting"].includes(item.state));
  }

  #changed() {
    for (const item of this.items) {
      if (item.state !== "elsewhere") keep(STORED + item.stored.key, item.stored);
    }
    this.dispatchEvent(new Event("change"));
  }

  async #work() {
    if (this.#isAtWork) return;
    this.#isAtWork = true;
    try {
      do {
        for (let item; (item = this.items.find((one) => one.state === "queued")); ) {
          await this.#send(item);
        }
        await this.#makeMatches();
      } while (this.items.some((one) => one.state === "queued"));
    } finally {
      this.#isAtWork = false;
    }
  }

  /** @param {Sending} item */
  async #send(item) {
    const own = await alone(lockOf(item.stored), async () => {
      try {
        await this.#patiently(item, () => this.#sendAll(item));
        if (!item.isDropped) await this.#arrive(item);
      } catch (error) {
        if (item.isDropped) return;
        item.state = "failed";
        item.problem = explain(error);
      }
    });
    if (!own) item.state = "elsewhere";
    if (!item.isDropped && item.state !== "done") this.#changed();
  }

  /** @param {Sending} item */
  async #arrive(item) {
    item.stored.isWhole = true;
    item.state = "arrived";
    this.#changed();
    if (!item.stored.group) await this.#makeMatch([item]);
  }

  /** Matches of several halves begin when all of them are here. */
  async #makeMatches() {
    const groups = new Set(this.items.map((item) => item.stored.group ?? item.stored.key));
    for (const group of groups) {
      const items = this.items.filter((item) => (item.stored.group ?? item.stored.key) === group);
      if (!items.every((item) => item.state === "arrived")) continue;
      await alone(`match ${group}`, () => this.#makeMatch(items));
    }
  }

  /**
   * Do something until it succeeds or the server refuses it: again after lost connections.
   *
   * @param {Sending} item
   * @param {() => Promise<void>} work
   */
  async #patiently(item, work) {
    let patience = 1;
    while (!item.isDropped) {
      try {
        return await work();
      } catch (error) {
        if (!isPassing(error) || item.isDropped) throw error;
        item.state = "waiting";
        item.forgetSpeed();
        this.#changed();
        await connection.whenThere();
        await new Promise((resolve) => setTimeout(resolve, patience * 1000));
        patience = Math.min(patience * 2, LONGEST_WAIT_SECONDS);
      }
    }
  }

  /** @param {Sending} item */
  async #sendAll(item) {
    item.state = "sending";
    item.forgetSpeed();
    await this.#stand(item);
    await this.#sendParts(item);
  }

  /**
   * Ask how many bytes the server has; announce the upload if the server does not know it.
   *
   * @param {Sending} item
   */
  async #stand(item) {
    if (item.stored.url) {
      const answer = await tus("HEAD", item.stored.url, {});
      if (answer.status === 200) {
        item.stored.received = Number(answer.headers.get("Upload-Offset"));
        return;
      }
      if (answer.status !== 404 && answer.status !== 410) await refuse(answer);
    }
    const name = btoa(String.fromCharCode(...new TextEncoder().encode(item.stored.name)));
    const answer = await tus("POST", "/v1/uploads", {
      "Upload-Length": String(item.stored.size),
      "Upload-Metadata": `filename ${name}`,
    });
    if (answer.status !== 201) await refuse(answer);
    item.stored.url = answer.headers.get("Location");
    item.stored.received = 0;
    this.#changed();
  }

  /** @param {Sending} item */
  async #sendParts(item) {
    const { file, stored } = item;
    if (!file || !stored.url) throw new Error("no file");
    while (stored.received < stored.size && !item.isDropped) {
      const offset = stored.received;
      const part = file.slice(offset, offset + PART_BYTES);
      item.mark(offset);
      await sendPart(item, stored.url, offset, part, () => this.dispatchEvent(new Event("change")));
      item.mark(offset + part.size);
      this.#changed();
    }
  }

  /** @param {Sending[]} items of one match */
  async #makeMatch(items) {
    const first = items[0];
    if (!first) return;
    try {
      await this.#patiently(first, async () => {
        const match = await newMatch(items);
        for (const item of items) item.state = "done";
        this.#forget(items);
        this.dispatchEvent(new CustomEvent("match", { detail: match }));
      });
    } catch (error) {
      first.state = "failed";
      first.problem = explain(error);
      for (const item of items) item.stored.isWhole = false;
      this.#changed();
    }
  }
}

/** @param {File} file */
function keyOf(file) {
  return `${file.name} ${file.size} ${file.lastModified}`;
}

/** @param {Stored} stored */
function lockOf(stored) {
  return `upload ${stored.key}`;
}

/**
 * @param {Sending[]} items
 * @returns {Promise<Match>}
 */
async function newMatch(items) {
  const ids = items.map((item) => item.stored.url?.split("/").pop() ?? "");
  const halves = items.map((item, place) => ({ upload: ids[place], half: item.stored.half ?? place + 1 }));
  const body = halves.length > 1 ? { videos: halves } : { upload: ids[0] };
  /** @type {import("./api.js").Answer<Match>} */
  const answer = await change("POST", "/v1/matches", { body, key: `match-${ids[0]}` });
  return answer.data;
}

/**
 * @param {string} method
 * @param {string} url
 * @param {Record<string, string>} headers
 */
async function tus(method, url, headers) {
  try {
    return await fetch(url, {
      method,
      headers: { "Tus-Resumable": "1.0.0", ...credentials(), ...headers },
      cache: "no-store",
    });
  } catch (error) {
    connection.lose();
    throw new LostConnection("the server cannot be reached", { cause: error });
  }
}

/** @param {Response} answer */
async function refuse(answer) {
  throw new ApiError(answer.status, problemIn(await answer.text()) || answer.statusText);
}

/** @param {unknown} error */
function isPassing(error) {
  if (error instanceof LostConnection) return true;
  return error instanceof ApiError && [409, 423, 429, 460, 500, 502, 503, 504].includes(error.status);
}

/**
 * Send one part, with progress, which fetch does not report.
 *
 * @param {Sending} item
 * @param {string} url
 * @param {number} offset
 * @param {Blob} part
 * @param {() => void} tell
 * @returns {Promise<void>}
 */
function sendPart(item, url, offset, part, tell) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    item.request = request;
    request.open("PATCH", url);
    const headers = {
      "Tus-Resumable": "1.0.0",
      "Upload-Offset": String(offset),
      "Content-Type": "application/offset+octet-stream",
      ...credentials(),
    };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    let heardAt = performance.now();
    const watch = setInterval(() => {
      if (performance.now() - heardAt > STALL_SECONDS * 1000) request.abort();
    }, 1000);
    const lost = () => {
      clearInterval(watch);
      if (!item.isDropped) connection.lose();
      reject(new LostConnection("the connection was lost"));
    };
    request.upload.onprogress = (event) => {
      heardAt = performance.now();
      item.mark(offset + event.loaded);
      tell();
    };
    request.onerror = lost;
    request.onabort = lost;
    request.onload = () => {
      clearInterval(watch);
      if (request.status === 204) resolve();
      else reject(new ApiError(request.status, problemIn(request.responseText)));
    };
    request.send(part);
  });
}

export const uploads = new Uploads();
