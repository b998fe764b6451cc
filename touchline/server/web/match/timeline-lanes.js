/** The names of the timeline's lanes, a class each, in their colours. */

import { fill, h } from "../lib/dom.js";
import { t } from "../lib/texts.js";

export class LaneNames {
  element = h("div", { class: "lane-names", role: "group", "aria-label": t("lanes") });
  /** @type {string[]} */
  #labels = [];
  /** @type {(label: string) => string} */
  #colourOf = () => "#888";

  /** @param {(label: string) => void} pick */
  constructor(pick) {
    this.pick = pick;
  }

  /** @param {string[]} labels @param {(label: string) => string} colourOf */
  show(labels, colourOf) {
    this.#labels = labels;
    this.#colourOf = colourOf;
    fill(
      this.element,
      labels.map((label) =>
        h(
          "button",
          { type: "button", class: "lane-name", title: label, style: { "--class": colourOf(label) }, onclick: () => this.pick(label) },
          h("span", { class: "swatch" }), h("span", { class: "lane-text" }, label),
        ),
      ),
    );
  }

  /** @param {string[]} labels lanes of classes that the filters show; none for all */
  mark(labels) {
    this.element.querySelectorAll("button").forEach((button, place) => {
      button.classList.toggle("off", labels.length > 0 && !labels.includes(this.#labels[place] ?? ""));
    });
  }

  /** The colours of classes as the present theme shows them. @returns {Record<string, string>} */
  tones() {
    const probe = h("span", { class: "tone" });
    this.element.append(probe);
    const tones = this.#labels.map((label) => {
      probe.style.setProperty("--class", this.#colourOf(label));
      return [label, getComputedStyle(probe).color];
    });
    probe.remove();
    return Object.fromEntries(tones);
  }
}
