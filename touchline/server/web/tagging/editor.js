/** Arranging a code window: its buttons lie on a grid, and are dragged or moved by arrow keys. */

import { fill, h, icon, iconButton } from "../lib/dom.js";
import { t } from "../lib/texts.js";
import { keyName, shownKey } from "../match/keys.js";
import { COLUMNS, freePlace, newButton } from "./window.js";

/** @typedef {import("./window.js").CodeWindow} CodeWindow */
/** @typedef {import("./window.js").CodeButton} CodeButton */
/** @typedef {import("./window.js").CodeGroup} CodeGroup */

const ROW_PIXELS = 38;
const FIELDS = /** @type {const} */ (["team", "player", "note"]);

export class WindowEditor {
  /** @type {CodeButton | null} */
  #selected = null;

  /** @param {import("./window.js").KnownWindow} known @param {(label: string) => string} colourOf */
  constructor(known, colourOf) {
    this.colourOf = colourOf;
    this.window = /** @type {CodeWindow} */ (structuredClone(known.window));
    this.field = h("input", { value: known.title, maxlength: "300", required: true });
    this.grid = h("div", { class: "code-grid arranged" });
    this.form = h("div", { class: "stack tight" });
    this.groups = h("div", { class: "stack tight" });
    this.#selected = this.window.buttons[0] ?? null;
  }

  get title() {
    return this.field.value.trim();
  }

