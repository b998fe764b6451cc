/** The library: matches come in here, and are found again. */

import { ApiError, LostConnection, ask, change, connection, explain, get, getAll, linkTo, mayEdit, session } from "../lib/api.js";
import { fill, h, icon, iconButton } from "../lib/dom.js";
import { clock, date, percent, size } from "../lib/format.js";
import { followJob, jobWords, stateOf } from "../lib/jobs.js";
import { complain, notify, openDialog } from "../lib/notices.js";
import { keep, kept } from "../lib/storage.js";
import { n, t } from "../lib/texts.js";
import { uploads } from "../lib/uploads.js";

/** @typedef {import("../lib/types.js").Match} Match */
/** @typedef {import("../lib/types.js").Job} Job */
/** @typedef {import("../lib/uploads.js").Sending} Sending */

const LOOK_SECONDS = 3;
const MOST_HALVES = 4;

/** @type {Record<string, (a: Match, b: Match) => number>} */
const ORDERS = {
  newest: (a, b) => b.created_at.localeCompare(a.created_at),
  oldest: (a, b) => a.created_at.localeCompare(b.created_at),
  title: (a, b) => a.title.localeCompare(b.title, undefined, { numeric: true }),
  review: (a, b) => reviewed(a) - reviewed(b),
  length: (a, b) => (b.info.duration_seconds ?? 0) - (a.info.duration_seconds ?? 0),
};

/** The share of a match's events that somebody has judged. @param {Match} match */
function reviewed({ counts: { pending, accepted, rejected } }) {
  const all = pending + accepted + rejected;
  return all ? (accepted + rejected) / all : 1;
}

/** @type {Record<string, (match: Match) => boolean>} */
const STATES = {
  review: (match) => match.state === "ready" && match.counts.pending > 0,
  reviewed: (match) => match.state === "ready" && match.counts.pending === 0,
  working: (match) => match.job !== null,
  failed: (match) => match.state === "failed",
};

/** The teams of a match, as far as they are known. @param {Match} match */
function teams({ game }) {
  return [game?.home, game?.away].flatMap((name) => (name ? [name] : []));
}

/** What the words of a search are looked for in. @param {Match} match */
function words(match) {
  return [match.title, ...teams(match), ...(match.videos ?? []).map(({ name }) => name)].join("\n").toLowerCase();
}

/** The choice of matches that are assigned to nobody; no user has such a name. */
const NOBODY = " ";

/** @param {Match} match @param {string} wanted */
function isAssigned({ assignee }, wanted) {
  return !wanted || (wanted === NOBODY ? assignee === null : assignee === wanted);
}

/**
 * What every open job of some matches does or waits for, by match.
 *
 * @param {Match[]} matches
 */
async function openJobs(matches) {
  /** @type {Map<string, Job>} */
  const found = new Map();
  if (!matches.some((match) => match.job)) return found;
  for (const state of ["queued", "running"]) {
    /** @type {{items: Job[]}} */
    const { items } = await get(`/v1/jobs?state=${state}&limit=200`);
    for (const job of items) {
      const match = matches.find((one) => one.job === job.id);
      if (match) found.set(match.id, job);
    }
  }
  return found;
}

/** Matches that are hidden because they are about to be deleted; by id, what ends the wait. */
const condemned = new Map();

/**
 * @param {HTMLElement} root
 */
export function showLibrary(root) {
  const view = new Library(root);
  view.start();
  return () => view.stop();
}

class Library {
  /** @type {Match[] | null} */
  #matches = null;
  /** @type {Map<string, Job>} jobs by match */
  #jobs = new Map();
  /** @type {Map<string, () => void>} */
  #followed = new Map();
  #timer = 0;
  #lastLook = 0;
  #isStopped = false;
  #problem = "";
  /** @type {Capabilities | null} */
  #capabilities = null;

