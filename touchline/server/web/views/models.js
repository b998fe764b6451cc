/** The models: those installed, with their licences, and those that can be downloaded. */

import { LostConnection, ask, connection, explain, get, post, session } from "../lib/api.js";
import { fill, h, icon } from "../lib/dom.js";
import { percent } from "../lib/format.js";
import { jobEnd } from "../lib/jobs.js";
import { complain, notify } from "../lib/notices.js";
import { t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").Model} Model */
/** @typedef {import("../lib/types.js").RemoteModel} RemoteModel */
/** @typedef {import("../lib/types.js").Policy} Policy */

/** @param {HTMLElement} root */
export function showModels(root) {
  let isLeft = false;
  const body = h("div", { class: "sections" }, h("p", { class: "quiet-text", role: "status" }, t("loading")));
  fill(root, h("div", { class: "sheet stack" }, h("h1", {}, t("models")), body));
  const isAdmin = session.current?.role === "admin";

  async function draw() {
    try {
      const known = /** @type {{models: Model[], to_pull: RemoteModel[]}} */ (await get("/v1/models"));
      const policy = /** @type {Policy} */ (await get("/v1/settings"));
      if (isLeft) return;
      fill(
        body,
        h("section", { class: "stack" }, h("h2", {}, t("modelsHere")), h("div", { class: "cards" }, known.models.map((model) => card(model, policy)))),
        h(
          "section",
          { class: "stack" },
          h("h2", {}, t("modelsToPull")),
          known.to_pull.length
            ? h("div", { class: "cards" }, known.to_pull.map(remoteCard))
            : h("p", { class: "quiet-text" }, t("noModelsToPull")),
        ),
      );
    } catch (error) {
      if (isLeft) return;
      fill(body, h("p", { class: "problem" }, explain(error)));
      if (error instanceof LostConnection) connection.whenThere().then(() => (isLeft ? undefined : draw()));
    }
  }

  /** @param {Model} model @param {Policy} policy */
  function card(model, policy) {
    const isDefault = policy.default_model === model.name;
    const scores = Object.entries(model.metrics).filter(([, value]) => typeof value === "number");
    return h(
      "article",
      { class: "card stack" },
      h("h3", {}, model.name),
      h("p", {}, model.description),
      facts([
        [t("system"), model.system],
        [t("licence"), model.licence],
        [t("trainedOn"), model.training_data_licence],
        [t("rate"), model.rate],
        [t("origin"), model.origin],
        ...scores.map(([name, value]) => /** @type {[string, string]} */ ([name, Number(value).toFixed(3)])),
      ]),
      h("details", {}, h("summary", {}, `${t("classesOf")} (${model.labels.length})`), h("p", { class: "quiet-text" }, model.labels.join(", "))),
      isDefault
        ? h("p", { class: "state ready" }, t("isDefault"))
        : isAdmin
          ? h("button", { type: "button", onclick: () => makeDefault(model.name) }, t("makeDefault"))
          : null,
    );
  }

  /** @param {RemoteModel} model */
  function remoteCard(model) {
    const progress = h("div", { class: "stack" });
    const button = h("button", { type: "button", onclick: () => pull(model, button, progress) }, icon("download"), t("pull"));
    return h(
      "article",
      { class: "card stack" },
      h("h3", {}, model.name),
      h("p", {}, model.description),
      facts([[t("licence"), model.licence], [t("repository"), model.repository]]),
      isAdmin ? button : null,
      progress,
    );
  }

  /** @param {string} name */
  async function makeDefault(name) {
    try {
      await ask("PATCH", "/v1/settings", { body: { default_model: name } });
      notify(t("saved"));
      await draw();
    } catch (error) {
      complain(explain(error));
    }
  }

  /** @param {RemoteModel} model @param {HTMLButtonElement} button @param {HTMLElement} progress */
  async function pull(model, button, progress) {
    button.disabled = true;
    try {
      const job = /** @type {import("../lib/types.js").Job} */ (await post("/v1/models/pull", { name: model.name }));
      const bar = h("progress", { value: 0, max: 1, "aria-label": t("working") });
      const words = h("span", { class: "quiet-text number", role: "status" });
      fill(progress, words, bar);
      const ended = await jobEnd(job.id, (now) => {
        bar.value = now.progress;
        fill(words, t("pulling", { name: model.name, share: percent(now.progress) }));
      });
      fill(progress, ended?.state === "succeeded" ? "" : h("p", { class: "problem" }, ended?.problem ?? t("state.failed")));
      if (ended?.state === "succeeded") {
        notify(t("pulled", { name: model.name }));
        await draw();
      }
    } catch (error) {
      fill(progress, h("p", { class: "problem" }, explain(error)));
    }
    button.disabled = false;
  }

  draw();
  return () => {
    isLeft = true;
  };
}

/** @param {[string, string][]} pairs */
function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.flatMap(([name, value]) => (value ? [h("dt", {}, name), h("dd", {}, value)] : [])));
}
