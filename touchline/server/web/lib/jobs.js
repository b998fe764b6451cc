/** Following jobs through the server's event stream. */

import { ApiError, connection, get, linkTo } from "./api.js";
import { clock, percent } from "./format.js";
import { t } from "./texts.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {import("./types.js").Match} Match */

/** The problem of a match whose job was cancelled. */
const CANCELLED = "cancelled";

const AGAIN_SECONDS = 2;

/** @param {Job} job */
export function hasEnded(job) {
  return ["succeeded", "failed", "cancelled"].includes(job.state);
}

/** What a match's state is called: one whose job was cancelled has not failed. @param {Match} match */
export function stateOf(match) {
  return match.state === "failed" && match.problem === CANCELLED ? "cancelled" : match.state;
}

/**
 * What an open job does, or waits for.
 *
 * @param {Job} job
 * @param {(match: string) => string | undefined} [titleOf]
 */
export function jobWords(job, titleOf = () => undefined) {
  if (job.state === "running") {
    const stage = t(/** @type {"stage.probe"} */ (`stage.${job.stage}`));
    const left = job.seconds_left === null ? "" : ` · ${t("left", { time: clock(job.seconds_left) })}`;
    const begun = job.attempts > 1 && job.attempt_progress > 0;
    const from = begun ? ` · ${t("wentOn", { share: percent(job.attempt_progress) })}` : "";
    return `${stage} · ${percent(job.progress)}${from}${left}`;
  }
  if (job.waits_for === "worker") return t("waits.worker");
  if (job.waits_for === "attempt") return t("waits.attempt", { time: clock(job.seconds_left ?? 0) });
  const place = t("inQueue", { position: (job.position ?? 0) + 1 });
  const title = job.ahead === null ? undefined : titleOf(job.ahead);
  return title ? `${place} · ${t("waits.job", { title })}` : place;
}

/**
 * Follow a job until it ends, through lost connections and restarts of the server.
 *
 * @param {string} id
 * @param {(job: Job | null) => void} report called with each new state; null when the job was deleted
 * @returns {() => void} ends the following
 */
export function followJob(id, report) {
  let stopped = false;
  /** @type {EventSource | null} */
  let stream = null;

  function open() {
    if (stopped) return;
    stream = new EventSource(linkTo(`/v1/jobs/${id}/stream`));
    stream.addEventListener("job", (message) => {
      /** @type {Job} */
      const job = JSON.parse(message.data);
      if (hasEnded(job)) stop();
      report(job);
    });
    stream.addEventListener("error", () => {
      stream?.close();
      setTimeout(look, AGAIN_SECONDS * 1000);
    });
  }

  async function look() {
    if (stopped) return;
    await connection.whenThere();
    try {
      /** @type {Job} */
      const job = await get(`/v1/jobs/${id}`);
      if (stopped) return;
      if (hasEnded(job)) stop();
      report(job);
      open();
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        stop();
        report(null);
      } else {
        setTimeout(look, AGAIN_SECONDS * 1000);
      }
    }
  }

  function stop() {
    stopped = true;
    stream?.close();
  }

  open();
  return stop;
}

/**
 * Wait for a job's end.
 *
 * @param {Job} job as it was when it was ordered; it may have ended already
 * @param {(job: Job) => void} [report]
 * @returns {Promise<Job | null>}
 */
export function jobEnd(job, report) {
  if (hasEnded(job)) return Promise.resolve(job);
  return new Promise((resolve) => {
    followJob(job.id, (now) => {
      if (now) report?.(now);
      if (!now || hasEnded(now)) resolve(now);
    });
  });
}

/** What the server says of a file that it made, as sentences. @param {Job} job @returns {string[]} */
export function warningsOf(job) {
  return Object.values(job.result).flatMap((stage) => {
    const warnings = typeof stage === "object" && stage ? Reflect.get(stage, "warnings") : null;
    return Array.isArray(warnings) ? warnings.map(String).map((one) => `${one[0]?.toUpperCase()}${one.slice(1)}.`) : [];
  });
}
