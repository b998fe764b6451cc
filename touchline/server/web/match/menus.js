/** Dialogs of a match: its files, links to it, and finding its events again. */

import { ApiError, ask, change, explain, get, linkTo, mayEdit, newKey, post } from "../lib/api.js";
import { fill, h, icon, iconButton } from "../lib/dom.js";
import { clock, date, percent, secondsOf, size } from "../lib/format.js";
import { jobEnd, jobWords } from "../lib/jobs.js";
import { complain, notify, openDialog } from "../lib/notices.js";
import { n, t } from "../lib/texts.js";
import { halvesOf } from "./clock.js";

/** @typedef {import("../lib/types.js").Match} Match */

/**
 * Title, teams, result, and when each half is kicked off.
 *
 * @param {Match} match
 * @param {import("./clock.js").Period[]} known kick-offs, by people or events
 * @param {number} playhead seconds
 * @returns {Promise<Match | null>} the match as it is now, if something was changed
 */
export async function showDetails(match, known, playhead) {
  const game = match.game;
  const text = (/** @type {string | null | undefined} */ value, more = {}) =>
    h("input", { value: value ?? "", maxlength: "300", ...more });
  const title = text(match.title, { required: true, autofocus: true });
  const home = text(game?.home);
  const away = text(game?.away);
  const competition = text(game?.competition);
  const date = text(game?.date);
  const result = text(game?.score);
  const assignee = h("select", {}, await peopleFor(match.assignee));
  const count = Math.max(2, halvesOf(match).length, ...known.map(({ half }) => half));
  const kickOffs = Array.from({ length: count }, (_, place) => {
    const start = game?.periods.find(({ half }) => half === place + 1)?.start;
    const found = known.find(({ half }) => half === place + 1)?.start;
    return text(start === undefined ? "" : clock(start, 1), {
      placeholder: found === undefined ? "" : clock(found, 1), inputmode: "decimal",
    });
  });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  /** @type {Match | null} */
  let changed = null;

  /** @param {Event} event @param {(answer: string) => void} close */
  async function save(event, close) {
    event.preventDefault();
    const starts = kickOffs.map((field) => (field.value.trim() ? secondsOf(field.value) : null));
    const given = starts.flatMap((start, place) => (start === null ? [] : [{ half: place + 1, start }]));
    if (given.some(({ start }, i) => Number.isNaN(start) || start <= (given[i - 1]?.start ?? -1))) {
      fill(problem, t("kickOffWrong"));
      problem.hidden = false;
      return;
    }
    const said = {
      home: home.value.trim() || null, away: away.value.trim() || null,
      date: date.value.trim() || null, score: result.value.trim() || null,
      competition: competition.value.trim() || null, periods: given,
    };
    try {
      const path = `/v1/matches/${match.id}`;
      const { etag } = await ask("GET", path);
      /** @type {import("../lib/api.js").Answer<Match>} */
      const answer = await change("PATCH", path, {
        body: {
          title: title.value.trim() || match.title, ...(game ? { game: said } : {}),
          ...(assignee.value === (match.assignee ?? "") ? {} : { assignee: assignee.value || null }),
        },
        ifMatch: etag ?? "*",
      });
      changed = answer.data;
      close("yes");
    } catch (error) {
      fill(problem, explain(error));
      problem.hidden = false;
    }
  }

  const field = (/** @type {string} */ label, /** @type {HTMLElement} */ input) =>
    h("label", { class: "field" }, label, input);
  const kickOff = (/** @type {HTMLInputElement} */ input, /** @type {number} */ place) =>
    h(
      "div",
      { class: "row with-button" },
      field(t("kickOff", { half: place + 1 }), input),
      h("button", { type: "button", title: t("hereHow"), onclick: () => (input.value = clock(playhead, 1)) }, t("here")),
    );
  await openDialog(t("details"), (close) => [
    h(
      "form",
      { class: "stack", onsubmit: (/** @type {Event} */ event) => save(event, close) },
      field(t("title"), title),
      field(t("assignee"), assignee),
      game
        ? [
            h("div", { class: "pairs" }, field(t("homeTeam"), home), field(t("awayTeam"), away), field(t("date"), date), field(t("endScore"), result), field(t("competition"), competition)),
            h("div", { class: "pairs" }, kickOffs.map(kickOff)),
            h("p", { class: "quiet-text" }, t("kickOffHow")),
          ]
        : [],
      problem,
      h("div", { class: "dialog-foot" }, h("button", { class: "main" }, t("save"))),
    ),
  ]);
  return changed;
}

/** Whom a match can be assigned to. @param {string | null} now */
async function peopleFor(now) {
  /** @type {string[]} */
  let names = [];
  try {
    const { items } = /** @type {{items: {name: string}[]}} */ (await get("/v1/people"));
    names = items.map(({ name }) => name);
  } catch {
    // the others can be changed without
  }
  const known = now && !names.includes(now) ? [now, ...names] : names;
  return [
    h("option", { value: "" }, t("nobody")),
    ...known.map((name) => h("option", { value: name, selected: name === now }, name)),
  ];
}