  /** @typedef {import("../lib/types.js").Capabilities} Capabilities */

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.search = h("input", {
      type: "search", placeholder: t("searchMatches"), "aria-label": t("searchMatches"),
      oninput: () => this.#draw(),
    });
    this.order = h(
      "select",
      { "aria-label": t("sort"), onchange: () => this.#sorted() },
      Object.keys(ORDERS).map((name) =>
        h("option", { value: name }, t(/** @type {"sort.newest"} */ (`sort.${name}`))),
      ),
    );
    this.order.value = kept("order", "newest");
    const filter = (/** @type {"team" | "reviewer" | "state" | "assignee"} */ label) =>
      h("select", { "aria-label": t(label), onchange: () => this.#draw() });
    this.state = filter("state");
    this.team = filter("team");
    this.reviewer = filter("reviewer");
    this.assignee = filter("assignee");
    const states = /** @type {const} */ (["review", "reviewed", "working", "failed"]);
    fill(this.state, h("option", { value: "" }, t("anyState")), states.map((name) => h("option", { value: name }, t(`filter.${name}`))));
    this.input = h("input", { type: "file", multiple: true, hidden: true, onchange: () => this.#chosen() });
    this.sending = h("ul", { class: "uploads", "aria-label": t("uploads") });
    this.list = h("div", { "aria-live": "off" });
    this.tools = h(
      "div",
      { class: "row tools", hidden: true },
      h("div", { class: "search" }, icon("search"), this.search),
      this.state, this.team, this.reviewer, this.assignee, this.order,
      h("span", { class: "space" }),
      h("span", { class: "quiet-text" }),
    );
    this.dropzone = h(
      "div",
      { class: "drop" },
      icon("upload"),
      h("span", {}, t("drop")),
      h("button", { type: "button", class: "main", onclick: () => this.input.click() }, t("choose")),
      this.input,
    );
  }

  start() {
    fill(
      this.root,
      h(
        "div",
        { class: "sheet" },
        h("h1", { class: "unseen" }, t("library")),
        mayEdit() ? this.dropzone : null,
        this.sending,
        this.tools,
        this.list,
      ),
    );
    for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
      document.addEventListener(kind, this.#dragged);
    }
    uploads.addEventListener("change", this.#drawUploads);
    uploads.addEventListener("match", this.#look);
    this.#drawUploads();
    this.#draw();
    this.#look();
    this.#readCapabilities();
    uploads.resume();
  }

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const end of this.#followed.values()) end();
    for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
      document.removeEventListener(kind, this.#dragged);
    }
    uploads.removeEventListener("change", this.#drawUploads);
    uploads.removeEventListener("match", this.#look);
    document.body.classList.remove("dragging");
  }

  async #readCapabilities() {
    try {
      this.#capabilities = /** @type {Capabilities} */ (await get("/v1/capabilities"));
      this.input.accept = this.#capabilities.upload.suffixes.join(",");
    } catch {
      // the server checks every file anyway
    }
  }

  #sorted() {
    keep("order", this.order.value);
    this.#draw();
  }

  #chosen() {
    this.#take([...(this.input.files ?? [])]);
    this.input.value = "";
  }

  /** @param {File[]} files */
  #take(files) {
    const known = this.#capabilities?.upload;
    const fit = files.filter((file) => {
      const suffix = file.name.slice(file.name.lastIndexOf(".")).toLowerCase();
      if (known && !known.suffixes.includes(suffix)) {
        complain(t("notAVideo", { name: file.name, suffixes: known.suffixes.join(", ") }));
      } else if (known && file.size > known.max_bytes) {
        complain(t("tooLarge", { name: file.name, limit: size(known.max_bytes) }));
      } else if (file.size === 0) {
        complain(t("emptyFile", { name: file.name }));
      } else {
        return true;
      }
      return false;
    });
    const fresh = fit.filter((file) => !uploads.knows(file));
    uploads.add(fit.filter((file) => uploads.knows(file)));
    if (fresh.length < 2 || fresh.length > MOST_HALVES) uploads.add(fresh);
    else this.#askWhetherHalves(fresh);
  }

  /** Several videos may be the halves of one match. @param {File[]} files */
  async #askWhetherHalves(files) {
    let order = files.toSorted((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    const looksSo = order.every((file, place) => new RegExp(`(^|[^0-9])${place + 1}([^0-9]|$)`).test(file.name));
    const rows = h("ol", { class: "file-rows" });
    const draw = () =>
      fill(
        rows,
        order.map((file, place) =>
          h(
            "li",
            { class: "row" },
            h("span", { class: "grow" }, t("halfOf", { half: place + 1, name: file.name })),
            iconButton("up", t("clipUp", { name: file.name }), {
              disabled: place === 0,
              onclick: () => {
                order = order.toSpliced(place, 1).toSpliced(place - 1, 0, file);
                draw();
              },
            }),
          ),
        ),
      );
    draw();
    const button = (/** @type {string} */ answer, /** @type {string} */ text, /** @type {boolean} */ isMain, /** @type {(answer: string) => void} */ close) =>
      h("button", { type: "button", class: isMain ? "main" : null, autofocus: isMain, onclick: () => close(answer) }, text);
    const answer = await openDialog(t("groupAsk", { count: order.length }), (close) => [
      h("p", { class: "quiet-text" }, t("groupHow")),
      rows,
      h(
        "div",
        { class: "dialog-foot" },
        button("many", t("groupMany", { count: order.length }), !looksSo, close),
        button("one", t("groupOne"), looksSo, close),
      ),
    ]);
    if (answer) uploads.add(order, answer === "one");
  }

  /** @param {Event} event */
  #dragged = (event) => {
    if (!(event instanceof DragEvent) || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (!mayEdit()) return;
    const leaves = event.type === "dragleave" && event.relatedTarget === null;
    document.body.classList.toggle("dragging", event.type !== "drop" && !leaves);
    if (event.type === "drop") this.#take([...event.dataTransfer.files]);
  };

  /** Read all anew; of several at once the last to begin counts. */
  #look = async () => {
    clearTimeout(this.#timer);
    const look = (this.#lastLook += 1);
    const isOver = () => this.#isStopped || look !== this.#lastLook;
    try {
      /** @type {{items: Match[]}} */
      const { items } = await getAll("/v1/matches?limit=200");
      const jobs = await openJobs(items);
      if (isOver()) return;
      this.#matches = items;
      this.#jobs = jobs;
      this.#problem = "";
      this.#follow();
    } catch (error) {
      if (isOver()) return;
      this.#problem = explain(error);
    }
    this.#draw();
    this.#timer = setTimeout(this.#look, LOOK_SECONDS * 1000);
  };

  /** Follow the first job only: a browser keeps few connections open. */
  #follow() {
    const waiting = (this.#matches ?? []).filter((match) => match.job).toReversed();
    const isRunning = (/** @type {Match} */ match) => this.#jobs.get(match.id)?.state === "running";
    const first = (waiting.find(isRunning) ?? waiting[0])?.job;
    for (const [id, end] of this.#followed) {
      if (id === first) continue;
      end();
      this.#followed.delete(id);
    }
    if (!first || this.#followed.has(first)) return;
    const end = followJob(first, (job) => {
      if (!job || job.state !== "running") this.#followed.delete(first);
      if (job?.match) this.#jobs.set(job.match, job);
      if (!job || ["succeeded", "failed", "cancelled"].includes(job.state)) this.#look();
      else this.#drawProgress(job);
    });
    this.#followed.set(first, end);
  }

  #drawUploads = () => {
    fill(this.sending, uploads.items.map((item) => this.#upload(item)));
  };

  /** @param {Sending} item */
  #upload(item) {
    const { name, size: bytes, received } = item.stored;
    const speed = item.speed;
    const left = item.secondsLeft;
    const facts = [`${size(received)} / ${size(bytes)}`];
    if (item.state === "sending" && speed) facts.push(`${size(speed)}/s`);
    if (item.state === "sending" && left !== null) facts.push(t("left", { time: clock(left) }));
    const words = item.problem || t(`upload.${item.state}`);
    return h(
      "li",
      { class: "card upload" },
      h(
        "div",
        { class: "row" },
        h("span", { class: "title" }, name),
        h("span", { class: "space" }),
        item.state === "stopped"
          ? h("button", { type: "button", onclick: () => this.input.click() }, t("chooseAgain"))
          : null,
        item.state === "failed" || item.state === "elsewhere"
          ? h("button", { type: "button", onclick: () => uploads.again(item) }, t("again"))
          : null,
        iconButton("close", t("dropUpload", { name }), { onclick: () => uploads.drop(item) }),
      ),
      h("progress", { value: received, max: bytes, "aria-label": name }),
      h("div", { class: "row quiet-text number" }, h("span", {}, words), h("span", {}, facts.join(" · "))),
    );
  }

  #draw() {
    if (this.#isStopped) return;
    if (this.#matches === null) {
      fill(
        this.list,
        this.#problem
          ? h("p", { class: "problem" }, this.#problem)
          : h("p", { class: "quiet-text", role: "status" }, t("loading")),
      );
      return;
    }
    const all = this.#matches.filter((match) => !condemned.has(match.id));
    this.tools.hidden = all.length === 0;
    if (all.length === 0) {
      fill(this.list, this.#empty());
      return;
    }
    this.#offer(this.team, t("anyTeam"), all.flatMap(teams));
    this.#offer(this.reviewer, t("anyReviewer"), all.flatMap((match) => match.reviewers));
    this.#offerAssignees(all);
    const sought = this.search.value.trim().toLowerCase();
    const shown = all
      .filter((match) => words(match).includes(sought))
      .filter((match) => STATES[this.state.value]?.(match) ?? true)
      .filter((match) => !this.team.value || teams(match).includes(this.team.value))
      .filter((match) => !this.reviewer.value || match.reviewers.includes(this.reviewer.value))
      .filter((match) => isAssigned(match, this.assignee.value))
      .sort(ORDERS[this.order.value] ?? ORDERS.newest);
    const count = this.tools.lastElementChild;
    if (count) fill(count, n("matches", shown.length));
    if (shown.length === 0) {
      const isFiltered = [this.state, this.team, this.reviewer, this.assignee].some((select) => select.value);
      fill(this.list, h("p", { class: "quiet-text" }, isFiltered ? t("noneFits") : t("noneFound", { words: sought })));
      return;
    }
    this.#drawCards(shown);
  }

  /**
   * Offer the values that matches have; without any, there is nothing to choose.
   *
   * @param {HTMLSelectElement} select
   * @param {string} any
   * @param {string[]} values
   */
  #offer(select, any, values) {
    const known = [...new Set(values)].sort((a, b) => a.localeCompare(b));
    const before = select.value;
    select.hidden = !known.length;
    if (select === document.activeElement) return;
    fill(select, h("option", { value: "" }, any), known.map((value) => h("option", { value }, value)));
    select.value = known.includes(before) ? before : "";
  }

  /** Offer one's own matches, those of nobody, and those of everybody who has some. @param {Match[]} all */
  #offerAssignees(all) {
    const wanted = this.assignee.value;
    const names = all.flatMap((match) => match.assignee ?? []);
    const me = session.current?.name ?? "";
    this.#offer(this.assignee, t("anyAssignee"), names.filter((name) => name !== me));
    this.assignee.hidden = !names.length;
    if (this.assignee === document.activeElement) return;
    const more = [h("option", { value: NOBODY }, t("assignedToNobody"))];
    if (names.includes(me)) more.unshift(h("option", { value: me }, t("assignedToMe")));
    this.assignee.firstElementChild?.after(...more);
    this.assignee.value = wanted;
    if (this.assignee.selectedIndex < 0) this.assignee.value = "";
  }

  /** @param {Match[]} shown */
  #drawCards(shown) {
    let list = this.list.querySelector("ul.matches");
    if (!list) {
      list = h("ul", { class: "matches" });
      fill(this.list, list);
    }
    /** @type {Map<string | undefined, HTMLElement>} */
    const there = new Map(
      [.../** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("li"))].map((card) => [
        card.dataset.version,
        card,
      ]),
    );
    const cards = shown.map((match) => {
      const version = [
        match.id, match.version, match.state, match.job, match.title, match.result, match.poster,
        ...match.reviewers, ...Object.values(match.counts),
      ].join(" ");
      const card = there.get(version) ?? this.#card(match);
      card.dataset.version = version;
      card.dataset.match = match.id;
      return card;
    });
    const focused = document.activeElement;
    if (cards.length !== list.children.length || cards.some((card, i) => list.children[i] !== card)) {
      fill(list, cards);
      if (focused instanceof HTMLElement && focused.isConnected) focused.focus();
    }
    for (const job of this.#jobs.values()) this.#drawProgress(job);
  }

  /** @param {Match} match */
  #card(match) {
    const seconds = match.info.duration_seconds;
    const pictures = match.thumbnails.count ?? 0;
    const poster = pictures
      ? h("img", {
          src: linkTo(`/v1/matches/${match.id}/thumbnails/${match.poster ?? 0}`),
          alt: "", loading: "lazy",
        })
      : icon("clip");
    const { pending, accepted, rejected } = match.counts;
    const state = stateOf(match);
    return h(
      "li",
      { class: "card match-card" },
      h(
        "div",
        { class: pictures ? "poster" : "poster none" },
        poster,
        seconds ? h("span", { class: "length number" }, clock(seconds)) : null,
      ),
      h(
        "div",
        { class: "text" },
        h("h2", {}, h("a", { href: `#/matches/${match.id}` }, match.title)),
        teams(match).length || match.result
          ? h("p", { class: "teams" }, teams(match).length ? h("span", {}, match.game?.home ?? "–") : null, h("strong", { class: "number" }, match.result ?? "–"), teams(match).length ? h("span", {}, match.game?.away ?? "–") : null)
          : null,
        h("span", { class: `state ${state}` }, t(`state.${state}`)),
        match.assignee ? h("span", { class: "assigned quiet-text" }, icon("pencil"), t("assignedTo", { name: match.assignee })) : null,
        match.problem && state !== "cancelled" ? h("p", { class: "problem" }, match.problem) : null,
        match.state === "ready"
          ? h(
              "span",
              { class: "quiet-text number" },
              n("events", pending + accepted + rejected),
              pending ? ` · ${t("toReview", { count: pending.toLocaleString() })}` : "",
            )
          : null,
        match.state === "ready" && pending + accepted + rejected ? this.#review(match) : null,
        h("div", { class: "job-progress stack", hidden: !match.job }),
        h("span", { class: "space" }),
        h(
          "div",
          { class: "foot" },
          h(
            "span",
            { class: "quiet-text" },
            date(match.created_at),
            match.stored_bytes ? ` · ${size(match.stored_bytes)}` : "",
          ),
          h("span", { class: "space" }),
          mayEdit()
            ? iconButton("trash", t("deleteMatch", { title: match.title }), {
                onclick: () => this.#remove(match),
              })
            : null,
        ),
      ),
    );
  }

  /** How far its events are reviewed, and by whom. @param {Match} match */
  #review(match) {
    const share = reviewed(match);
    const names = match.reviewers.slice(0, 3).join(", ");
    const text = names ? t("reviewedBy", { share: percent(share), names }) : t("reviewedShare", { share: percent(share) });
    return h(
      "div",
      { class: "review-share" },
      h("progress", { value: share, max: 1, "aria-label": text }),
      h("span", { class: "quiet-text number" }, text),
    );
  }

  /** What stays the same stays in its place, for the pointer and the focus that are on it. @param {Job} job */
  #drawProgress(job) {
    const box = this.list.querySelector(`[data-match="${job.match}"] .job-progress`);
    if (!(box instanceof HTMLElement)) return;
    const isOpen = job.state === "queued" || job.state === "running";
    box.hidden = !isOpen;
    if (!isOpen) return;
    if (box.dataset.job !== job.id) this.#beginProgress(box, job);
    const [bar, words] = [box.querySelector("progress"), box.querySelector(".job-words")];
    if (bar) bar.value = job.progress;
    if (words) words.textContent = jobWords(job, (id) => this.#matches?.find((match) => match.id === id)?.title);
  }

  /** @param {HTMLElement} box @param {Job} job */
  #beginProgress(box, job) {
    box.dataset.job = job.id;
    fill(
      box,
      h("progress", { value: job.progress, max: 1, "aria-label": t("working") }),
      h(
        "div",
        { class: "row" },
        h("span", { class: "job-words quiet-text number" }),
        h("span", { class: "space" }),
        mayEdit()
          ? h("button", { type: "button", class: "quiet", onclick: () => this.#cancel(job) }, t("cancel"))
          : null,
      ),
    );
  }

  /** @param {Job} job */
  async #cancel(job) {
    try {
      await change("POST", `/v1/jobs/${job.id}/cancel`);
    } catch (error) {
      complain(explain(error));
    }
    this.#look();
  }

  #empty() {
    return h(
      "div",
      { class: "empty" },
      h("h2", {}, t("emptyTitle")),
      h("ol", {}, h("li", {}, t("empty1")), h("li", {}, t("empty2")), h("li", {}, t("empty3"))),
      mayEdit()
        ? h("button", { type: "button", onclick: this.#sample }, icon("play"), t("sample"))
        : null,
      h("p", { class: "quiet-text" }, t("sampleWhat")),
    );
  }

  /** @param {Event} event */
  #sample = async (event) => {
    const button = /** @type {HTMLButtonElement} */ (event.currentTarget);
    button.disabled = true;
    try {
      await change("POST", "/v1/matches/sample");
      await this.#look();
    } catch (error) {
      complain(explain(error));
      button.disabled = false;
    }
  };

  /**
   * Hide a match; delete it when there was time to think again, or when the page is left.
   *
   * @param {Match} match
   */
  #remove(match) {
    let isDone = false;
    const now = async () => {
      if (isDone) return;
      isDone = true;
      removeEventListener("pagehide", now);
      try {
        await ask("DELETE", `/v1/matches/${match.id}`, { keepalive: true });
      } catch (error) {
        if (error instanceof LostConnection) {
          isDone = false;
          return void connection.whenThere().then(now);
        }
        condemned.delete(match.id);
        if (!(error instanceof ApiError && error.status === 404)) complain(explain(error));
      }
      this.#look();
    };
    addEventListener("pagehide", now);
    condemned.set(match.id, now);
    notify(t("deleted", { title: match.title }), {
      actions: [
        {
          label: t("undo"),
          act: () => {
            isDone = true;
            removeEventListener("pagehide", now);
            condemned.delete(match.id);
            this.#draw();
          },
        },
      ],
      gone: now,
    });
    this.#draw();
  }
}
