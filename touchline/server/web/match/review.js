/** The review page of one match: puts its parts together and runs the commands of its keys. */

import { connection, get, linkTo, mayEdit, session } from "../lib/api.js";
import { fill, h, icon, iconButton, oncePerFrame } from "../lib/dom.js";
import { clock, rateOf } from "../lib/format.js";
import { notify, openDialog } from "../lib/notices.js";
import { keep, kept } from "../lib/storage.js";
import { n, t } from "../lib/texts.js";
import { addToPlaylist } from "../playlists/add.js";
import { TaggingPanel } from "../tagging/panel.js";
import { BulkReview } from "./bulk.js";
import { isBelow, nextPending, nextUncertain } from "./choosing.js";
import { chooseClass } from "./class-choice.js";
import { ClassPanel } from "./classes.js";
import { clockAt, clockByEvents, goalsIn, halvesOf, matchState, periods, score, scoreByEvents, teamName } from "./clock.js";
import { showAgreement } from "./agreement.js";
import { EventComments } from "./comments.js";
import { PlayerControls } from "./controls.js";
import { EventFilter } from "./event-filter.js";
import { EventInspector } from "./inspector.js";
import { EventList } from "./event-list.js";
import { Keys, classOf, showKeys } from "./keys.js";
import { showDetails, showFiles, showRespot, showShares } from "./menus.js";
import { VideoOverlay } from "./overlay.js";
import { MatchPresence } from "./presence.js";
import { Palette } from "./palette.js";
import { Player } from "./player.js";
import { ReelPanel } from "./reel-panel.js";
import { paneBars } from "./panes.js";
import { SavingState } from "./saving.js";
import { around, habits, showHabits, stretchOf } from "./settings.js";
import { MatchStore } from "./store.js";
import { Stretches } from "./stretches.js";
import { Thresholds } from "./thresholds.js";
import { MatchTimeline } from "./timeline.js";
import { showTriage } from "./triage.js";

/** @typedef {import("../lib/types.js").Match} Match */
/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("../lib/types.js").Scores} Scores */

const CURVE_POINTS = 20_000;
const JUMP_SECONDS = 10;
const TABS = /** @type {const} */ (["events", "classes", "tagging", "reel"]);
/** @typedef {(typeof TABS)[number]} Tab */

export class MatchReview {
  /** @type {string | null} */
  #selected = null;
  /** @type {MatchEvent[]} those that reels, files and the overlay may show */
  #visible = [];
  #palette = new Palette();
  #offered = "";
  #isStopped = false;
  /** @type {import("../lib/types.js").MatchEvent[]} events that state the match clock */
  #stated = [];
  /** @type {import("./clock.js").Period[]} */
  #periods = [];
  /** @type {MatchEvent[]} */
  #goals = [];