/** Reading a large file takes the server longer than anything else. */
const IMPORT_SECONDS = 300;

/** @type {Record<string, string>} */
const PROVIDER_NAMES = {
  datafactory: "DataFactory", impect: "Impect", metrica: "Metrica", opta: "Opta", sportec: "Sportec",
  statsbomb: "StatsBomb", statsperform: "Stats Perform", wyscout: "Wyscout",
};

/** @param {string} format such as "kloppy:statsbomb" */
function providerName(format) {
  const name = format.slice(format.indexOf(":") + 1);
  return PROVIDER_NAMES[name] ?? name;
}

/** @typedef {{events: string[], remarks: string[], statuses: Record<string, number>}} Imported */

/**
 * Add the events of a file; where it leaves open which of them are labels, ask.
 *
 * @param {string} path
 * @param {File} file
 * @returns {Promise<Imported | null>} null where the question was not answered
 */
async function send(path, file) {
  try {
    return await sendOnce(path, file);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
  }
  const sure = await openDialog(t("importStatus"), (close) => [
    h("p", {}, t("importStatusHow")),
    h(
      "div",
      { class: "dialog-foot" },
      h("button", { type: "button", onclick: () => close("accepted") }, t("importAccepted")),
      h("button", { type: "button", class: "main", autofocus: true, onclick: () => close("pending") }, t("importPending")),
    ),
  ]);
  return sure ? await sendOnce(`${path}&sure=${sure}`, file) : null;
}

/** The import that was not answered yet: the same file again is the same import. */
let unanswered = { asked: "", key: "" };

/** @param {string} path @param {File} file @returns {Promise<Imported>} */
async function sendOnce(path, file) {
  const asked = [path, file.name, file.size, file.lastModified].join(" ");
  if (unanswered.asked !== asked) unanswered = { asked, key: newKey() };
  const { key } = unanswered;
  /** @type {import("../lib/api.js").Answer<Imported>} */
  const answer = await change("POST", path, { raw: file, key, seconds: IMPORT_SECONDS });
  unanswered = { asked: "", key: "" };
  return answer.data;
}

/** @param {Imported} done */
function whatCameIn({ events, statuses }) {
  const parts = /** @type {const} */ (["pending", "accepted", "rejected"])
    .filter((status) => statuses[status])
    .map((status) => t(`imported.${status}`, { count: (statuses[status] ?? 0).toLocaleString() }));
  return `${n("imported", events.length)}${parts.length ? `: ${parts.join(", ")}` : ""}.`;
}

/**
 * @param {Match} match
 * @param {() => void} changed
 */
export async function showFiles(match, changed) {
  /** @type {{formats: import("../lib/types.js").FileFormat[], feed_formats: string[]}} */
  let capabilities;
  try {
    capabilities = await get("/v1/capabilities");
  } catch (error) {
    return complain(explain(error));
  }
  const path = `/v1/matches/${match.id}`;
  const halves = halvesOf(match);
  const part = () =>
    h(
      "select",
      { "aria-label": t("half") },
      h("option", { value: "" }, t("wholeMatch")),
      halves.map(({ half }) => h("option", { value: half }, t("halfNumber", { half: half ?? "" }))),
    );
  const wanted = part();
  const taken = part();
  const of = (/** @type {HTMLSelectElement} */ select) => (select.value ? `&half=${select.value}` : "");
  const format = h("select", { "aria-label": t("format") }, capabilities.formats.filter(({ events }) => events).map(({ name, title }) => h("option", { value: name }, title)));
  const link = h("a", { class: "button main", download: true }, icon("download"), t("downloadEvents"));
  const aim = () => (link.href = linkTo(`${path}/download?format=${encodeURIComponent(format.value)}${of(wanted)}`));
  for (const select of [format, wanted]) select.addEventListener("change", aim);
  aim();
  const kind = h(
    "select",
    { "aria-label": t("importKind") },
    h("option", { value: "" }, t("importAny")),
    h("option", { value: "times=clock" }, t("importByClock")),
    capabilities.feed_formats.map((name) => h("option", { value: `format=${encodeURIComponent(name)}` }, providerName(name))),
  );
  const input = h("input", { type: "file", hidden: true, "aria-label": t("importEvents"), onchange: take });

  async function take() {
    const file = input.files?.[0];
    if (!file) return;
    const name = file.name.replace(/[^\w .()-]/g, "_").slice(-100);
    try {
      const query = `name=${encodeURIComponent(name)}${of(taken)}${kind.value ? `&${kind.value}` : ""}`;
      const done = await send(`${path}/import?${query}`, file);
      if (!done) return;
      const sentences = done.remarks.map((remark) => `${remark[0]?.toUpperCase()}${remark.slice(1)}.`);
      notify([whatCameIn(done), ...sentences].join(" "), { stays: sentences.length > 0 });
      changed();
    } catch (error) {
      complain(explain(error));
    } finally {
      input.value = "";
    }
  }

  const made = madeFiles(match);
  made.read();
  const original = (/** @type {string} */ query, /** @type {string} */ name, /** @type {string} */ text) =>
    h("a", { class: "button", href: linkTo(`${path}/original${query}`), download: name }, icon("download"), text);
  await openDialog(t("files"), () => [
    h(
      "div",
      { class: "stack files" },
      h("h3", {}, t("eventsAsFile")),
      h("div", { class: "row" }, h("div", { class: "grow" }, format), halves.length ? h("div", {}, wanted) : null, link),
      h("p", { class: "quiet-text" }, t("eventsAsFileHow")),
      h("h3", {}, t("video")),
      h(
        "div",
        { class: "row" },
        halves.length
          ? halves.map(({ half, name }) => original(`?half=${half}`, name, t("downloadHalf", { half: half ?? "" })))
          : original("", match.video, t("downloadOriginal")),
      ),
      mayEdit() ? annotatedMaker(match, made.read) : null,
      made.list,
      mayEdit()
        ? [
            h("h3", {}, t("importEvents")),
            h("div", { class: "row" }, h("div", { class: "grow" }, kind), halves.length ? h("div", {}, taken) : null, h("button", { type: "button", onclick: () => input.click() }, icon("upload"), t("chooseFile")), input),
            h("p", { class: "quiet-text" }, t("importHow")),
          ]
        : [],
    ),
  ]);
}

