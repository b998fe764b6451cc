/** Following jobs through the server's event stream. */

import { ApiError, connection, get, linkTo } from "./api.js";

/** @typedef {import("./types.js").Job} Job */

const AGAIN_SECONDS = 2;

/** @param {Job} job */
export function hasEnded(job) {
  return ["succeeded", "failed", "cancelled"].includes(job.state);
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
 * @param {string} id
 * @param {(job: Job) => void} [report]
 * @returns {Promise<Job | null>}
 */
export function jobEnd(id, report) {
  return new Promise((resolve) => {
    followJob(id, (job) => {
      if (job) report?.(job);
      if (!job || hasEnded(job)) resolve(job);
    });
  });
}
