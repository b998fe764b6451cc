/** Which key does what, and changing that. */

import { explain } from "../lib/api.js";
import { fill, h, icon } from "../lib/dom.js";
import { complain, openDialog } from "../lib/notices.js";
import { keep, kept } from "../lib/storage.js";
import { t } from "../lib/texts.js";

/** @typedef {"play" | "review" | "edit" | "view"} Group */
/** @typedef {import("../lib/texts.js").TextName} TextName */

/** @type {Record<string, {group: Group, keys: string[]}>} */
export const COMMANDS = {
  playPause: { group: "play", keys: ["Space", "K"] },
  backward: { group: "play", keys: ["J"] },
  forward: { group: "play", keys: ["L"] },
  frameBack: { group: "play", keys: ["ArrowLeft"] },
  frameOn: { group: "play", keys: ["ArrowRight"] },
  secondBack: { group: "play", keys: ["Shift+ArrowLeft"] },
  secondOn: { group: "play", keys: ["Shift+ArrowRight"] },
  jumpBack: { group: "play", keys: ["PageUp"] },
  jumpOn: { group: "play", keys: ["PageDown"] },
  slower: { group: "play", keys: ["<", ","] },
  faster: { group: "play", keys: [">", "."] },
  mute: { group: "play", keys: ["B"] },
  loop: { group: "play", keys: ["Shift+L"] },
  nextEvent: { group: "review", keys: ["ArrowDown"] },
  previousEvent: { group: "review", keys: ["ArrowUp"] },
  nextUncertain: { group: "review", keys: ["N"] },
  playEvent: { group: "review", keys: ["V"] },
  accept: { group: "review", keys: ["A", "Enter"] },
  reject: { group: "review", keys: ["X"] },
  pend: { group: "review", keys: ["Z"] },
  triage: { group: "review", keys: ["Shift+T"] },
  acceptAll: { group: "review", keys: ["Shift+A"] },
  earlierFrame: { group: "edit", keys: ["["] },
  laterFrame: { group: "edit", keys: ["]"] },
  earlierSecond: { group: "edit", keys: ["{"] },
  laterSecond: { group: "edit", keys: ["}"] },
  toPlayhead: { group: "edit", keys: ["H"] },
  changeClass: { group: "edit", keys: ["C"] },
  note: { group: "edit", keys: ["M"] },
  remove: { group: "edit", keys: ["Delete", "Backspace"] },
  undo: { group: "edit", keys: ["Ctrl+Z"] },
  redo: { group: "edit", keys: ["Ctrl+Shift+Z", "Ctrl+Y"] },
  addClip: { group: "edit", keys: ["G"] },
  addPlaylist: { group: "edit", keys: ["Shift+G"] },
  markStart: { group: "edit", keys: ["Shift+S"] },
  markEnd: { group: "edit", keys: ["Shift+E"] },
  toPoint: { group: "edit", keys: ["Shift+D"] },
  overlay: { group: "view", keys: ["Shift+O"] },
  zoomIn: { group: "view", keys: ["+", "="] },
  zoomOut: { group: "view", keys: ["-"] },
  zoomFit: { group: "view", keys: ["\\"] },
  find: { group: "view", keys: ["/"] },
  deselect: { group: "view", keys: ["Escape"] },
  help: { group: "view", keys: ["?"] },
};

/** Keys that classes get, in this order. */
const CLASS_KEYS = [..."1234567890QWERTYUIOPSDF"];

const STORED = "keys";
const CLASS = "class ";
const WITH_OWN_KEYS = new Set(["INPUT", "TEXTAREA", "SELECT"]);

/**
 * The name of what was pressed: "A", "Shift+A", "Ctrl+Z", "?", "Space", "ArrowLeft".
 *
 * @param {KeyboardEvent} event
 */
export function keyName(event) {
  let key = event.key === " " ? "Space" : event.key;
  const isLetter = key.length === 1 && key.toLowerCase() !== key.toUpperCase();
  if (isLetter) key = key.toUpperCase();
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  if (event.shiftKey && (isLetter || key.length > 1)) parts.push("Shift");
  return [...parts, key].join("+");
}

