/** The classes: tag one, show only one, and see what a threshold would give. */

import { fill, h } from "../lib/dom.js";
import { percent } from "../lib/format.js";
import { n, t } from "../lib/texts.js";
import { quality } from "./choosing.js";
import { shownKey } from "./keys.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */

/** `<class-panel>`: dispatches `tag` and `only` with a label, `threshold` with `{label, value}`. */
export class ClassPanel extends HTMLElement {
  /** @type {(label: string) => string} */
  colourOf = () => "#888";
  /** @type {(label: string) => string} */
  keyOf = () => "";
  isEditable = true;
  /** @type {Map<string, {count: HTMLElement, quality: HTMLElement, slider: HTMLInputElement, shown: HTMLElement}>} */
  #rows = new Map();

  /**
   * @param {string[]} labels
   * @param {Record<string, number>} thresholds
   */
  build(labels, thresholds) {
    this.#rows.clear();
    fill(
      this,
      h("p", { class: "quiet-text" }, t("classesHow")),
      h("ul", { class: "class-rows" }, labels.map((label) => this.#row(label, thresholds[label] ?? 0))),
    );
  }

  /** @param {string} label @param {number} threshold */
  #row(label, threshold) {
    const count = h("button", {
      type: "button", class: "quiet number", title: t("onlyClass", { label }),
      onclick: () => this.dispatchEvent(new CustomEvent("only", { detail: label })),
    });
    const words = h("span", { class: "quiet-text number quality" });
    const shown = h("output", { class: "number" });
    const slider = h("input", {
      type: "range", min: "0", max: "1", step: "0.01", value: threshold,
      "aria-label": t("thresholdOf", { label }),
      oninput: () =>
        this.dispatchEvent(
          new CustomEvent("threshold", { detail: { label, value: Number(slider.value) } }),
        ),
    });
    this.#rows.set(label, { count, quality: words, slider, shown });
    const key = this.keyOf(label);
    return h(
      "li",
      { style: { "--class": this.colourOf(label) } },
      h(
        "button",
        {
          type: "button", class: "tag", disabled: !this.isEditable,
          onclick: () => this.dispatchEvent(new CustomEvent("tag", { detail: label })),
        },
        h("span", { class: "swatch" }),
        h("span", { class: "label" }, label),
        key ? h("kbd", {}, shownKey(key)) : null,
      ),
      count,
      h("div", { class: "row threshold" }, slider, shown, words),
    );
  }

  /** @param {MatchEvent[]} events @param {Record<string, number>} thresholds */
  update(events, thresholds) {
    /** @type {Map<string, MatchEvent[]>} */
    const byLabel = new Map([...this.#rows.keys()].map((label) => [label, []]));
    for (const event of events) byLabel.get(event.label)?.push(event);
    for (const [label, row] of this.#rows) {
      const own = byLabel.get(label) ?? [];
      const pending = own.filter((event) => event.status === "pending").length;
      const threshold = thresholds[label] ?? 0;
      if (row.slider !== document.activeElement) row.slider.value = String(threshold);
      fill(row.count, pending ? t("countPending", { count: own.length, pending }) : String(own.length));
      row.count.setAttribute("aria-label", t("onlyClassCount", { label, events: n("events", own.length), pending }));
      fill(row.shown, percent(threshold));
      const { precision, recall, judged } = quality(own, threshold);
      const share = (/** @type {number | null} */ value) => (value === null ? "–" : percent(value));
      fill(
        row.quality,
        judged ? t("quality", { precision: share(precision), recall: share(recall) }) : t("notJudged"),
      );
    }
  }
}

customElements.define("class-panel", ClassPanel);
