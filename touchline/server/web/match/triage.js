/** Triage: the moments of a class side by side as short clips of the proxy, judged by one key each. */

import { fill, h, icon, iconButton } from "../lib/dom.js";
import { clock, percent } from "../lib/format.js";
import { openDialog } from "../lib/notices.js";
import { t } from "../lib/texts.js";
import { doubt } from "./choosing.js";
import { keyName } from "./keys.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("../lib/types.js").Status} Status */

/**
 * What the grid needs of the match.
 *
 * @typedef {object} Ground
 * @property {import("./store.js").MatchStore} store
 * @property {string[]} labels
 * @property {string} label of which class first; "" for the one with most to review
 * @property {string} video address of the proxy
 * @property {(event: MatchEvent) => boolean} isShown whether an event is above its class's threshold
 * @property {(label: string) => [number, number]} around seconds before and after an event
 * @property {(seconds: number) => ({src: string} | null)} thumbnailAt
 * @property {import("./keys.js").Keys} keys
 */

const TILES = 9;
const MOST_SECONDS = 3;

/** @param {Ground} ground */
export async function showTriage(ground) {
  const grid = new TriageGrid(ground);
  const ended = openDialog(t("triage"), () => [grid], { wide: true });
  grid.focusFirst();
  await ended;
  grid.stop();
}

/** `<triage-grid>`: a page of events of one class, the least certain first. */
class TriageGrid extends HTMLElement {
  /** @type {string[]} ids of the events of the page on show */
  #page = [];
  /** @type {Map<string, HTMLElement>} */
  #tiles = new Map();
  #focus = 0;

