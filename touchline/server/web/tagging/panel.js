/** Tagging with a code window: one key for the tag, then one each for who, where and how. */

import { explain, mayEdit } from "../lib/api.js";
import { fill, h, icon, iconButton } from "../lib/dom.js";
import { clock } from "../lib/format.js";
import { complain, openDialog } from "../lib/notices.js";
import { t } from "../lib/texts.js";
import { isForPage, keyName, shownKey } from "../match/keys.js";
import { WindowEditor } from "./editor.js";
import { fromCsv, fromXml, pressedWith, toCsv, toXml, windowOf } from "./window.js";
import { CodeWindows } from "./windows.js";

/** @typedef {import("./window.js").CodeWindow} CodeWindow */
/** @typedef {import("./window.js").CodeButton} CodeButton */
/** @typedef {import("./window.js").CodeGroup} CodeGroup */
/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */
/** @typedef {import("../lib/types.js").EventValues} EventValues */

/** Keys of the options of a group, in this order. */
const OPTION_KEYS = [..."1234567890QWERTYUIOPASDFGHJKLZXCVBNM"];

/** `<tagging-panel>`: buttons, and what is asked after them. Tells `drawn` when they may be others. */
export class TaggingPanel extends HTMLElement {
  /** Add an event at the playhead; its id. @type {(label: string, values: Partial<EventValues>, seconds?: number) => string | null} */
  tag = () => null;
  /** @type {(id: string, values: Partial<EventValues>) => void} */
  edit = () => undefined;
  /** @type {(id: string | null) => MatchEvent | undefined} */
  find = () => undefined;
  /** @type {() => number} */
  playhead = () => 0;
  /** @type {(label: string) => string} */
  colourOf = () => "#888888";
  /** @type {string[]} */
  labels = [];
  #windows = new CodeWindows();
  /** What is still to be asked: groups, and the events that the answers are for. @type {{group: CodeGroup, ids: string[]}[]} */
  #asking = [];
  /** @type {Map<string, number>} toggles that have begun, and when */
  #running = new Map();
  #selected = "";

