/** Dialogs of a match: its files, links to it, and finding its events anew. */

import { ApiError, ask, explain, get, linkTo, mayEdit, post } from "../lib/api.js";
import { fill, h, icon, iconButton } from "../lib/dom.js";
import { date, percent } from "../lib/format.js";
import { jobEnd } from "../lib/jobs.js";
import { complain, notify, openDialog } from "../lib/notices.js";
import { n, t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").Match} Match */

/**
 * @param {Match} match
 * @param {() => void} changed
 */
export async function showFiles(match, changed) {
  /** @type {{event_formats: string[]}} */
  let capabilities;
  try {
    capabilities = await get("/v1/capabilities");
  } catch (error) {
    return complain(explain(error));
  }
  const path = `/v1/matches/${match.id}`;
  const format = h("select", { "aria-label": t("format") }, capabilities.event_formats.map((name) => h("option", { value: name }, name)));
  const link = h("a", { class: "button main", download: true }, icon("download"), t("downloadEvents"));
  const aim = () => (link.href = linkTo(`${path}/download?format=${encodeURIComponent(format.value)}`));
  format.addEventListener("change", aim);
  aim();
  const input = h("input", { type: "file", "aria-label": t("importEvents"), onchange: take });

  async function take() {
    const file = input.files?.[0];
    if (!file) return;
    const name = file.name.replace(/[^\w .()-]/g, "_").slice(-100);
    try {
      /** @type {import("../lib/api.js").Answer<{events: string[]}>} */
      const answer = await ask("POST", `${path}/import?name=${encodeURIComponent(name)}`, { raw: file });
      notify(n("imported", answer.data.events.length));
      changed();
    } catch (error) {
      complain(explain(error));
    }
    input.value = "";
  }

  await openDialog(t("files"), () => [
    h("h3", {}, t("eventsAsFile")),
    h("div", { class: "row" }, h("div", { class: "grow" }, format), link),
    h("p", { class: "quiet-text" }, t("eventsAsFileHow")),
    h("h3", {}, t("video")),
    h("a", { class: "button", href: linkTo(`${path}/original`), download: match.video }, icon("download"), t("downloadOriginal")),
    mayEdit() ? [h("h3", {}, t("importEvents")), input] : null,
  ].flat());
}

/**
 * @param {Match} match
 * @param {() => void} done
 */
export async function showRespot(match, done) {
  /** @type {{models: import("../lib/types.js").Model[]}} */
  let known;
  try {
    known = await get("/v1/models");
  } catch (error) {
    return complain(explain(error));
  }
  const model = h("select", {}, known.models.map((one) => h("option", { value: one.name, selected: one.name === match.model }, one.name)));
  const threshold = h("input", { type: "number", min: "0", max: "100", step: "1", value: Math.round(match.threshold * 100) });
  const answer = await openDialog(t("respot"), (close) => [
    h(
      "form",
      { class: "stack", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); close("yes"); } },
      h("p", { class: "quiet-text" }, t("respotHow")),
      h("label", { class: "field" }, t("model"), model),
      h("label", { class: "field" }, t("leastConfidencePercent"), threshold),
      h("div", { class: "dialog-foot" }, h("button", { class: "main" }, t("respot"))),
    ),
  ]);
  if (answer !== "yes") return;
  try {
    /** @type {import("../lib/types.js").Job} */
    const job = await post(`/v1/matches/${match.id}/spot`, { model: model.value, threshold: Number(threshold.value) / 100 });
    let away = notify(t("stage.spot"), { stays: true });
    let shown = -1;
    const ended = await jobEnd(job.id, (now) => {
      const share = Math.round(now.progress * 20);
      if (share === shown) return;
      shown = share;
      away();
      away = notify(`${t("stage.spot")} · ${percent(now.progress)}`, { stays: true });
    });
    away();
    if (ended?.state === "succeeded") notify(t("respotDone"));
    else if (ended?.problem) complain(ended.problem);
    done();
  } catch (error) {
    complain(explain(error));
  }
}

/** @typedef {{id: string, scope: string, expires_at: string, secret: string | null}} Share */

/** @param {Match} match */
export async function showShares(match) {
  const path = `/v1/matches/${match.id}/shares`;
  const scope = h("select", {}, h("option", { value: "view" }, t("share.view")), h("option", { value: "download" }, t("share.download")));
  const hours = h("input", { type: "number", min: "1", max: "8760", value: "72" });
  const made = h("div", { class: "stack" });
  const list = h("ul", { class: "file-rows" });

  async function read() {
    try {
      /** @type {{items: Share[]}} */
      const shares = await get(path);
      fill(list, shares.items.map((share) => h(
        "li",
        { class: "row" },
        h("span", { class: "grow" }, t(share.scope === "view" ? "share.view" : "share.download"), h("span", { class: "quiet-text" }, ` · ${t("until", { when: date(share.expires_at) })}`)),
        iconButton("trash", t("revoke"), { onclick: () => revoke(share) }),
      )));
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) complain(explain(error));
    }
  }

  /** @param {Share} share */
  async function revoke(share) {
    try {
      await ask("DELETE", `/v1/shares/${share.id}`);
    } catch (error) {
      complain(explain(error));
    }
    await read();
  }

  /** @param {Event} event */
  async function make(event) {
    event.preventDefault();
    try {
      /** @type {Share} */
      const share = await post(path, { scope: scope.value, hours: Number(hours.value) });
      const url = `${location.origin}/?share=${encodeURIComponent(share.secret ?? "")}`;
      const field = h("input", { readonly: true, value: url, "aria-label": t("link"), onfocus: () => field.select() });
      fill(made, h("p", {}, t("shareOnce")), field);
      field.focus();
    } catch (error) {
      complain(explain(error));
    }
    await read();
  }

  read();
  await openDialog(t("share"), () => [
    h(
      "form",
      { class: "stack", onsubmit: make },
      h("p", { class: "quiet-text" }, t("shareHow")),
      h("label", { class: "field" }, t("shareScope"), scope),
      h("label", { class: "field" }, t("shareHours"), hours),
      h("button", { class: "main" }, t("makeLink")),
    ),
    made,
    list,
  ]);
}