/**
 * Whether a key press is meant for the page: not while the user is typing, or works a control.
 *
 * @param {KeyboardEvent} event
 */
export function isForPage(event) {
  if (event.isComposing || event.defaultPrevented) return false;
  const target = event.target;
  if (document.querySelector("dialog[open]")) return false;
  if (target instanceof HTMLElement) {
    const isText = WITH_OWN_KEYS.has(target.tagName) && target.getAttribute("type") !== "checkbox";
    if (isText || target.isContentEditable) return false;
    const isPressed = ["BUTTON", "A", "SUMMARY"].includes(target.tagName) || target.getAttribute("type") === "checkbox";
    if (isPressed && ["Enter", " "].includes(event.key)) return false;
    if (target.getAttribute("role") === "tab" && event.key.startsWith("Arrow")) return false;
  }
  return true;
}

/** The keys of commands and of a match's classes. */
export class Keys {
  /** @type {Record<string, string[]>} what was changed */
  #own = kept(STORED, {});
  /** @type {Map<string, string>} */
  #actions = new Map();
  /** @type {string[]} the classes, which get keys in this order */
  #labels;

  /** @param {string[]} labels */
  constructor(labels) {
    this.#labels = labels;
    this.#index();
  }

  get labels() {
    return this.#labels;
  }

  set labels(labels) {
    this.#labels = labels;
    this.#index();
  }

  /** @param {string} action */
  keysOf(action) {
    const own = this.#own[action];
    if (own) return own;
    if (!action.startsWith(CLASS)) return COMMANDS[action]?.keys ?? [];
    const key = CLASS_KEYS[this.labels.indexOf(action.slice(CLASS.length))];
    return key ? [key] : [];
  }

  /** @param {string} label */
  keyOfClass(label) {
    return this.keysOf(CLASS + label)[0] ?? "";
  }

  get actions() {
    return [...Object.keys(COMMANDS), ...this.labels.map((label) => CLASS + label)];
  }

  #index() {
    this.#actions.clear();
    const changed = (/** @type {string} */ action) => Number(action in this.#own);
    for (const action of this.actions.toSorted((a, b) => changed(a) - changed(b))) {
      for (const key of this.keysOf(action)) this.#actions.set(key, action);
    }
  }

