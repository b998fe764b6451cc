/** How far two reviewers of a match agree, and where they differ. */

import { explain, get, getAll } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { clock, percent } from "../lib/format.js";
import { complain, openDialog } from "../lib/notices.js";
import { n, t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").Match} Match */
/** @typedef {{time: number, label: string, status: string, team: string | null, player: string | null, note: string | null}} Side */
/** @typedef {{kind: string, time: number, first: Side | null, second: Side | null}} Difference */
/**
 * @typedef {object} Agreement
 * @property {{judged: number, kept: number, complete: boolean}} first
 * @property {{judged: number, kept: number, complete: boolean}} second
 * @property {number} judged
 * @property {number} same
 * @property {number | null} kappa
 * @property {number | null} f1
 * @property {{label: string, both: number, first_only: number, second_only: number, f1: number | null}[]} classes
 * @property {Difference[]} differences
 * @property {number} count
 */

/**
 * @param {Match} match
 * @param {(seconds: number) => void} goTo
 */
export async function showAgreement(match, goTo) {
  /** @type {Match[]} */
  let matches;
  /** @type {Match} */
  let now;
  try {
    now = await get(`/v1/matches/${match.id}`);
    ({ items: matches } = await getAll("/v1/matches?limit=200"));
  } catch (error) {
    return complain(explain(error));
  }
  const people = now.reviewers;
  const others = matches.filter((one) => one.id !== match.id && one.state === "ready");
  const person = (/** @type {string} */ name) => h("option", { value: `r ${name}` }, name);
  const all = () => h("option", { value: "" }, t("agreeNow"));
  const first = h("select", {}, people.map(person), all());
  const second = h("select", {}, people.map(person), all(), h("optgroup", { label: t("agreeOther") }, others.map((one) => h("option", { value: `m ${one.id}` }, one.title))));
  first.value = people[0] ? `r ${people[0]}` : "";
  second.value = people[1] ? `r ${people[1]}` : others[0] ? `m ${others[0].id}` : "";
  const result = h("div", { class: "stack", "aria-live": "polite" });
  /** @type {(answer?: string) => void} */
  let close = () => undefined;

  async function read() {
    const query = new URLSearchParams();
    if (first.value) query.set("first", first.value.slice(2));
    if (second.value.startsWith("r ")) query.set("second", second.value.slice(2));
    if (second.value.startsWith("m ")) query.set("other", second.value.slice(2));
    try {
      draw(/** @type {Agreement} */ (await get(`/v1/matches/${match.id}/agreement?${query}`)));
    } catch (error) {
      fill(result, h("p", { class: "problem" }, explain(error)));
    }
  }

  /** @param {Agreement} found */
  function draw(found) {
    const name = (/** @type {HTMLSelectElement} */ select) => select.selectedOptions[0]?.textContent ?? "";
    const names = /** @type {const} */ ([name(first), name(second)]);
    const figure = (/** @type {string} */ value, /** @type {string} */ text) => h("div", { class: "figure" }, h("strong", { class: "number" }, value), h("span", { class: "quiet-text" }, text));
    fill(
      result,
      h(
        "div",
        { class: "figures" },
        figure(found.f1 === null ? "–" : percent(found.f1), t("agreeShare", { first: `${names[0]} ${found.first.kept}`, second: `${names[1]} ${found.second.kept}` })),
        figure(found.judged ? `${found.same} / ${found.judged}` : "–", t("agreeSame")),
        figure(found.kappa === null ? "–" : found.kappa.toFixed(2), t("agreeKappa")),
      ),
      found.first.complete && found.second.complete ? null : h("p", { class: "warning" }, t("agreeOld")),
      found.classes.length
        ? h("div", { class: "scrolls", tabindex: "0", role: "region", "aria-label": t("agreeClasses") }, h(
            "table",
            {},
            h("thead", {}, h("tr", {}, [t("class"), t("agreeBoth"), t("agreeOnly", { name: names[0] }), t("agreeOnly", { name: names[1] }), t("agreeF1")].map((text) => h("th", {}, text)))),
            h("tbody", {}, found.classes.map((one) => h("tr", {}, h("td", {}, one.label), [one.both, one.first_only, one.second_only, one.f1 === null ? "–" : percent(one.f1)].map((value) => h("td", { class: "number" }, value))))),
          ))
        : null,
      h("h3", {}, n("differences", found.count)),
      h("ul", { class: "difference-rows" }, found.differences.map((one) => row(one, names))),
      found.count > found.differences.length ? h("p", { class: "quiet-text" }, t("differencesMore", { count: found.differences.length })) : null,
    );
  }

  /** @param {Difference} difference @param {readonly [string, string]} names */
  function row(difference, names) {
    const said = (/** @type {Side | null} */ side) => (side ? [side.label, clock(side.time, 1), t(/** @type {"status.pending"} */ (`status.${side.status}`)), side.team, side.player, side.note].filter(Boolean).join(" · ") : t("agreeNothing"));
    const seek = () => {
      close();
      goTo(difference.time);
    };
    return h(
      "li",
      {},
      h("button", { type: "button", class: "quiet number", onclick: seek }, clock(difference.time)),
      h(
        "div",
        { class: "what" },
        h("strong", {}, t(/** @type {"differs.class"} */ (`differs.${difference.kind}`), { first: names[0], second: names[1] })),
        h("span", {}, `${names[0]}: ${said(difference.first)}`),
        h("span", {}, `${names[1]}: ${said(difference.second)}`),
      ),
    );
  }

  first.addEventListener("change", read);
  second.addEventListener("change", read);
  read();
  await openDialog(
    t("agreement"),
    (closing) => {
      close = closing;
      return [
        h("div", { class: "stack" }, h("div", { class: "pairs" }, h("label", { class: "field" }, t("agreeFirst"), first), h("label", { class: "field" }, t("agreeSecond"), second)), h("p", { class: "quiet-text" }, t("agreeHow")), result),
      ];
    },
    { wide: true },
  );
}
