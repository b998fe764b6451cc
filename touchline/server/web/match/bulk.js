/** Judging many events at once: those to review from a confidence on, or below it. */

import { fill, h, icon } from "../lib/dom.js";
import { percent } from "../lib/format.js";
import { t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {"accepted" | "rejected"} Judgement */

const FIRST_SHARE = 0.8;

export class BulkReview {
  #share = FIRST_SHARE;
  /** @type {MatchEvent[]} */
  #pending = [];

  /** @param {(status: Judgement) => void} review what its buttons ask for */
  constructor(review) {
    this.slider = h("input", {
      type: "range", min: "0", max: "1", step: "0.01", value: this.#share, "aria-label": t("bulkThreshold"),
      oninput: () => {
        this.#share = Number(this.slider.value);
        this.draw(this.#pending);
      },
    });
    this.accept = h("button", { type: "button", onclick: () => review("accepted") });
    this.reject = h("button", { type: "button", onclick: () => review("rejected") });
    this.element = h("div", { class: "bulk" }, this.slider, this.accept, this.reject);
  }

  /** The events that a button judges, by their ids. @param {Judgement} status */
  idsFor(status) {
    const isAccept = status === "accepted";
    return this.#pending.filter((event) => event.confidence >= this.#share === isAccept).map((event) => event.id);
  }

  /** @param {MatchEvent[]} pending events on show that nobody has judged */
  draw(pending) {
    this.#pending = pending;
    const above = this.idsFor("accepted").length;
    const below = pending.length - above;
    const share = percent(this.#share);
    fill(this.accept, icon("accept"), t("acceptAbove", { share, count: above.toLocaleString() }));
    fill(this.reject, icon("reject"), t("rejectBelow", { share, count: below.toLocaleString() }));
    this.accept.disabled = above === 0;
    this.reject.disabled = below === 0;
  }
}