  /** @param {HTMLElement} root @param {Match} match */
  constructor(root, match) {
    this.root = root;
    this.match = match;
    this.rate = rateOf(match.info.proxy?.frame_rate ?? match.info.frame_rate);
    this.duration = match.info.proxy?.duration_seconds ?? match.info.duration_seconds ?? 1;
    this.store = new MatchStore(match);
    this.player = new Player(linkTo(`/v1/matches/${match.id}/video`), this.rate, this.duration);
    this.thresholds = new Thresholds(match);
    this.keys = new Keys(match.labels);
    this.timeline = new MatchTimeline();
    this.overlay = new VideoOverlay();
    this.controls = new PlayerControls(this.player, (command) => this.run(command));
    this.saving = new SavingState(this.store, this.thresholds);
    this.filter = new EventFilter();
    this.bulk = new BulkReview((status) => this.#reviewAll(status));
    this.list = new EventList();
    this.list.setAttribute("tabindex", "-1");
    this.inspector = new EventInspector();
    this.comments = new EventComments();
    this.presence = new MatchPresence();
    this.classes = new ClassPanel();
    this.reel = new ReelPanel();
    this.tagging = new TaggingPanel();
    this.stretches = new Stretches({
      store: this.store, player: this.player, timeline: this.timeline, reel: this.reel, selected: () => this.selected,
    });
  }

  async start() {
    this.#palette = new Palette(await get("/web/palette.json"));
    this.#build();
    this.#wire();
    this.thresholds.start();
    await this.store.start();
    if (this.#isStopped) return;
    this.presence.start(this.store.path);
    this.#changed();
    await this.reel.start(this.store, this.player, this.match.labels);
    this.#readCurves();
  }

  stop() {
    this.#isStopped = true;
    this.store.stop();
    this.thresholds.stop();
    this.presence.stop();
    this.player.stop();
    document.removeEventListener("keydown", this.#pressed);
    this.saving.stop();
    connection.removeEventListener("back", this.#reload);
    this.reel.stop();
  }

  /** @param {string} label */
  colourOf = (label) => {
    const own = this.match.labels.includes(label) ? null : this.tagging.own.get(label)?.colour;
    return own ?? this.#palette.colour(this.match.labels, label);
  };

  /** Classes of the model, and further ones that people use. */
  get labels() {
    const own = new Set(this.match.labels);
    const others = new Set(this.store.sorted.map((event) => event.label).filter((label) => !own.has(label)));
    return [...this.match.labels, ...[...others].sort()];
  }

  /** What an event can be: those of the model and of the code window first, whose keys stay so. */
  get classLabels() {
    const known = new Set([...this.match.labels, ...this.tagging.own.keys()]);
    return [...known, ...this.labels.filter((label) => !known.has(label)).sort()];
  }

  get selected() {
    return this.store.find(this.#selected) ?? null;
  }

  // ------------------------------------------------------------------ building

  #build() {
    const { match } = this;
    for (const part of [this.list, this.inspector, this.classes]) {
      part.isEditable = mayEdit();
    }
    this.list.colourOf = this.colourOf;
    this.overlay.colourOf = this.colourOf;
    this.overlay.stateOf = (event) => matchState(match, event);
    this.overlay.hidden = !kept("overlay", false);
    this.controls.showOverlay(!this.overlay.hidden);
    this.list.factsOf = (event) => {
      const team = event.team && teamName(match, event.team);
      const comments = event.comments ? n("comments", event.comments) : null;
      return [comments, this.#stateOf(event), team, event.player, ...(event.descriptors ?? []).map(({ text }) => text), event.note].filter(Boolean).join(" · ");
    };
    this.reel.thumbnailAt = (seconds) => this.#thumbnail(seconds);
    this.list.thumbnailAt = (seconds) => this.#thumbnail(seconds);
    this.reel.isShown = (event) => !isBelow(event, this.thresholds.values);
    this.inspector.hasHalves = halvesOf(match).length > 0;
    this.inspector.stateOf = (event) => this.#stateOf(event);
    this.timeline.stateOf = (event) => matchState(match, event);
    this.comments.path = this.store.path;
    this.tagging.labels = match.labels;
    this.tagging.colourOf = this.colourOf;
    this.tagging.tag = (label, values, seconds) => this.tag(label, values, seconds);
    this.tagging.edit = (id, values) => this.store.change(id, values);
    this.tagging.find = (id) => this.store.find(id);
    this.tagging.playhead = () => this.player.playhead;
    this.presence.here = () => ({ event: this.#selected, seconds: this.player.seconds });
    this.presence.nameOf = (id) => {
      const event = this.store.find(id);
      return event ? `${event.label} ${clock(event.time)}` : "";
    };
    this.classes.colourOf = this.colourOf;
    this.classes.keyOf = (label) => this.keys.keyOfClass(label);
    this.timeline.duration = this.duration;
    this.timeline.rate = this.rate;
    this.timeline.shape = shapeOf(match);
    this.timeline.thumbnailAt = (seconds) => this.#thumbnail(seconds);
    this.undoButton = iconButton("undo", t("undo"), { disabled: true, onclick: () => this.run("undo") });
    this.redoButton = iconButton("redo", t("redo"), { disabled: true, onclick: () => this.run("redo") });
    this.videoProblem = h("div", { class: "video-problem problem", role: "alert", hidden: true });
    this.tabs = Object.fromEntries(TABS.map((name) => [name, this.#tab(name)]));
    this.panels = Object.fromEntries(TABS.map((name) => [name, this.#panel(name)]));
    const bars = paneBars(() => this.root.querySelector(".review"));
    fill(
      this.root,
      h(
        "div",
        { class: "review" },
        this.#head(),
        h(
          "section",
          { class: "stage", "aria-label": t("video") },
          h("div", { class: "video-box" }, this.player.video, this.overlay, this.videoProblem),
          this.controls.element,
        ),
        h("section", { class: "timeline-box", "aria-label": t("timeline") }, this.timeline),
        h(
          "section",
          { class: "side", "aria-label": t("review") },
          h("div", { class: "tabs", role: "tablist", onkeydown: (/** @type {KeyboardEvent} */ event) => this.#turnTabs(event) }, Object.values(this.tabs)),
          Object.values(this.panels),
        ),
        bars,
      ),
    );
    this.timeline.setLanes(match.labels, this.colourOf);
    this.timeline.setMarks(
      halvesOf(match).map(({ start, half }) => ({ start: start ?? 0, text: t("halfNumber", { half: half ?? "" }) })),
    );
    this.timeline.fit();
    this.#showTab("events");
  }

  /** Offer the classes that there are now, wherever one is chosen. */
  #offerClasses() {
    const labels = this.classLabels;
    const offered = labels.map((label) => `${label} ${this.colourOf(label)}`).join("\n");
    if (offered === this.#offered) return;
    this.#offered = offered;
    this.keys.labels = labels;
    this.inspector.labels = labels;
    this.classes.build(labels, this.thresholds.values);
    this.tagging.offer(this.labels);
    this.filter.offer(labels);
  }

  #head() {
    const title = h("h1", {}, this.match.title);
    const button = (/** @type {import("../lib/dom.js").IconName} */ drawing, /** @type {string} */ text, /** @type {() => void} */ act) =>
      h("button", { type: "button", class: "quiet worded", onclick: act, title: text, "aria-label": text }, icon(drawing), h("span", {}, text));
    return h(
      "div",
      { class: "review-head" },
      title,
      mayEdit() ? button("pencil", t("details"), () => this.#details(title)) : null,
      h("span", { class: "space" }),
      this.presence,
      this.saving.saved,
      mayEdit() ? [this.undoButton, this.redoButton] : null,
      mayEdit() ? button("grid", t("triage"), () => this.run("triage")) : null,
      button("download", t("files"), () => this.#files()),
      mayEdit()
        ? [
            button("share", t("share"), () => showShares(`/v1/matches/${this.match.id}/shares`, t("shareHow"))),
            button("spark", t("respot"), () => showRespot(this.match, this.#reload)),
          ]
        : null,
      iconButton("keys", t("key.help"), { onclick: () => this.run("help"), class: "quiet icon-only for-keys" }),
      this.match.info.ran ? h("p", { class: "quiet-text ran" }, this.match.info.ran) : null,
      this.match.warnings.length ? h("p", { class: "warning" }, this.match.warnings.join(" ")) : null,
      this.saving.refused,
    );
  }

  /** @param {Tab} name */
  #tab(name) {
    return h(
      "button",
      {
        type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`,
        onclick: () => this.#showTab(name),
      },
      t(`tab.${name}`),
    );
  }

  /** @param {Tab} name */
  #panel(name) {
    const content = { events: () => this.#eventsPanel(), classes: () => this.#classesPanel(), tagging: () => [this.tagging], reel: () => [this.reel] };
    return h(
      "div",
      { class: `panel panel-${name}`, role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}` },
      content[name](),
    );
  }

  /** @param {KeyboardEvent} event */
  #turnTabs(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const place = TABS.findIndex((name) => this.tabs?.[name] === document.activeElement);
    if (!step || place < 0) return;
    event.preventDefault();
    const next = TABS[(place + step + TABS.length) % TABS.length] ?? "events";
    this.#showTab(next);
    this.tabs?.[next]?.focus();
  }

  /** @param {Tab} name */
  #showTab(name) {
    for (const one of TABS) {
      const isShown = one === name;
      this.tabs?.[one]?.setAttribute("aria-selected", String(isShown));
      if (this.tabs?.[one]) this.tabs[one].tabIndex = isShown ? 0 : -1;
      if (this.panels?.[one]) this.panels[one].hidden = !isShown;
    }
    this.#changed();
  }

  #eventsPanel() {
    const { statuses, find, box, nothing } = this.filter;
    return [statuses, find, box, this.list, nothing, mayEdit() ? this.bulk.element : null, this.inspector, this.comments];
  }

  #classesPanel() {
    return [
      h(
        "div",
        { class: "row" },
        h("button", { type: "button", onclick: () => showHabits(this.classLabels) }, t("habits")),
        h("button", { type: "button", class: "for-keys", onclick: () => this.run("help") }, icon("keys"), t("keysTitle")),
        session.current?.guest_of === null ? h("button", { type: "button", onclick: () => showAgreement(this.match, (seconds) => this.player.seek(seconds)) }, t("agreement")) : null,
      ),
      this.classes,
    ];
  }

  // -------------------------------------------------------------------- wiring

  #wire() {
    const { store, player, timeline, list, inspector, classes, reel } = this;
    const on = (/** @type {EventTarget} */ source, /** @type {string} */ kind, /** @type {(detail: any) => void} */ act) =>
      source.addEventListener(kind, (event) => act(/** @type {CustomEvent} */ (event).detail));
    store.addEventListener("change", this.#changed);
    on(this.thresholds, "change", this.#changed);
    on(this.filter, "change", this.#changed);
    on(store, "problem", (text) => notify(text || t("nothingToUndo"), { kind: text ? "problem" : "info" }));
    on(store, "gone", () => this.#gone());
    on(store, "apart", (title) => notify(t("reelChanged", { title }), { kind: "problem" }));
    connection.addEventListener("back", this.#reload);
    on(player, "time", () => this.#drawTime());
    on(player, "problem", () => this.#videoFailed());
    player.video.addEventListener("click", () => this.run("playPause"));
    on(timeline, "seek", (seconds) => player.seek(seconds));
    on(timeline, "pick", (id) => this.select(id));
    on(timeline, "lane", (label) => this.filter.turnTo(label));
    on(list, "pick", (id) => this.select(id));
    on(list, "accept", (id) => this.#judge("accepted", id));
    on(list, "reject", (id) => this.#judge("rejected", id));
    on(inspector, "edit", ({ id, values }) => store.change(id, values));
    on(inspector, "do", (command) => this.run(command));
    on(classes, "tag", (label) => this.tag(label));
    on(classes, "only", (label) => {
      this.filter.turnTo(label);
      this.#showTab("events");
    });
    this.tagging.addEventListener("drawn", () => this.#changed());
    on(classes, "threshold", ({ label, value }) => this.thresholds.set(label, value));
    on(this.presence, "follow", ({ event, seconds }) => (event && store.find(event) ? this.select(event) : player.seek(seconds ?? 0)));
    on(reel, "clips", () => timeline.setClips(reel.clips));
    document.addEventListener("keydown", this.#pressed);
    if (player.video.error) this.#videoFailed();
  }

  async #readCurves() {
    try {
      /** @type {Scores} */
      const scores = await get(`/v1/matches/${this.match.id}/scores?points=${CURVE_POINTS}`);
      this.timeline.setCurves(scores);
    } catch {
      // matches whose events were imported have no curves
    }
  }

  /** @param {number} seconds */
  #thumbnail(seconds) {
    const { count, every_seconds: every } = this.match.thumbnails;
    if (!count || !every) return null;
    const place = Math.min(count - 1, Math.max(0, Math.round(seconds / every)));
    return { src: linkTo(`/v1/matches/${this.match.id}/thumbnails/${place}`) };
  }

  #videoFailed() {
    if (!this.videoProblem || connection.isLost) return;
    const code = this.player.video.error?.code;
    const isPlayable = code === MediaError.MEDIA_ERR_NETWORK;
    fill(
      this.videoProblem,
      h("p", {}, isPlayable ? t("videoLost") : t("videoUnplayable")),
      h(
        "div",
        { class: "row" },
        h("button", { type: "button", onclick: this.#reload }, t("again")),
        h("a", { class: "button", href: linkTo(`/v1/matches/${this.match.id}/original`), download: this.match.video }, t("downloadOriginal")),
      ),
    );
    this.videoProblem.hidden = false;
  }

  /** After a lost connection, or new work on the match: look at everything again. */
  #reload = async () => {
    this.saving.draw();
    if (this.videoProblem && this.player.video.error) {
      const at = this.player.seconds;
      this.player.video.load();
      this.videoProblem.hidden = true;
      this.player.seek(at);
    }
    this.#readCurves();
  };

  #gone() {
    this.player.pause();
    const events = JSON.stringify({ title: this.match.title, events: this.store.sorted }, null, 2);
    const file = URL.createObjectURL(new Blob([events], { type: "application/json" }));
    openDialog(t("goneTitle"), () => [
      h("p", {}, t("gone")),
      h(
        "div",
        { class: "dialog-foot" },
        h("a", { class: "button", href: file, download: "events.json" }, t("keepEvents")),
        h("a", { class: "button main", href: "#/" }, t("library")),
      ),
    ]);
  }

  // -------------------------------------------------------------------- showing

  #changed = oncePerFrame(() => this.#draw());

  #draw() {
    if (this.#isStopped || !this.store.isLoaded) return;
    const events = this.store.sorted;
    this.#periods = periods(this.match, events);
    this.#goals = goalsIn(events);
    this.#stated = events.filter((event) => event.clock_seconds !== null);
    this.#visible = events.filter((event) => event.status !== "rejected" && !isBelow(event, this.thresholds.values));
    this.filter.choose(events, this.thresholds.values);
    const { shown, values } = this.filter;
    const seen = new Set(shown.map((event) => event.id));
    const hidden = seen.size === events.length ? new Set() : new Set(events.filter((event) => !seen.has(event.id)).map((event) => event.id));
    this.#offerClasses();
    this.timeline.setLanes(this.labels, this.colourOf);
    this.timeline.setEvents(events);
    this.timeline.dim(/** @type {Set<string>} */ (hidden));
    this.timeline.select(this.selected?.id ?? null);
    this.timeline.markLanes(values.label ? [values.label] : []);
    this.list.show(shown);
    this.list.select(this.selected?.id ?? null, false);
    const teams = [...new Set(events.map((event) => event.team).filter((team) => team !== null))].sort();
    this.inspector.show(this.selected, teams);
    this.comments.show(this.selected);
    this.tagging.show(this.selected);
    this.classes.update(events, this.thresholds.values);
    this.filter.draw(events, teams);
    this.bulk.draw(this.filter.pending);
    this.saving.draw();
    this.#drawTime();
    if (this.undoButton) this.undoButton.disabled = !this.store.canUndo;
    if (this.redoButton) this.redoButton.disabled = !this.store.canRedo;
  }

  /** @param {MatchEvent} event @returns {string | null} where in the match it lies: as it says, else by the kick-offs */
  #stateOf(event) {
    return matchState(this.match, event) || this.#clockAt(event.time);
  }

  /** @param {number} seconds */
  #clockAt(seconds) {
    return clockByEvents(this.#stated, seconds) ?? clockAt(this.#periods, seconds);
  }

  #drawTime() {
    const { player } = this;
    const { seconds } = player;
    this.timeline.setPlayhead(seconds, player.isPlaying);
    const known = [
      this.#clockAt(seconds),
      scoreByEvents(this.match, this.store.sorted, seconds) ?? score(this.match, this.#goals, seconds),
    ];
    const state = known.filter(Boolean).join(" · ");
    this.controls.drawTime(state, this.rate);
    this.overlay.show(this.#visible, seconds, state);
  }

  // -------------------------------------------------------------------- acting

  /**
   * Select an event, bring it into view and play it.
   *
   * @param {string | null} id
   */
  select(id) {
    const event = this.store.find(id);
    this.#selected = event?.id ?? null;
    if (event) {
      if (habits().plays) this.player.playStretch(...stretchOf(event));
      else this.player.seek(event.time);
      this.timeline.reveal(event.time);
    }
    this.list.select(this.#selected);
    this.#changed();
  }

  /** @param {number} step */
  #move(step) {
    const { shown } = this.filter;
    if (!shown.length) return;
    const place = shown.findIndex((event) => event.id === this.#selected);
    const start = place < 0 ? shown.findIndex((event) => event.time >= this.player.playhead) - (step > 0 ? 1 : 0) : place;
    const next = Math.min(Math.max(start + step, 0), shown.length - 1);
    this.select(shown[next]?.id ?? null);
  }

  /** @param {"accepted" | "rejected" | "pending"} status @param {string | null} id */
  #judge(status, id) {
    const event = this.store.find(id);
    if (!mayEdit()) return;
    if (!event) return void this.select(nextPending(this.filter.shown, null)?.id ?? null);
    const next = status === "pending" ? undefined : nextPending(this.filter.shown, event.id);
    this.store.change(event.id, { status });
    if (event.id === this.#selected && next) this.select(next.id);
  }

  /** @param {"accepted" | "rejected"} status */
  #reviewAll(status) {
    const ids = this.bulk.idsFor(status);
    if (!ids.length) return;
    this.store.review(ids, status);
    notify(n(status === "accepted" ? "acceptedMany" : "rejectedMany", ids.length), {
      actions: [{ label: t("undo"), act: () => this.run("undo") }],
    });
  }

  /**
   * Mark that something happens now; while the video plays, a little before now.
   *
   * @param {string} label
   * @param {Partial<import("../lib/types.js").EventValues>} [values]
   * @param {number} [seconds] when it was, if that is known
   * @returns {string | null} the event's id
   */
  tag(label, values = {}, seconds = this.player.playhead) {
    if (!mayEdit()) return null;
    const late = this.player.isPlaying && this.player.speed > 0 ? habits().reaction * this.player.speed : 0;
    const frame = Math.max(0, Math.round((seconds - late) * this.rate));
    const time = Math.round((frame / this.rate) * 1000) / 1000;
    const id = this.store.add({ ...values, ...lengthWithin(values, time, this.duration), time, label });
    this.#selected = id;
    this.#changed();
    return id;
  }

  /** @param {number} frames @param {number} seconds */
  #nudge(frames, seconds) {
    const event = this.selected;
    if (!event || !mayEdit()) return;
    const frame = Math.round(event.time * this.rate) + frames;
    const time = Math.min(Math.max(frame / this.rate + seconds, 0), this.duration);
    this.store.change(event.id, { time: Math.round(time * 1000) / 1000 });
    this.player.pause();
    this.player.seek(time);
  }

  /** @param {KeyboardEvent} event */
  #pressed = (event) => {
    if (this.tagging.pressed(event)) return event.preventDefault();
    const action = this.keys.actionOf(event);
    if (!action) return;
    if (["Tab"].includes(event.key)) return;
    event.preventDefault();
    const label = classOf(action);
    if (label === null) this.run(action);
    else this.tag(label);
  };

  /** @type {Record<string, () => void>} */
  #commands = {
    playPause: () => this.player.toggle(),
    backward: () => this.player.backward(),
    forward: () => this.player.forward(),
    frameBack: () => this.player.step(-1),
    frameOn: () => this.player.step(1),
    secondBack: () => this.player.step(-Math.round(this.rate)),
    secondOn: () => this.player.step(Math.round(this.rate)),
    jumpBack: () => this.player.seek(this.player.playhead - JUMP_SECONDS),
    jumpOn: () => this.player.seek(this.player.playhead + JUMP_SECONDS),
    slower: () => this.player.changeSpeed(-1),
    faster: () => this.player.changeSpeed(1),
    mute: () => void (this.player.video.muted = !this.player.video.muted),
    nextEvent: () => this.#move(1),
    previousEvent: () => this.#move(-1),
    nextUncertain: () => this.select(nextUncertain(this.filter.shown, this.#selected)?.id ?? null),
    playEvent: () => this.#playSelected(),
    accept: () => this.#judge("accepted", this.#selected),
    reject: () => this.#judge("rejected", this.#selected),
    pend: () => this.#judge("pending", this.#selected),
    triage: () => this.#triage(),
    acceptAll: () => this.#reviewAll("accepted"),
    earlierFrame: () => this.#nudge(-1, 0),
    laterFrame: () => this.#nudge(1, 0),
    earlierSecond: () => this.#nudge(0, -1),
    laterSecond: () => this.#nudge(0, 1),
    toPlayhead: () => this.#selected && this.store.change(this.#selected, { time: Math.round(this.player.playhead * 1000) / 1000 }),
    changeClass: () => this.#chooseClass(),
    note: () => this.inspector.focusNote(),
    remove: () => this.#remove(),
    undo: () => this.store.undo(),
    redo: () => this.store.redo(),
    addClip: () => this.stretches.addClip(),
    addPlaylist: () => this.#addToPlaylist(),
    markStart: () => this.stretches.mark("start"),
    markEnd: () => this.stretches.mark("end"),
    toPoint: () => this.stretches.toPoint(),
    loop: () => this.stretches.loop(),
    overlay: () => this.#toggleOverlay(),
    zoomIn: () => this.timeline.zoom(2),
    zoomOut: () => this.timeline.zoom(0.5),
    zoomFit: () => this.timeline.fit(),
    find: () => this.filter.find.focus(),
    deselect: () => void (this.stretches.clear() || this.select(null)),
    help: () => void showKeys(this.keys, () => this.classes.build(this.classLabels, this.thresholds.values)).then(() => this.#changed()),
  };

  /** @param {string} command one of `COMMANDS` */
  run(command) {
    const isEdit = ["toPlayhead", "changeClass", "remove", "undo", "redo", "addClip", "addPlaylist", "acceptAll", "triage", "toPoint"].includes(command);
    if (isEdit && !mayEdit()) return;
    this.#commands[command]?.();
  }

  async #addToPlaylist() {
    const event = this.selected;
    if (!event) return;
    await this.store.allSaved();
    const [start, end] = stretchOf(event);
    await addToPlaylist(this.match, event, [event.time - start, end - event.time]);
  }

  #triage() {
    this.player.pause();
    showTriage({
      store: this.store, labels: this.labels, label: this.filter.values.label, keys: this.keys, around,
      video: linkTo(`/v1/matches/${this.match.id}/video`),
      isShown: (event) => !isBelow(event, this.thresholds.values),
      thumbnailAt: (seconds) => this.#thumbnail(seconds),
    });
  }

  #toggleOverlay() {
    this.overlay.hidden = !this.overlay.hidden;
    keep("overlay", !this.overlay.hidden);
    this.controls.showOverlay(!this.overlay.hidden);
    this.#drawTime();
  }

  #playSelected() {
    if (this.selected) this.player.playStretch(...stretchOf(this.selected));
  }

  #remove() {
    const event = this.selected;
    if (!event) return;
    const place = this.filter.shown.findIndex((one) => one.id === event.id);
    const next = this.filter.shown[place + 1] ?? this.filter.shown[place - 1];
    this.store.remove(event.id);
    this.#selected = next?.id ?? null;
    notify(t("eventDeleted", { label: event.label }), {
      actions: [{ label: t("undo"), act: () => this.run("undo") }],
    });
  }

  #chooseClass() {
    const event = this.selected;
    if (!event) return;
    chooseClass(this.classLabels, event.label, this.keys, this.colourOf).then((label) => label && this.store.change(event.id, { label }));
  }

  #files() {
    showFiles(this.match, () => this.#changed());
  }

  /** @param {HTMLElement} title */
  async #details(title) {
    const changed = await showDetails(this.match, this.#periods, this.player.playhead);
    if (!changed) return;
    Object.assign(this.match, changed);
    fill(title, changed.title);
    document.title = `${changed.title} · touchline`;
    this.#changed();
  }
}

/** Width by height of a match's pictures. @param {Match} match */
function shapeOf(match) {
  const { width, height } = match.thumbnails;
  return width && height ? width / height : 16 / 9;
}

/**
 * The length of an event as far as it lies within the match; none where nothing of it does.
 *
 * @param {Partial<import("../lib/types.js").EventValues>} values
 * @param {number} time
 * @param {number} duration of the match
 * @returns {Partial<import("../lib/types.js").EventValues>}
 */
function lengthWithin({ lead, lag }, time, duration) {
  if (typeof lead !== "number" || typeof lag !== "number") return {};
  const before = Math.min(lead, time);
  const after = Math.round(Math.min(lag, Math.max(duration - time, 0)) * 1000) / 1000;
  return before + after > 0 ? { lead: before, lag: after } : { lead: null, lag: null };
}
