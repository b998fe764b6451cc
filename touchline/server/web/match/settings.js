/** How this person likes to review and tag; remembered by the browser. */

import { h } from "../lib/dom.js";
import { openDialog } from "../lib/notices.js";
import { keep, kept } from "../lib/storage.js";
import { t } from "../lib/texts.js";

/**
 * @typedef {object} Habits
 * @property {number} lead seconds before an event from which it is played
 * @property {number} lag seconds after an event up to which it is played
 * @property {number} reaction delay of tags made while the video plays, in seconds
 * @property {boolean} plays whether a selected event is played
 * @property {Record<string, [number, number]>} byClass lead and lag of classes that have their own
 */

/** @type {Habits} */
const USUAL = { lead: 3, lag: 4, reaction: 0.5, plays: true, byClass: {} };
const STORED = "habits";

/** @returns {Habits} */
export function habits() {
  return { ...USUAL, ...kept(STORED, {}) };
}

/**
 * @param {string} label
 * @returns {[number, number]} lead and lag in seconds
 */
export function around(label) {
  const { byClass, lead, lag } = habits();
  return byClass[label] ?? [lead, lag];
}

/**
 * Where an event is played: its own length, else lead and lag of its class.
 *
 * @param {import("../lib/types.js").MatchEvent} event
 * @returns {[number, number]} start and end in seconds
 */
export function stretchOf(event) {
  const [lead, lag] = event.lead !== null && event.lag !== null ? [event.lead, event.lag] : around(event.label);
  return [event.time - lead, event.time + lag];
}

/** @param {string[]} labels */
export function showHabits(labels) {
  const now = habits();
  const seconds = (/** @type {number | ""} */ value, /** @type {string} */ label) =>
    h("input", { type: "number", min: "0", max: "60", step: "0.1", value, "aria-label": label });
  const lead = seconds(now.lead, t("lead"));
  const lag = seconds(now.lag, t("lag"));
  const reaction = seconds(now.reaction, t("reaction"));
  const plays = h("input", { type: "checkbox", checked: now.plays });
  const rows = labels.map((label) => {
    const own = now.byClass[label];
    return {
      label,
      lead: seconds(own?.[0] ?? "", `${label}: ${t("lead")}`),
      lag: seconds(own?.[1] ?? "", `${label}: ${t("lag")}`),
    };
  });

  function save() {
    /** @type {Record<string, [number, number]>} */
    const byClass = {};
    for (const row of rows) {
      if (row.lead.value === "" && row.lag.value === "") continue;
      byClass[row.label] = [
        row.lead.value === "" ? Number(lead.value) : Number(row.lead.value),
        row.lag.value === "" ? Number(lag.value) : Number(row.lag.value),
      ];
    }
    keep(STORED, {
      lead: Number(lead.value), lag: Number(lag.value), reaction: Number(reaction.value),
      plays: plays.checked, byClass,
    });
  }

  return openDialog(t("habits"), (close) => [
    h(
      "form",
      { class: "stack", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); save(); close(); } },
      h(
        "div",
        { class: "form-grid" },
        h("label", { class: "field" }, t("lead"), lead),
        h("label", { class: "field" }, t("lag"), lag),
        h("label", { class: "field" }, t("reaction"), reaction),
      ),
      h("label", { class: "check" }, plays, t("plays")),
      h(
        "details",
        {},
        h("summary", {}, t("habitsByClass")),
        h(
          "table",
          { class: "habits-table" },
          h("thead", {}, h("tr", {}, [t("class"), t("leadShort"), t("lagShort")].map((text) => h("th", {}, text)))),
          h("tbody", {}, rows.map((row) => h("tr", {}, h("td", {}, row.label), h("td", {}, row.lead), h("td", {}, row.lag)))),
        ),
      ),
      h("div", { class: "dialog-foot" }, h("button", { class: "main" }, t("save"))),
    ),
  ]);
}