  /** @param {Ground} ground */
  constructor(ground) {
    super();
    this.ground = ground;
    this.label = ground.label || this.#fullest();
    this.choice = h("select", { "aria-label": t("class"), onchange: () => this.#choose(this.choice?.value ?? "") });
    this.count = h("span", { class: "quiet-text number", role: "status" });
    this.tiles = h("ul", { class: "triage-tiles" });
    this.done = h("p", { class: "triage-done", hidden: true }, t("triageDone"));
    fill(
      this,
      h("div", { class: "row" }, h("div", {}, this.choice), this.count, h("span", { class: "space" }), h("span", { class: "quiet-text for-keys" }, t("triageKeys"))),
      this.tiles,
      this.done,
    );
    this.addEventListener("keydown", (event) => this.#pressed(event));
    ground.store.addEventListener("change", this.#changed);
    this.#turn();
  }

  stop() {
    this.ground.store.removeEventListener("change", this.#changed);
    for (const video of this.querySelectorAll("video")) {
      video.removeAttribute("src");
      video.load();
    }
  }

  focusFirst() {
    this.#tile(this.#focus)?.focus();
  }

  #changed = () => this.#draw();

  /** @param {string} label */
  #pending(label) {
    return this.ground.store.sorted.filter(
      (event) => event.label === label && event.status === "pending" && this.ground.isShown(event),
    );
  }

  #fullest() {
    const { labels } = this.ground;
    return labels.toSorted((a, b) => this.#pending(b).length - this.#pending(a).length)[0] ?? "";
  }

  /** @param {string} label */
  #choose(label) {
    this.label = label;
    this.#turn();
    this.focusFirst();
  }

  /** Show the next events to judge. */
  #turn() {
    const next = this.#pending(this.label).sort((a, b) => doubt(b) - doubt(a) || a.time - b.time);
    this.#page = next.slice(0, TILES).map((event) => event.id);
    this.#tiles.clear();
    this.#focus = 0;
    this.#draw();
    fill(this.tiles, this.#page.map((id, place) => this.#make(id, place)));
    this.#draw();
  }

  #draw() {
    const pending = this.#pending(this.label).length;
    fill(this.count, t("toReview", { count: pending.toLocaleString() }));
    this.done.hidden = pending > 0 || this.#page.some((id) => this.ground.store.find(id)?.status === "pending");
    fill(
      this.choice,
      this.ground.labels.map((label) =>
        h("option", { value: label, selected: label === this.label }, t("countPending", { count: label, pending: this.#pending(label).length }))),
    );
    for (const [id, tile] of this.#tiles) {
      const event = this.ground.store.find(id);
      const status = event?.status ?? "rejected";
      tile.className = `triage-tile ${status}`;
      tile.querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.status === status)));
    }
  }

  /** @param {string} id @param {number} place @returns {HTMLLIElement} */
  #make(id, place) {
    const event = /** @type {MatchEvent} */ (this.ground.store.find(id));
    const when = clock(event.time);
    const button = (/** @type {"accept" | "reject"} */ drawing, /** @type {Status} */ status, /** @type {string} */ label) =>
      iconButton(drawing, label, { "data-status": status, tabindex: "-1", class: "icon-only", onclick: () => this.#judge(place, status) });
    const tile = h(
      "li",
      {
        tabindex: place === 0 ? "0" : "-1", "aria-label": t("triageTile", { label: event.label, time: when, share: percent(event.confidence) }),
        onfocus: () => (this.#focus = place),
      },
      this.#clip(event),
      h(
        "div",
        { class: "row" },
        h("span", { class: "number" }, when),
        h("span", { class: "quiet-text number" }, percent(event.confidence)),
        h("span", { class: "space" }),
        button("accept", "accepted", t("acceptOne", { label: event.label, time: when })),
        button("reject", "rejected", t("rejectOne", { label: event.label, time: when })),
      ),
    );
    this.#tiles.set(id, tile);
    return tile;
  }

  /** A stretch of the proxy around an event, over and over. @param {MatchEvent} event */
  #clip(event) {
    const [lead, lag] = this.ground.around(event.label).map((seconds) => Math.min(Math.max(seconds, 0.5), MOST_SECONDS));
    const start = Math.max(0, event.time - (lead ?? 1));
    const end = event.time + (lag ?? 1);
    const poster = this.ground.thumbnailAt(event.time)?.src ?? null;
    const video = h("video", { muted: true, playsinline: true, preload: "metadata", poster, tabindex: "-1", "aria-hidden": "true" });
    const again = () => {
      video.currentTime = start;
      video.play().catch(() => undefined);
    };
    video.addEventListener("loadedmetadata", again);
    video.addEventListener("ended", again);
    video.addEventListener("timeupdate", () => {
      if (video.currentTime > end || video.currentTime < start - 1) again();
    });
    video.src = this.ground.video;
    return h("div", { class: "triage-clip" }, video, h("span", { class: "triage-mark", "aria-hidden": "true" }, icon("accept"), icon("reject")));
  }

  /** @param {number} place */
  #tile(place) {
    return this.#tiles.get(this.#page[place] ?? "");
  }

  /** @param {number} place */
  #isPending(place) {
    return this.ground.store.find(this.#page[place] ?? "")?.status === "pending";
  }

  /** Judge one and go to the next that waits; after the last of a page, to the next page. @param {number} place @param {Status} status */
  #judge(place, status) {
    const id = this.#page[place];
    if (id === undefined) return;
    this.ground.store.change(id, { status });
    const places = this.#page.map((_, i) => i);
    const next = [...places.slice(place + 1), ...places.slice(0, place)].find((i) => this.#isPending(i));
    if (next === undefined && this.#pending(this.label).length) this.#turn();
    else this.#focus = next ?? place;
    this.focusFirst();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.target instanceof HTMLSelectElement || event.target instanceof HTMLButtonElement) return;
    const columns = Math.max(1, getComputedStyle(this.tiles).gridTemplateColumns.split(" ").length);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const command = this.ground.keys.commandOf(keyName(event));
    if (step !== undefined) {
      this.#focus = Math.min(Math.max(this.#focus + step, 0), Math.max(this.#page.length - 1, 0));
      this.focusFirst();
    } else if (command === "accept") this.#judge(this.#focus, "accepted");
    else if (command === "reject") this.#judge(this.#focus, "rejected");
    else if (command === "pend") this.#judge(this.#focus, "pending");
    else if (command === "undo") this.ground.store.undo();
    else if (command === "redo") this.ground.store.redo();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

customElements.define("triage-grid", TriageGrid);
