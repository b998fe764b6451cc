/** The files of a playlist: one video, one for each clip, or an edit list. */

import { ask, change, explain, get, linkTo, mayEdit } from "../lib/api.js";
import { fill, h, icon, iconButton } from "../lib/dom.js";
import { date, size } from "../lib/format.js";
import { jobEnd, jobWords, warningsOf } from "../lib/jobs.js";
import { complain, notify, openDialog } from "../lib/notices.js";
import { t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").Product} Product */
/** @typedef {import("../lib/types.js").Job} Job */

/** @param {import("./store.js").PlaylistStore} store */
export async function showPlaylistFiles(store) {
  /** @type {import("../lib/types.js").Capabilities} */
  let capabilities;
  try {
    capabilities = await get("/v1/capabilities");
  } catch (error) {
    return complain(explain(error));
  }
  const list = h("ul", { class: "file-rows" });
  const nothing = h("p", { class: "quiet-text", hidden: true }, t("noFilesYet"));

  async function read() {
    try {
      /** @type {{items: Product[]}} */
      const { items } = await get(`${store.path}/files`);
      nothing.hidden = items.length > 0;
      fill(list, items.map((file) => h(
        "li",
        { class: "row" },
        h("a", { href: linkTo(`/v1/files/${file.id}`), download: file.name, class: "grow" }, icon("download"), " ", file.name),
        h("span", { class: "quiet-text number" }, `${size(file.bytes)} · ${date(file.created_at)}`),
        mayEdit() ? iconButton("trash", t("deleteFile", { name: file.name }), { onclick: () => remove(file) }) : null,
      )));
    } catch (error) {
      complain(explain(error));
    }
  }

  /** @param {Product} file */
  async function remove(file) {
    try {
      await ask("DELETE", `/v1/files/${file.id}`);
    } catch (error) {
      complain(explain(error));
    }
    await read();
  }

  read();
  await openDialog(t("files"), () => [
    h("div", { class: "stack files" }, mayEdit() ? maker(store, capabilities, read) : null, h("h3", {}, t("playlistFiles")), nothing, list),
  ]);
}

/**
 * @param {import("./store.js").PlaylistStore} store
 * @param {import("../lib/types.js").Capabilities} capabilities
 * @param {() => void} done called when there is another file
 */
function maker(store, capabilities, done) {
  const lists = capabilities.formats.filter(({ name, video }) => !video && capabilities.playlist_formats.includes(name));
  const format = h(
    "select",
    { "aria-label": t("format"), onchange: () => fit() },
    h("option", { value: "mp4" }, t("oneVideo")),
    h("option", { value: "each" }, t("eachVideo")),
    lists.map(({ name, title }) => h("option", { value: name }, title)),
  );
  const aspect = h(
    "select",
    { "aria-label": t("aspect") },
    h("option", { value: "" }, t("aspectAsIs")),
    ["16:9", "1:1", "4:5", "9:16"].map((shape) => h("option", { value: shape }, t(/** @type {"aspect.1:1"} */ (`aspect.${shape}`)))),
  );
  const labels = h("input", { type: "checkbox" });
  const ofVideo = h("div", { class: "row" }, h("label", { class: "check" }, labels, t("burn")), h("div", { class: "grow" }, aspect));
  const words = h("span", { class: "quiet-text number" });
  const bar = h("progress", { value: 0, max: 1, "aria-label": t("working") });
  const state = h("div", { class: "stack tight", role: "status", hidden: true }, bar, words);
  const button = h("button", { type: "button", class: "main", onclick: make }, t("render"));
  const isVideo = () => ["mp4", "each"].includes(format.value);
  const fit = () => (ofVideo.hidden = !isVideo());

  async function make() {
    button.disabled = true;
    try {
      const body = {
        format: isVideo() ? "mp4" : format.value, each: format.value === "each",
        ...(isVideo() ? { finish: { labels: labels.checked, aspect: aspect.value || null } } : {}),
      };
      /** @type {import("../lib/api.js").Answer<Job>} */
      const { data: job } = await change("POST", `${store.path}/files`, { body });
      state.hidden = false;
      const ended = await jobEnd(job, (now) => {
        bar.value = now.progress;
        fill(words, jobWords(now));
      });
      if (ended?.state === "succeeded") notify([t("renderDone"), ...warningsOf(ended)].join(" "), { stays: warningsOf(ended).length > 0 });
      else if (ended?.state === "cancelled") notify(t("renderCancelled"));
      else complain(t("renderFailed", { problem: ended?.problem ?? "" }));
      done();
    } catch (error) {
      complain(explain(error));
    }
    state.hidden = true;
    button.disabled = false;
  }

  return [h("div", { class: "row" }, h("div", { class: "grow" }, format), button), ofVideo, state, h("p", { class: "quiet-text" }, t("playlistFilesHow"))];
}