  /**
   * The command of a key press; none while the user is typing.
   *
   * @param {KeyboardEvent} event
   * @returns {string | null}
   */
  actionOf(event) {
    return isForPage(event) ? (this.#actions.get(keyName(event)) ?? null) : null;
  }

  /** The command of a key, wherever it is pressed. @param {string} key @returns {string | null} */
  commandOf(key) {
    return this.#actions.get(key) ?? null;
  }

  /**
   * Assign a key to an action, and remove it from the action that had it.
   *
   * @param {string} action
   * @param {string} key
   */
  assign(action, key) {
    const before = this.#actions.get(key);
    if (before && before !== action) {
      this.#own[before] = this.keysOf(before).filter((one) => one !== key);
    }
    this.#own[action] = [key];
    keep(STORED, this.#own);
    this.#index();
  }

  /** What was changed, as a file that others can read in. */
  toFile() {
    return `${JSON.stringify({ keys: this.#own }, null, 2)}\n`;
  }

  /**
   * Take over the keys of such a file, in place of one's own.
   *
   * @param {string} text
   * @throws {Error} says what is wrong; nothing is changed
   */
  fromFile(text) {
    /** @type {unknown} */
    let read;
    try {
      read = JSON.parse(text)?.keys;
    } catch {
      read = null;
    }
    if (!read || typeof read !== "object" || Array.isArray(read)) throw new Error(t("keysNoFile"));
    for (const [action, keys] of Object.entries(read)) {
      if (!Object.hasOwn(COMMANDS, action) && !action.startsWith(CLASS)) throw new Error(t("keysUnknown", { action }));
      if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string" && key)) throw new Error(t("keysNoKeys", { action }));
    }
    this.#own = /** @type {Record<string, string[]>} */ (read);
    keep(STORED, this.#own);
    this.#index();
  }

  reset() {
    this.#own = {};
    keep(STORED, null);
    this.#index();
  }
}

/**
 * The class that an action tags, if it tags one.
 *
 * @param {string} action
 */
export function classOf(action) {
  return action.startsWith(CLASS) ? action.slice(CLASS.length) : null;
}

/** @type {Record<string, string>} */
const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

/** @param {string} key */
export function shownKey(key) {
  return key
    .split(/\+(?=.)/)
    .map((part) => SHOWN[part] ?? part)
    .join(" + ");
}

/**
 * Show all keys, to look at or to change.
 *
 * @param {Keys} keys
 * @param {() => void} changed
 */
export function showKeys(keys, changed) {
  const ground = h("div", { class: "key-groups" });
  let waiting = "";

  const row = (/** @type {string} */ action) => {
    const label = classOf(action) ?? t(/** @type {TextName} */ (`key.${action}`));
    const names = keys.keysOf(action);
    const inside = waiting === action
      ? t("pressKey")
      : names.length ? names.flatMap((key) => [h("kbd", {}, shownKey(key)), " "]) : t("none");
    return h(
      "li",
      {},
      h("span", {}, label),
      h(
        "button",
        {
          type: "button", class: "quiet", "data-action": action, "aria-label": t("changeKey", { label, keys: names.map(shownKey).join(" ") }),
          onclick: () => listen(action),
        },
        inside,
      ),
    );
  };
  const group = (/** @type {string} */ title, /** @type {string[]} */ actions) =>
    h("section", {}, h("h3", {}, title), h("ul", {}, actions.map(row)));

  function draw() {
    const groups = /** @type {Group[]} */ (["play", "review", "edit", "view"]);
    fill(
      ground,
      groups.map((name) =>
        group(t(`keys.${name}`), Object.keys(COMMANDS).filter((action) => COMMANDS[action]?.group === name)),
      ),
      group(t("keys.tag"), keys.labels.map((label) => CLASS + label)),
    );
  }

  /** @param {string} action */
  function listen(action) {
    waiting = action;
    draw();
    focusOn(action);
  }

  /** @param {string} action */
  function focusOn(action) {
    const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (ground.querySelectorAll("button"));
    [...buttons].find((button) => button.dataset.action === action)?.focus();
  }

  /** @param {KeyboardEvent} event */
  function pressed(event) {
    if (!waiting || ["Shift", "Control", "Alt", "Meta", "Tab"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const action = waiting;
    waiting = "";
    if (event.key !== "Escape") {
      keys.assign(action, keyName(event));
      changed();
    }
    draw();
    focusOn(action);
  }

  const input = h("input", { type: "file", accept: ".json", hidden: true, "aria-label": t("keysImport"), onchange: () => take() });

  async function take() {
    const file = input.files?.[0];
    input.value = "";
    if (!file) return;
    try {
      keys.fromFile(await file.text());
    } catch (error) {
      return complain(t("keysUnreadable", { name: file.name, problem: explain(error) }));
    }
    changed();
    draw();
  }

  function save() {
    const href = URL.createObjectURL(new Blob([keys.toFile()], { type: "application/json" }));
    h("a", { href, download: "keys.json" }).click();
    URL.revokeObjectURL(href);
  }

  draw();
  ground.addEventListener("keydown", pressed);
  return openDialog(
    t("keysTitle"),
    (close) => [
      h("p", { class: "quiet-text" }, t("keysHow")),
      ground,
      h(
        "div",
        { class: "dialog-foot" },
        h("button", { type: "button", onclick: save }, icon("download"), t("keysExport")),
        h("button", { type: "button", onclick: () => input.click() }, icon("upload"), t("keysImport")),
        input,
        h("button", { type: "button", onclick: () => { keys.reset(); changed(); draw(); } }, t("keysReset")),
        h("button", { type: "button", class: "main", onclick: () => close() }, t("close")),
      ),
    ],
    { wide: true },
  );
}
