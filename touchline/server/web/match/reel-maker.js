/** The form for a new reel: how long, of what, and what must be in it. */

import { complain } from "../lib/notices.js";
import { explain } from "../lib/api.js";
import { h } from "../lib/dom.js";
import { secondsOf } from "../lib/format.js";
import { t } from "../lib/texts.js";

/**
 * What a person wishes; `wishes` are those of the API, once for each length.
 *
 * @typedef {object} Wanted
 * @property {Record<string, unknown>[]} wishes
 * @property {string[]} must classes of which every event is to be in the reel
 */

const LENGTHS = { least: 5, most: 14400 };

/**
 * @param {string[]} labels
 * @param {() => string[]} teams that events have
 * @param {number[]} halves that have a video each
 * @param {(wanted: Wanted) => Promise<void>} make
 */
export function reelMaker(labels, teams, halves, make) {
  const length = h("input", { value: "180", inputmode: "numeric", maxlength: "60", required: true });
  const number = (/** @type {Record<string, string>} */ facts) => h("input", { type: "number", ...facts });
  const least = number({ min: "0", max: "100", step: "1", value: "0" });
  const shortest = number({ min: "0", max: "600", step: "0.5" });
  const longest = number({ min: "1", max: "3600", step: "0.5" });
  const accepted = h("input", { type: "checkbox" });
  const plain = h("input", { type: "checkbox" });
  const players = h("input", { maxlength: "300" });
  const pins = h("input", { maxlength: "300", placeholder: "12:30-12:50" });
  const transcripts = h("input", { type: "file", multiple: true, accept: ".json,.srt,.vtt" });
  const goals = h("input", { type: "file" });
  const team = h("select", {});
  const half = h(
    "select",
    {},
    h("option", { value: "" }, t("wholeMatch")),
    halves.map((number) => h("option", { value: number }, t("halfNumber", { half: number }))),
  );
  const must = chips(labels, t("mustHave"));
  const only = chips(labels, t("onlyClasses"));
  const never = chips(labels, t("neverClasses"));
  const fillTeams = () => {
    const now = team.value;
    const names = [...new Set(["home", "away", ...teams()])];
    team.replaceChildren(h("option", { value: "" }, t("bothTeams")), ...names.map((name) => h("option", { value: name, selected: name === now }, name)));
  };
  fillTeams();

  /** @returns {Promise<Wanted>} @throws {Error} a field that cannot be read */
  async function read() {
    const lengths = listed(length.value).map(Number);
    if (!lengths.length || lengths.some((seconds) => !(seconds >= LENGTHS.least && seconds <= LENGTHS.most))) {
      throw new Error(t("lengthWrong", LENGTHS));
    }
    const wishes = {
      labels: only.chosen.size ? [...only.chosen, ...[...must.chosen].filter((label) => !only.chosen.has(label))] : null,
      exclude: [...never.chosen],
      players: listed(players.value),
      teams: team.value ? [team.value] : [],
      pins: listed(pins.value).map(stretchOf),
      min_clip: Number(shortest.value),
      max_clip: longest.value ? Number(longest.value) : null,
      half: Number(half.value) || null,
      selection: plain.checked ? "plain" : "learned",
      min_confidence: Number(least.value) / 100,
      accepted_only: accepted.checked,
      transcripts: await Promise.all([...(transcripts.files ?? [])].map(textOf)),
      goals: goals.files?.[0] ? await textOf(goals.files[0]) : null,
    };
    return { wishes: lengths.map((seconds) => ({ ...wishes, seconds })), must: [...must.chosen] };
  }

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    try {
      await make(await read());
      maker.open = false;
    } catch (error) {
      complain(explain(error));
    }
  }

  const field = (/** @type {string} */ label, /** @type {HTMLElement} */ input) => h("label", { class: "field" }, label, input);
  const group = (/** @type {string} */ label, /** @type {HTMLElement} */ box) => h("div", { class: "field wide" }, h("span", { class: "quiet-text" }, label), box);
  const maker = h(
    "details",
    { class: "reel-maker" },
    h("summary", {}, t("newReel")),
    h(
      "form",
      { class: "stack", onsubmit: submit },
      h(
        "div",
        { class: "fields" },
        field(t("reelSeconds"), length),
        field(t("reelLeast"), least),
        group(t("mustHave"), must.box),
      ),
      h("p", { class: "quiet-text" }, `${t("mustHaveHow")} ${t("lengthsHow")}`),
      h("label", { class: "check" }, accepted, t("acceptedOnly")),
      h(
        "details",
        { class: "more-wishes", ontoggle: fillTeams },
        h("summary", {}, t("moreWishes")),
        h(
          "div",
          { class: "fields" },
          group(t("onlyClasses"), only.box),
          group(t("neverClasses"), never.box),
          field(t("team"), team),
          field(t("playersWanted"), players),
          field(t("shortestClip"), shortest),
          field(t("longestClip"), longest),
          h("label", { class: "field wide" }, t("pins"), pins),
          halves.length ? field(t("half"), half) : null,
          h("label", { class: "field wide" }, t("transcriptFiles"), transcripts),
          h("label", { class: "field wide" }, t("goalsFile"), goals),
        ),
        h("p", { class: "quiet-text" }, `${t("transcriptFilesHow")} ${t("goalsFileHow")}`),
        h("label", { class: "check" }, plain, t("plainChoice")),
        h("p", { class: "quiet-text" }, t("plainChoiceHow")),
      ),
      h("button", { class: "main" }, t("makeReel")),
    ),
  );
  return maker;
}

/** A file as the API takes it. @param {File} file */
async function textOf(file) {
  return { name: file.name.replace(/[^\p{L}\p{N}_ .()-]/gu, "-"), text: await file.text() };
}

/** Words with commas between. @param {string} text */
function listed(text) {
  return text.split(/[,;]/).map((word) => word.trim()).filter(Boolean);
}

/** @param {string} text such as "12:30-12:50" @returns {{start: number, end: number}} */
function stretchOf(text) {
  const [start = NaN, end = NaN, ...more] = text.split(/[-–]/).map(secondsOf);
  if (more.length || !(start < end)) throw new Error(t("pinWrong", { text }));
  return { start, end };
}

/** Classes to choose of. @param {string[]} labels @param {string} name */
function chips(labels, name) {
  /** @type {Set<string>} */
  const chosen = new Set();
  const box = h(
    "div",
    { class: "chips", role: "group", "aria-label": name },
    labels.map((label) => {
      const chip = h("button", {
        type: "button", class: "chip", "aria-pressed": "false",
        onclick: () => {
          const isChosen = !chosen.delete(label);
          if (isChosen) chosen.add(label);
          chip.setAttribute("aria-pressed", String(isChosen));
        },
      }, label);
      return chip;
    }),
  );
  return { box, chosen };
}
