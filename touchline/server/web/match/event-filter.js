/** Which events are on show: by status, words, class, team, source and confidence, and in which order. */

import { fill, h } from "../lib/dom.js";
import { t } from "../lib/texts.js";
import { NO_FILTERS, choose, countStatuses } from "./choosing.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("./choosing.js").Filters} Filters */

const SOURCES = /** @type {const} */ (["model", "person", "import"]);
const ORDERS = /** @type {const} */ (["time", "confidence", "uncertain"]);

/** Tells `change` when other events are to be shown. */
export class EventFilter extends EventTarget {
  /** @type {Filters} */
  values = { ...NO_FILTERS };
  /** Those that it lets through, in its order. @type {MatchEvent[]} */
  shown = [];
  statuses = h("div", { class: "statuses", role: "group", "aria-label": t("status") });
  nothing = h("p", { class: "quiet-text nothing", hidden: true });

  constructor() {
    super();
    this.find = h("input", {
      type: "search", placeholder: t("findEvents"), "aria-label": t("findEvents"),
      oninput: () => this.set({ words: this.find.value }),
    });
    this.label = h("select", { "data-filter": "label" });
    this.team = h("select", { "data-filter": "team" });
    const source = h("select", { "data-filter": "source" }, all(), SOURCES.map((name) => h("option", { value: name }, t(`source.${name}`))));
    const order = h("select", { "data-filter": "order" }, ORDERS.map((name) => h("option", { value: name }, t(`order.${name}`))));
    const field = (/** @type {string} */ text, /** @type {HTMLSelectElement} */ select) => {
      select.addEventListener("change", () => this.set({ [select.dataset.filter ?? ""]: select.value }));
      return h("label", { class: "field" }, text, select);
    };
    const least = h("input", {
      type: "range", min: "0", max: "1", step: "0.01", value: "0", "data-filter": "least",
      oninput: () => this.set({ least: Number(least.value) }),
    });
    this.count = h("span", { class: "filter-count quiet-text" });
    this.box = h(
      "details",
      { class: "filters" },
      h("summary", {}, t("filters"), " ", this.count),
      h(
        "div",
        { class: "fields" },
        field(t("class"), this.label), field(t("team"), this.team), field(t("source"), source), field(t("order"), order),
        h("label", { class: "field wide" }, t("leastConfidence"), least),
        h("button", { type: "button", class: "wide", onclick: () => this.clear() }, t("clearFilters")),
      ),
    );
    this.offer([]);
  }

  /** @returns {MatchEvent[]} those on show that nobody has judged */
  get pending() {
    return this.shown.filter((event) => event.status === "pending");
  }

  /** @param {Partial<Filters>} values */
  set(values) {
    this.values = { ...this.values, ...values };
    this.dispatchEvent(new Event("change"));
  }

  /** Only this class, or again all of them. @param {string} label */
  turnTo(label) {
    this.set({ label: this.values.label === label ? "" : label });
  }

  clear() {
    this.find.value = "";
    this.set(NO_FILTERS);
  }

  /** @param {string[]} labels the classes to choose from */
  offer(labels) {
    fill(this.label, all(), labels.map((label) => h("option", { value: label }, label)));
    this.label.value = this.values.label;
  }

  /** @param {MatchEvent[]} events in order of time @param {Record<string, number>} thresholds */
  choose(events, thresholds) {
    this.shown = choose(events, this.values, thresholds);
  }

  /** @param {MatchEvent[]} events all of the match @param {string[]} teams those that events have */
  draw(events, teams) {
    this.#drawStatuses(events);
    if (this.team !== document.activeElement) fill(this.team, all(), teams.map((team) => h("option", { value: team }, team)));
    for (const control of this.box.querySelectorAll("select, input")) {
      const name = /** @type {HTMLElement} */ (control).dataset.filter;
      if (name && control !== document.activeElement) Reflect.set(control, "value", String(Reflect.get(this.values, name)));
    }
    fill(this.count, t("shownOf", { shown: this.shown.length.toLocaleString(), all: events.length.toLocaleString() }));
    this.nothing.hidden = this.shown.length > 0;
    fill(this.nothing, events.length ? t("nothingFits") : t("noEvents"));
  }

  /** @param {MatchEvent[]} events */
  #drawStatuses(events) {
    const counts = countStatuses(events);
    const button = (/** @type {string} */ status, /** @type {string} */ text, /** @type {number} */ count) =>
      h(
        "button",
        {
          type: "button", "data-status": status, "aria-pressed": String(this.values.status === status),
          onclick: () => this.set({ status }),
        },
        text, h("span", { class: "number" }, count.toLocaleString()),
      );
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.status : undefined;
    fill(
      this.statuses,
      button("", t("all"), events.length),
      button("pending", t("status.pending"), counts.pending ?? 0),
      button("accepted", t("status.accepted"), counts.accepted ?? 0),
      button("rejected", t("status.rejected"), counts.rejected ?? 0),
    );
    if (focused !== undefined) {
      /** @type {HTMLElement | null} */ (this.statuses.querySelector(`[data-status="${focused}"]`))?.focus();
    }
  }
}

function all() {
  return h("option", { value: "" }, t("all"));
}