/** The files that were made of a match. @param {Match} match */
function madeFiles(match) {
  const list = h("div", { class: "stack", hidden: true });

  async function read() {
    try {
      /** @type {{items: import("../lib/types.js").Product[]}} */
      const { items } = await get(`/v1/matches/${match.id}/files`);
      list.hidden = !items.length;
      fill(
        list,
        h("h3", {}, t("filesMade")),
        h("ul", { class: "file-rows" }, items.map((file) => h(
          "li",
          { class: "row" },
          h("a", { href: linkTo(`/v1/files/${file.id}`), download: file.name, class: "grow" }, icon("download"), " ", file.name),
          h("span", { class: "quiet-text number" }, `${size(file.bytes)} · ${date(file.created_at)}`),
        ))),
      );
    } catch (error) {
      complain(explain(error));
    }
  }

  return { list, read };
}

const SLOW = [1, 2, 3, 5];

/**
 * @param {Match} match
 * @param {() => void} done called when there is another file
 */
function annotatedMaker(match, done) {
  const halves = halvesOf(match);
  const half = h("select", { "aria-label": t("half") }, halves.map((one) => h("option", { value: one.half }, t("halfNumber", { half: one.half ?? "" }))));
  const slow = h("select", { "aria-label": t("annotatedSlow") }, SLOW.map((times) =>
    h("option", { value: times, selected: times === 3 }, times === 1 ? t("annotatedSame") : t("annotatedSlower", { times }))));
  const words = h("span", { class: "quiet-text number" });
  const bar = h("progress", { value: 0, max: 1, "aria-label": t("annotated") });
  const state = h("div", { class: "stack tight", role: "status", hidden: true }, bar, words);
  const button = h("button", { type: "button", onclick: make }, t("annotatedMake"));

  async function make() {
    button.disabled = true;
    try {
      /** @type {import("../lib/types.js").Job} */
      const job = await post(`/v1/matches/${match.id}/annotated`, { slow: Number(slow.value), ...(halves.length ? { half: Number(half.value) } : {}) });
      state.hidden = false;
      const ended = await jobEnd(job, (now) => {
        bar.value = now.progress;
        fill(words, jobWords(now));
      });
      if (ended?.state === "succeeded") notify(t("annotatedReady"));
      else if (ended?.state === "cancelled") notify(t("renderCancelled"));
      else complain(t("annotatedFailed", { problem: ended?.problem ?? "" }));
      done();
    } catch (error) {
      complain(explain(error));
    }
    state.hidden = true;
    button.disabled = false;
  }

  return [
    h("h3", {}, t("annotated")),
    h("div", { class: "row" }, h("div", { class: "grow" }, slow), halves.length ? h("div", {}, half) : null, button),
    state,
    h("p", { class: "quiet-text" }, t("annotatedHow")),
  ];
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
    /** @type {import("../lib/api.js").Answer<import("../lib/types.js").Job>} */
    const { data: job } = await change("POST", `/v1/matches/${match.id}/spot`, {
      body: { model: model.value, threshold: Number(threshold.value) / 100 },
    });
    let away = notify(t("stage.spot"), { stays: true });
    let shown = -1;
    const ended = await jobEnd(job, (now) => {
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

/**
 * @param {string} path of the links to a match or a playlist
 * @param {string} how what a link shows, in words
 */
export async function showShares(path, how) {
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
      h("p", { class: "quiet-text" }, how),
      h("label", { class: "field" }, t("shareScope"), scope),
      h("label", { class: "field" }, t("shareHours"), hours),
      h("button", { class: "main" }, t("makeLink")),
    ),
    made,
    list,
  ]);
}