  connectedCallback() {
    if (this.body) return;
    this.select = h("select", { "aria-label": t("codeWindow"), onchange: () => this.#choose(this.select?.value ?? "") });
    this.input = h("input", { type: "file", accept: ".xml,.csv", hidden: true, "aria-label": t("codeWindowImport"), onchange: () => this.#import() });
    const tool = (/** @type {import("../lib/dom.js").IconName} */ name, /** @type {string} */ text, /** @type {() => void} */ act) => iconButton(name, text, { onclick: act });
    this.undoButton = tool("undo", t("codeWindowUndo"), () => void this.#windows.undo());
    this.redoButton = tool("redo", t("codeWindowRedo"), () => void this.#windows.redo());
    this.tools = h(
      "div",
      { class: "row code-tools" },
      h("div", { class: "grow" }, this.select),
      mayEdit() ? [this.undoButton, this.redoButton, tool("pencil", t("codeWindowEdit"), () => this.#edit()), tool("add", t("codeWindowNew"), () => this.#make()), tool("upload", t("codeWindowImport"), () => this.input?.click())] : null,
      tool("download", t("codeWindowExport"), () => this.#export()),
    );
    this.ask = h("div", { class: "code-ask", role: "group", hidden: true });
    this.body = h("div", { class: "code-grid" });
    this.said = h("div", { class: "stack tight" });
    fill(this, this.tools, this.ask, this.body, this.said, this.input);
    this.#drawTools();
    this.#windows.addEventListener("change", () => this.#draw());
    void this.#windows.read();
  }

  /** The classes that there are: the buttons where no code window is chosen. @param {string[]} labels */
  offer(labels) {
    this.labels = labels;
    if (this.body && !this.#known) this.#draw();
  }

  get #known() {
    return this.#windows.chosen;
  }

  /** @returns {CodeWindow} the chosen one, else a button for each class */
  get window() {
    return this.#known?.window ?? windowOf(this.labels, this.colourOf);
  }

  /** The buttons of the chosen window by their classes; none where it is that of all classes. */
  get own() {
    return new Map((this.#known?.window.buttons ?? []).map((button) => [button.name, button]));
  }

  /** @param {string} id */
  #choose(id) {
    this.#asking = [];
    void this.#windows.choose(id);
  }

  // ------------------------------------------------------------------- tagging

  /**
   * A key that the window has; while something is asked, that of an option. The panel must be in
   * sight.
   *
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it was taken
   */
  pressed(event) {
    if (!this.offsetParent || !mayEdit() || !isForPage(event)) return false;
    const key = keyName(event);
    const asked = this.#asking[0];
    if (asked) {
      if (key === "Escape") return this.#answered(null);
      const option = asked.group.options[OPTION_KEYS.indexOf(key)];
      if (option !== undefined) return this.#answered(option);
    }
    const button = this.window.buttons.find((one) => one.key === key);
    if (!button) return false;
    this.press(button.name);
    return true;
  }

  /** @param {string} name of a button */
  press(name) {
    if (!mayEdit()) return;
    const { groups } = this.window;
    /** @type {Map<string, string[]>} */
    const asks = new Map();
    for (const button of pressedWith(this.window, name)) {
      const id = button.toggle ? this.#toggled(button) : this.tag(button.name, valuesOf(button));
      if (!id) continue;
      for (const group of button.asks) asks.set(group, [...(asks.get(group) ?? []), id]);
    }
    this.#asking = [...asks].flatMap(([group, ids]) => {
      const known = groups.find((one) => one.name === group);
      return known ? [{ group: known, ids }] : [];
    });
    this.#draw();
  }

  /** A toggle begins, or ends as an event with a length. @param {CodeButton} button @returns {string | null} */
  #toggled(button) {
    const begun = this.#running.get(button.name);
    const now = this.playhead();
    if (begun === undefined) {
      this.#running.set(button.name, now);
      return null;
    }
    this.#running.delete(button.name);
    const start = Math.min(begun, now);
    const lag = Math.round(Math.abs(now - begun) * 1000) / 1000;
    return this.tag(button.name, { ...valuesOf(button), ...(lag ? { lead: 0, lag } : {}) }, start);
  }

  /** @param {string | null} option null leaves it open */
  #answered(option) {
    const asked = this.#asking.shift();
    if (asked && option !== null) for (const id of asked.ids) this.#say(id, asked.group, option, false);
    this.#draw();
    return true;
  }

  /**
   * @param {string} id of an event
   * @param {CodeGroup} group
   * @param {string} text
   * @param {boolean} isOneOfSeveral it is added to others of its group, or taken away
   */
  #say(id, group, text, isOneOfSeveral) {
    const event = this.find(id);
    if (!event) return;
    if (group.field) {
      const had = event[group.field];
      return this.edit(id, { [group.field]: isOneOfSeveral && had === text ? null : text });
    }
    const others = (event.descriptors ?? []).filter((one) => one.group !== group.name || (isOneOfSeveral && one.text !== text));
    const had = (event.descriptors ?? []).some((one) => one.group === group.name && one.text === text);
    const now = isOneOfSeveral && had ? others : [...others, { group: group.name, text }];
    this.edit(id, { descriptors: now.length ? now : null });
  }

  // ------------------------------------------------------------------- drawing

  /** @param {MatchEvent | null} event the selected one */
  show(event) {
    const shown = event ? JSON.stringify([event.id, event.team, event.player, event.note, event.descriptors]) : "";
    if (shown === this.#selected) return;
    this.#selected = shown;
    this.#drawSaid(event);
  }

  #draw() {
    if (!this.select || !this.body) return;
    const known = this.#known;
    fill(this.select, h("option", { value: "" }, t("codeWindowClasses")), this.#windows.all.map((one) => h("option", { value: one.id }, one.title)));
    this.select.value = known ? known.id : "";
    this.#drawTools();
    const { buttons } = this.window;
    fill(
      this.body,
      buttons.map((button) => {
        const isRunning = this.#running.has(button.name);
        return h(
          "button",
          {
            type: "button", class: "code-button", disabled: !mayEdit(), "aria-pressed": button.toggle ? String(isRunning) : null,
            style: { "--class": button.colour ?? this.colourOf(button.name), "grid-column": `${button.x + 1} / span ${button.w}`, "grid-row": `${button.y + 1} / span ${button.h}` },
            onclick: () => this.press(button.name),
          },
          h("span", { class: "code-name" }, button.name),
          button.key ? h("kbd", {}, shownKey(button.key)) : null,
        );
      }),
    );
    this.#drawAsk();
    this.#selected = "";
    this.dispatchEvent(new Event("drawn"));
  }

  #drawTools() {
    if (!this.undoButton || !this.redoButton) return;
    const { canUndo, canRedo, undoName } = this.#windows;
    this.undoButton.disabled = !canUndo;
    this.undoButton.title = undoName;
    this.undoButton.setAttribute("aria-label", undoName);
    this.redoButton.disabled = !canRedo;
  }

  #drawAsk() {
    if (!this.ask) return;
    const asked = this.#asking[0];
    this.ask.hidden = !asked;
    if (!asked) return;
    const event = this.find(asked.ids[0] ?? null);
    const title = event ? `${event.label} ${clock(event.time)} · ${asked.group.name}` : asked.group.name;
    this.ask.setAttribute("aria-label", title);
    fill(
      this.ask,
      h("strong", { role: "status" }, title),
      h(
        "div",
        { class: "chips" },
        asked.group.options.map((option, place) =>
          h("button", { type: "button", class: "chip", onclick: () => this.#answered(option) }, OPTION_KEYS[place] ? h("kbd", {}, OPTION_KEYS[place] ?? "") : null, option)),
        h("button", { type: "button", class: "chip quiet", onclick: () => this.#answered(null) }, h("kbd", {}, "Esc"), t("codeSkip")),
      ),
    );
  }

  /** The groups, with what the selected event has of them. @param {MatchEvent | null} event */
  #drawSaid(event) {
    if (!this.said) return;
    const { groups } = this.window;
    if (!event || !groups.length) return fill(this.said, this.#known ? null : h("p", { class: "quiet-text" }, t("codeWindowHow")));
    const has = (/** @type {CodeGroup} */ group, /** @type {string} */ text) =>
      group.field ? event[group.field] === text : Boolean(event.descriptors?.some((one) => one.group === group.name && one.text === text));
    fill(
      this.said,
      h("h2", {}, `${event.label} ${clock(event.time)}`),
      groups.map((group) => h(
        "div",
        { role: "group", "aria-label": group.name },
        h("span", { class: "quiet-text" }, group.name),
        h("div", { class: "chips" }, group.options.map((option) => h("button", { type: "button", class: "chip", disabled: !mayEdit(), "aria-pressed": String(has(group, option)), onclick: () => this.#say(event.id, group, option, true) }, option))),
      )),
    );
  }

  // ------------------------------------------------------------------- windows

  async #edit() {
    const known = this.#known;
    if (!known) return this.#make();
    const editor = new WindowEditor(known, this.colourOf);
    const answer = await openDialog(t("codeWindowEdit"), (close) => editor.content(close), { wide: true });
    if (answer === "delete") await this.#windows.remove(known);
    else if (answer === "save") await this.#windows.save(known, editor.title, editor.window);
  }

  async #make() {
    const before = this.#known;
    await this.#windows.add(t("codeWindowTitle", { count: this.#windows.all.length + 1 }), windowOf(this.labels, this.colourOf));
    if (this.#known?.id !== before?.id) await this.#edit();
  }

  async #import() {
    const file = this.input?.files?.[0];
    if (!file || !this.input) return;
    this.input.value = "";
    try {
      const text = await file.text();
      const window = /\.xml$/i.test(file.name) ? fromXml(text) : fromCsv(text);
      await this.#windows.add(file.name.replace(/\.\w+$/, "") || file.name, window);
    } catch (error) {
      complain(t("codeWindowUnreadable", { name: file.name, problem: explain(error) }));
    }
  }

  #export() {
    const title = this.#known?.title ?? t("codeWindowClasses");
    const link = (/** @type {string} */ text, /** @type {string} */ suffix, /** @type {string} */ name) =>
      h("a", { class: "button", href: URL.createObjectURL(new Blob([text])), download: `${title}${suffix}` }, icon("download"), name);
    openDialog(t("codeWindowExport"), () => [
      h("div", { class: "stack" }, h("div", { class: "row" }, link(toCsv(this.window), ".csv", "CSV"), link(toXml(this.window), ".xml", "Sportscode XML")), h("p", { class: "quiet-text" }, t("codeWindowExportHow"))),
    ]);
  }
}

/** What a button says of its event. @param {CodeButton} button @returns {Partial<EventValues>} */
function valuesOf({ labels, lead, lag }) {
  const length = lead !== null && lag !== null && lead + lag > 0 ? { lead, lag } : {};
  return { ...length, ...(labels.length ? { descriptors: labels } : {}) };
}

customElements.define("tagging-panel", TaggingPanel);
