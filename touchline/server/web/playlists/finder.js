/** Finding events in the whole library, to put them into a playlist. */

import { explain, get, getAll } from "../lib/api.js";
import { fill, h, icon, iconButton } from "../lib/dom.js";
import { clock, percent } from "../lib/format.js";
import { n, t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").FoundEvent} FoundEvent */
/** @typedef {import("../lib/types.js").Page<FoundEvent>} FoundPage */

const WAIT_SECONDS = 0.3;
const PAGE = 50;
const FIELDS = /** @type {const} */ (["label", "team", "player", "note", "competition", "first", "last"]);

/** `<event-finder>`: dispatches `add` with events. */
export class EventFinder extends HTMLElement {
  /** Ids of events that are in the playlist. @type {Set<string>} */
  taken = new Set();
  #timer = 0;
  #asked = 0;
  /** @type {FoundEvent[]} */
  #found = [];
  /** @type {string | null} */
  #next = null;

  connectedCallback() {
    const text = (/** @type {typeof FIELDS[number]} */ name, /** @type {string} */ label, /** @type {object} */ more = {}) =>
      h("label", { class: "field" }, label, h("input", { name, maxlength: "300", ...more }));
    this.words = h("input", { type: "search", name: "words", placeholder: t("findInLibrary"), "aria-label": t("findInLibrary") });
    this.status = h("select", { name: "status" }, h("option", { value: "" }, t("notRejected")), h("option", { value: "accepted" }, t("status.accepted")));
    this.labels = h("datalist", { id: "finder-labels" });
    this.form = h(
      "form",
      { class: "stack tight", role: "search", oninput: () => this.#soon(), onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.#search(); } },
      this.words,
      h(
        "details",
        { class: "filters" },
        h("summary", {}, t("findFilters")),
        h(
          "div",
          { class: "fields" },
          text("label", t("class"), { list: "finder-labels" }),
          text("team", t("team")),
          text("player", t("player")),
          text("note", t("note")),
          text("competition", t("competition")),
          h("label", { class: "field" }, t("status"), this.status),
          text("first", t("firstDay"), { type: "date" }),
          text("last", t("lastDay"), { type: "date" }),
        ),
      ),
      this.labels,
    );
    this.count = h("span", { class: "quiet-text number", role: "status" });
    this.addAll = h("button", { type: "button", hidden: true, onclick: () => this.#takeAll() }, icon("add"), t("addAll"));
    this.more = h("button", { type: "button", hidden: true, onclick: () => this.#readMore() }, t("moreEvents"));
    this.list = h("ul", { class: "found-rows" });
    fill(this, h("h2", {}, t("addClips")), this.form, h("div", { class: "row" }, this.count, h("span", { class: "space" }), this.addAll), this.list, this.more);
    this.#offerLabels();
    this.#search();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#asked += 1;
  }

  async #offerLabels() {
    try {
      /** @type {{items: import("../lib/types.js").Match[]}} */
      const { items } = await getAll("/v1/matches?limit=200");
      const labels = [...new Set(items.flatMap((match) => match.labels))].sort();
      if (this.labels) fill(this.labels, labels.map((label) => h("option", { value: label })));
    } catch {
      // the field can be written into without
    }
  }

  get #query() {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) {
      if (typeof value === "string" && value.trim()) query.append(name, value.trim());
    }
    return query;
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#search(), WAIT_SECONDS * 1000);
  }

  async #search() {
    this.#found = [];
    this.#next = "";
    await this.#read(PAGE);
    this.#draw();
  }

  async #readMore() {
    await this.#read(PAGE);
    this.#draw();
  }

  /** @param {number} limit */
  async #read(limit) {
    const asked = ++this.#asked;
    const query = this.#query;
    query.set("limit", String(limit));
    if (this.#next) query.set("cursor", this.#next);
    try {
      const page = /** @type {FoundPage} */ (await get(`/v1/events?${query}`));
      if (asked !== this.#asked) return;
      this.#found.push(...page.items);
      this.#next = page.next;
    } catch (error) {
      if (asked !== this.#asked || !this.count) return;
      this.#next = null;
      fill(this.count, explain(error));
    }
  }

  /** All that fit, also those that are not shown yet. */
  async #takeAll() {
    while (this.#next) await this.#read(500);
    this.#draw();
    this.#add(this.#found.filter((event) => !this.taken.has(event.id)));
  }

  /** @param {FoundEvent[]} events */
  #add(events) {
    if (events.length) this.dispatchEvent(new CustomEvent("add", { detail: events }));
  }

  /** @param {Set<string>} taken */
  mark(taken) {
    this.taken = taken;
    this.#draw();
  }

  #draw() {
    if (!this.list || !this.count || !this.more || !this.addAll) return;
    const hasMore = Boolean(this.#next);
    const count = this.#found.length;
    fill(this.count, hasMore ? t("moreThan", { count }) : n("eventsFound", count));
    this.more.hidden = !hasMore;
    this.addAll.hidden = !this.#found.some((event) => !this.taken.has(event.id)) && !hasMore;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.event : undefined;
    fill(this.list, this.#found.map((event) => this.#row(event)));
    if (focused) /** @type {HTMLElement | null} */ (this.list.querySelector(`[data-event="${focused}"]`))?.focus();
  }

  /** @param {FoundEvent} event */
  #row(event) {
    const isTaken = this.taken.has(event.id);
    const facts = [event.match_title, teamOf(event), event.player, event.note].filter(Boolean).join(" · ");
    const name = `${event.label} ${clock(event.time)}, ${event.match_title}`;
    return h(
      "li",
      {},
      h("span", { class: "number time" }, clock(event.time)),
      h(
        "span",
        { class: "what" },
        h("span", { class: "label" }, event.label, event.status === "accepted" ? null : h("span", { class: "quiet-text" }, ` ${percent(event.confidence)}`)),
        h("span", { class: "more quiet-text", title: facts }, facts),
      ),
      iconButton(isTaken ? "accept" : "add", isTaken ? t("clipTaken", { name }) : t("addClip", { name }), {
        "data-event": event.id, "aria-disabled": String(isTaken), onclick: () => (isTaken ? undefined : this.#add([event])),
      }),
    );
  }
}

/** The team of an event by its name, where it says home or away. @param {FoundEvent} event */
function teamOf(event) {
  if (event.team === "home") return event.home ?? event.team;
  return event.team === "away" ? (event.away ?? event.team) : event.team;
}

customElements.define("event-finder", EventFinder);