  /** @param {(answer?: string) => void} close */
  content(close) {
    this.#draw();
    return [
      h(
        "form",
        { class: "stack", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); close("save"); } },
        h("label", { class: "field" }, t("title"), this.field),
        h("p", { class: "quiet-text" }, t("codeArrangeHow")),
        this.grid,
        h("button", { type: "button", onclick: () => this.#add() }, icon("add"), t("codeAddButton")),
        this.form,
        h("h3", {}, t("codeGroups")),
        h("p", { class: "quiet-text" }, t("codeGroupsHow")),
        this.groups,
        h("button", { type: "button", onclick: () => this.#addGroup() }, icon("add"), t("codeAddGroup")),
        h("div", { class: "dialog-foot" }, h("button", { type: "button", class: "danger", onclick: () => close("delete") }, icon("trash"), t("delete")), h("span", { class: "space" }), h("button", { class: "main" }, t("save"))),
      ),
    ];
  }

  #draw() {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.name : undefined;
    fill(this.grid, this.window.buttons.map((button) => this.#button(button)));
    if (focused !== undefined) [...this.grid.querySelectorAll("button")].find((one) => one.dataset.name === focused)?.focus();
    this.#drawForm();
    fill(this.groups, this.window.groups.map((group) => this.#group(group)));
  }

  /** @param {CodeButton} button */
  #button(button) {
    const isSelected = button === this.#selected;
    return h(
      "button",
      {
        type: "button", class: "code-button", "aria-pressed": String(isSelected), "data-name": button.name,
        style: { "--class": button.colour ?? this.colourOf(button.name), "grid-column": `${button.x + 1} / span ${button.w}`, "grid-row": `${button.y + 1} / span ${button.h}` },
        onclick: () => { this.#selected = button; this.#draw(); },
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.#keyed(event, button),
        onpointerdown: (/** @type {PointerEvent} */ event) => this.#dragFrom(event, button),
      },
      h("span", { class: "code-name" }, button.name),
      button.key ? h("kbd", {}, shownKey(button.key)) : null,
    );
  }

  /** Arrows move a button, with Shift they change its size. @param {KeyboardEvent} event @param {CodeButton} button */
  #keyed(event, button) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [dx = 0, dy = 0] = step;
    if (event.shiftKey) this.#place(button, { w: button.w + dx, h: button.h + dy });
    else this.#place(button, { x: button.x + dx, y: button.y + dy });
  }

  /** @param {PointerEvent} down @param {CodeButton} button */
  #dragFrom(down, button) {
    if (down.button !== 0) return;
    const from = { x: button.x, y: button.y };
    const column = this.grid.clientWidth / COLUMNS;
    const move = (/** @type {PointerEvent} */ event) => {
      const x = from.x + Math.round((event.clientX - down.clientX) / column);
      const y = from.y + Math.round((event.clientY - down.clientY) / ROW_PIXELS);
      if (x === button.x && y === button.y) return;
      this.#selected = button;
      this.#place(button, { x, y });
    };
    const end = () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  }

  /** @param {CodeButton} button @param {{x?: number, y?: number, w?: number, h?: number}} wanted */
  #place(button, wanted) {
    const within = (/** @type {number} */ value, /** @type {number} */ least, /** @type {number} */ most) => Math.min(Math.max(value, least), most);
    button.w = within(wanted.w ?? button.w, 1, COLUMNS);
    button.h = within(wanted.h ?? button.h, 1, 8);
    button.x = within(wanted.x ?? button.x, 0, COLUMNS - button.w);
    button.y = within(wanted.y ?? button.y, 0, 60);
    this.#draw();
  }

  #add() {
    const { buttons } = this.window;
    let count = buttons.length + 1;
    while (buttons.some((one) => one.name === t("codeNewButton", { count }))) count += 1;
    const button = newButton({ name: t("codeNewButton", { count }), ...freePlace(buttons, 6) });
    buttons.push(button);
    this.#selected = button;
    this.#draw();
    this.form.querySelector("input")?.focus();
  }

  #drawForm() {
    const button = this.#selected;
    if (!button) return fill(this.form);
    const others = this.window.buttons.filter((one) => one !== button).map((one) => one.name);
    const seconds = (/** @type {"lead" | "lag"} */ name, /** @type {string} */ label) =>
      h("label", { class: "field" }, label, h("input", {
        type: "number", min: "0", max: "3600", step: "0.1", value: button[name] ?? "", disabled: button.toggle,
        onchange: (/** @type {Event} */ event) => this.#length(button, name, /** @type {HTMLInputElement} */ (event.target).value),
      }));
    const key = h("input", { value: button.key ? shownKey(button.key) : "", placeholder: t("pressKey"), onkeydown: (/** @type {KeyboardEvent} */ event) => this.#setKey(event, button) });
    fill(
      this.form,
      h(
        "div",
        { class: "form-grid code-form" },
        h("label", { class: "field" }, t("codeButtonName"), h("input", { value: button.name, maxlength: "300", onchange: (/** @type {Event} */ event) => this.#rename(button, /** @type {HTMLInputElement} */ (event.target).value.trim()) })),
        h("label", { class: "field" }, t("codeKey"), key),
        h("label", { class: "field" }, t("codeColour"), h("input", { type: "color", value: button.colour ?? "#888888", onchange: (/** @type {Event} */ event) => { button.colour = /** @type {HTMLInputElement} */ (event.target).value; this.#draw(); } })),
        seconds("lead", t("leadShort")),
        seconds("lag", t("lagShort")),
        h("label", { class: "check" }, h("input", { type: "checkbox", checked: button.toggle, onchange: () => { button.toggle = !button.toggle; if (button.toggle) button.lead = button.lag = null; this.#draw(); } }), t("codeToggle")),
      ),
      this.window.groups.length ? this.#choices(t("codeAsks"), this.window.groups.map((group) => group.name), button.asks) : null,
      others.length ? this.#choices(t("codeAlso"), others, button.also) : null,
      h("label", { class: "field" }, t("codeLabels"), h("input", {
        value: button.labels.map(({ group, text }) => `${group}=${text}`).join("; "), placeholder: t("codeLabelsHow"),
        onchange: (/** @type {Event} */ event) => { button.labels = labelsIn(/** @type {HTMLInputElement} */ (event.target).value); this.#draw(); },
      })),
      h("div", {}, h("button", { type: "button", class: "danger", onclick: () => this.#remove(button) }, icon("trash"), t("codeRemoveButton", { name: button.name }))),
    );
  }

  /** Names of which some are chosen, in order. @param {string} title @param {string[]} names @param {string[]} chosen */
  #choices(title, names, chosen) {
    const toggle = (/** @type {string} */ name) => {
      const place = chosen.indexOf(name);
      if (place < 0) chosen.push(name);
      else chosen.splice(place, 1);
      this.#draw();
    };
    return h("div", { role: "group", "aria-label": title }, h("span", { class: "quiet-text" }, title), h("div", { class: "chips" }, names.map((name) => h("button", { type: "button", class: "chip", "aria-pressed": String(chosen.includes(name)), onclick: () => toggle(name) }, name))));
  }

  /** @param {CodeButton} button @param {"lead" | "lag"} name @param {string} value */
  #length(button, name, value) {
    const other = name === "lead" ? "lag" : "lead";
    button[name] = value === "" ? null : Number(value);
    button[other] = value === "" ? null : (button[other] ?? 0);
    this.#draw();
  }

  /** @param {KeyboardEvent} event @param {CodeButton} button */
  #setKey(event, button) {
    if (["Shift", "Control", "Alt", "Meta", "Tab", "Escape"].includes(event.key)) return;
    event.preventDefault();
    const key = ["Backspace", "Delete"].includes(event.key) ? null : keyName(event);
    for (const other of this.window.buttons) if (other.key === key) other.key = null;
    button.key = key;
    this.#draw();
  }

  /** @param {CodeButton} button @param {string} name */
  #rename(button, name) {
    if (name && !this.window.buttons.some((one) => one !== button && one.name === name)) {
      for (const other of this.window.buttons) other.also = other.also.map((one) => (one === button.name ? name : one));
      button.name = name;
    }
    this.#draw();
  }

  /** @param {CodeButton} button */
  #remove(button) {
    this.window.buttons = this.window.buttons.filter((one) => one !== button);
    for (const other of this.window.buttons) other.also = other.also.filter((one) => one !== button.name);
    this.#selected = this.window.buttons[0] ?? null;
    this.#draw();
  }

  // -------------------------------------------------------------------- groups

  #addGroup() {
    let count = this.window.groups.length + 1;
    while (this.window.groups.some((one) => one.name === t("codeNewGroup", { count }))) count += 1;
    this.window.groups.push({ name: t("codeNewGroup", { count }), options: ["1", "2"], field: null });
    this.#draw();
  }

  /** @param {CodeGroup} group */
  #group(group) {
    const field = h("select", { "aria-label": t("codeField"), onchange: () => { group.field = /** @type {CodeGroup["field"]} */ (field.value || null); } }, h("option", { value: "" }, t("codeDescriptor")), FIELDS.map((name) => h("option", { value: name, selected: group.field === name }, t(name))));
    return h(
      "div",
      { class: "code-group" },
      h("input", { value: group.name, maxlength: "300", "aria-label": t("codeGroupName"), onchange: (/** @type {Event} */ event) => this.#renameGroup(group, /** @type {HTMLInputElement} */ (event.target).value.trim()) }),
      h("input", {
        value: group.options.join(", "), "aria-label": t("codeOptions", { name: group.name }), placeholder: t("codeOptionsHow"),
        onchange: (/** @type {Event} */ event) => {
          const options = [...new Set(/** @type {HTMLInputElement} */ (event.target).value.split(",").map((one) => one.trim()).filter(Boolean))];
          if (options.length) group.options = options;
          this.#draw();
        },
      }),
      field,
      iconButton("trash", t("codeRemoveGroup", { name: group.name }), { onclick: () => this.#removeGroup(group) }),
    );
  }

  /** @param {CodeGroup} group @param {string} name */
  #renameGroup(group, name) {
    if (name && !this.window.groups.some((one) => one !== group && one.name === name)) {
      for (const button of this.window.buttons) button.asks = button.asks.map((one) => (one === group.name ? name : one));
      group.name = name;
    }
    this.#draw();
  }

  /** @param {CodeGroup} group */
  #removeGroup(group) {
    this.window.groups = this.window.groups.filter((one) => one !== group);
    for (const button of this.window.buttons) button.asks = button.asks.filter((one) => one !== group.name);
    this.#draw();
  }
}

/** Descriptors written as `Group=text; Group=text`. @param {string} text */
function labelsIn(text) {
  return text.split(";").map((one) => one.trim()).filter((one) => /^[^=]+=./.test(one)).map((one) => ({ group: one.slice(0, one.indexOf("=")).trim(), text: one.slice(one.indexOf("=") + 1).trim() }));
}
