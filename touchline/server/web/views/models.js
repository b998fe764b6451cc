/** The models: those installed, with their licences, and those that can be downloaded. */

import { LostConnection, ask, change, connection, explain, get, session } from "../lib/api.js";
import { fill, h, icon } from "../lib/dom.js";
import { percent, size } from "../lib/format.js";
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
          known.to_pull.length ? families(known.to_pull) : h("p", { class: "quiet-text" }, t("noModelsToPull")),
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

  /** The models by family, the first of them open. @param {RemoteModel[]} models */
  function families(models) {
    const titles = [...new Set(models.map((model) => model.family))];
    return titles.map((title, index) => {
      const members = models.filter((model) => model.family === title);
      const summary = h("summary", {}, h("h3", {}, title), h("span", { class: "quiet-text number" }, String(members.length)));
      return h("details", { class: "family", open: index === 0 }, summary, h("div", { class: "cards" }, members.map(remoteCard)));
    });
  }

  /** @param {RemoteModel} model */
  function remoteCard(model) {
    const progress = h("div", { class: "stack" });
    const button = h("button", { type: "button", onclick: () => pull(model, button, progress) }, icon("download"), t("pull"));
    return h(
      "article",
      { class: "card stack" },
      h("h4", {}, model.name),
      h("p", {}, model.description),
      facts([
        [t("finds"), model.labels],
        [t("reads"), model.reads],
        [t("reported"), model.scores.map((score) => `${score.metric} ${score.value} (${score.on})`).join(", ")],
        [t("fileSize"), model.bytes ? size(model.bytes) : ""],
        [t("licence"), model.licence],
        [t("commercialUse"), t(`commercialUse.${model.commercial_use}`)],
        [t("trainedOn"), model.training_data_licence],
        [t("needs"), model.needs.join(", ")],
        [t("repository"), model.repository],
      ]),
      model.state === "pull" ? (isAdmin ? button : null) : h("p", { class: "quiet-text" }, howElse(model)),
      progress,
    );
  }

  /** What to do where a download is not enough. @param {RemoteModel} model */
  function howElse(model) {
    return model.state === "by hand" ? t("byHand", { place: model.repository, command: model.command }) : t("notYet", { missing: model.missing });
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
      const job = /** @type {import("../lib/types.js").Job} */ ((await change("POST", "/v1/models/pull", { body: { name: model.name } })).data);
      const bar = h("progress", { value: 0, max: 1, "aria-label": t("working") });
      const words = h("span", { class: "quiet-text number", role: "status" });
      fill(progress, words, bar);
      const ended = await jobEnd(job, (now) => {
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
