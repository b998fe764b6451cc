/** A match: waited for, then watched and reviewed. */

import { ApiError, LostConnection, change, connection, explain, get, mayEdit } from "../lib/api.js";
import { fill, h, icon } from "../lib/dom.js";
import { followJob, jobWords, stateOf } from "../lib/jobs.js";
import { complain } from "../lib/notices.js";
import { t } from "../lib/texts.js";
import { MatchReview } from "../match/review.js";

/** @typedef {import("../lib/types.js").Match} Match */

/**
 * @param {HTMLElement} root
 * @param {string} id
 */
export function showMatch(root, id) {
  let isLeft = false;
  /** @type {() => void} */
  let end = () => undefined;

  /** @returns {Promise<void>} */
  async function open() {
    try {
      const match = /** @type {Match} */ (await get(`/v1/matches/${encodeURIComponent(id)}`));
      if (isLeft) return;
      document.title = `${match.title} · touchline`;
      if (match.state === "ready") {
        const review = new MatchReview(root, match);
        end = () => review.stop();
        await review.start();
      } else {
        wait(match);
      }
    } catch (error) {
      if (isLeft) return;
      if (error instanceof LostConnection) {
        end();
        await connection.whenThere();
        return isLeft ? undefined : open();
      }
      const isMissing = error instanceof ApiError && [404, 422].includes(error.status);
      sheet(h("h1", {}, isMissing ? t("noSuchMatch") : explain(error)), backLink());
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** @param {...import("../lib/dom.js").Child} children */
  function sheet(...children) {
    fill(root, h("div", { class: "sheet stack" }, ...children));
  }

  /** @param {Match} match */
  function wait(match) {
    const state = stateOf(match);
    const words = h("p", { class: "number", role: "status" }, t(`state.${state}`));
    const bar = h("progress", { value: 0, max: 1, "aria-label": t("working") });
    const hasStopped = match.state === "failed";
    sheet(
      backLink(),
      h("h1", {}, match.title),
      match.problem && state !== "cancelled" ? h("p", { class: "problem" }, match.problem) : null,
      hasStopped ? h("p", {}, t(state === "failed" ? "failedHow" : "cancelledHow")) : words,
      match.job ? bar : null,
      hasStopped && mayEdit() ? retryButton(match) : null,
    );
    if (!match.job) return;
    end = followJob(match.job, (job) => {
      if (isLeft) return;
      if (!job || ["succeeded", "failed", "cancelled"].includes(job.state)) return void open();
      bar.value = job.progress;
      fill(words, jobWords(job));
    });
  }

  /** @param {Match} match */
  function retryButton(match) {
    return h("button", { type: "button", class: "main", onclick: retry }, t("again"));
    async function retry() {
      try {
        const jobs = /** @type {{items: import("../lib/types.js").Job[]}} */ (await get(`/v1/jobs?match=${match.id}`));
        const failed = jobs.items.find((job) => ["failed", "cancelled"].includes(job.state));
        if (failed) await change("POST", `/v1/jobs/${failed.id}/retry`);
        await open();
      } catch (error) {
        complain(explain(error));
      }
    }
  }

  open();
  return () => {
    isLeft = true;
    document.title = "touchline";
    end();
  };
}

function backLink() {
  return h("a", { href: "#/", class: "row" }, icon("back"), t("library"));
}
