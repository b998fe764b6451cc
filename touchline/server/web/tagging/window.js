/** Code windows: what their buttons do, and as files. */

/**
 * @typedef {{group: string, text: string}} Said
 *
 * @typedef {object} CodeButton
 * @property {string} name the class that it tags
 * @property {string | null} colour
 * @property {string | null} key
 * @property {number | null} lead
 * @property {number | null} lag
 * @property {boolean} toggle pressed once to begin, and again to end
 * @property {string[]} asks groups that are asked after it
 * @property {Said[]} labels descriptors that it gives by itself
 * @property {string[]} also buttons that are pressed with it
 * @property {number} x
 * @property {number} y
 * @property {number} w
 * @property {number} h
 *
 * @typedef {object} CodeGroup
 * @property {string} name
 * @property {string[]} options
 * @property {"team" | "player" | "note" | null} field of the event that holds the choice
 *
 * @typedef {{buttons: CodeButton[], groups: CodeGroup[]}} CodeWindow
 * @typedef {{id: string, title: string, window: CodeWindow, version: number, updated_by: string}} KnownWindow
 */

export const COLUMNS = 12;

/** @param {Partial<CodeButton> & {name: string}} values @returns {CodeButton} */
export function newButton(values) {
  return { colour: null, key: null, lead: null, lag: null, toggle: false, asks: [], labels: [], also: [], x: 0, y: 0, w: 6, h: 1, ...values };
}

/**
 * A button with all that are pressed with it, itself first, each once.
 *
 * @param {CodeWindow} window
 * @param {string} name
 * @returns {CodeButton[]}
 */
export function pressedWith(window, name) {
  /** @type {CodeButton[]} */
  const found = [];
  const waiting = [name];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const button = window.buttons.find((one) => one.name === next);
    if (!button || found.includes(button)) continue;
    found.push(button);
    waiting.push(...button.also);
  }
  return found;
}

/** The first place of the grid with room for a button. @param {CodeButton[]} buttons @param {number} w */
export function freePlace(buttons, w) {
  const isFree = (/** @type {number} */ x, /** @type {number} */ y) =>
    buttons.every((one) => x + w <= one.x || one.x + one.w <= x || y + 1 <= one.y || one.y + one.h <= y);
  for (let y = 0; ; y += 1) {
    for (let x = 0; x + w <= COLUMNS; x += w) if (isFree(x, y)) return { x, y };
  }
}

/** A window with a button for each class. @param {string[]} labels @param {(label: string) => string} [colourOf] @returns {CodeWindow} */
export function windowOf(labels, colourOf) {
  /** @type {CodeButton[]} */
  const buttons = [];
  for (const name of labels) {
    const colour = colourOf?.(name) ?? null;
    buttons.push(newButton({ name, colour: colour && /^#[0-9a-f]{6}$/.test(colour) ? colour : null, ...freePlace(buttons, 6) }));
  }
  return { buttons, groups: [] };
}

// ------------------------------------------------------------------------- files

const CSV_COLUMNS = ["kind", "name", "colour", "key", "lead", "lag", "toggle", "asks", "labels", "also", "field", "options", "x", "y", "w", "h"];

/** @param {unknown} value */
function cell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A list in one cell: a line for each. @param {string[]} texts */
const lines = (texts) => texts.join("\n");

/** @param {CodeWindow} window */
export function toCsv({ buttons, groups }) {
  const rows = [
    ...buttons.map((one) => ({ ...one, kind: "button", asks: lines(one.asks), also: lines(one.also), labels: lines(one.labels.map(({ group, text }) => `${group}=${text}`)), toggle: one.toggle ? "yes" : "" })),
    ...groups.map((one) => ({ kind: "group", name: one.name, field: one.field, options: lines(one.options) })),
  ];
  return [CSV_COLUMNS, ...rows.map((row) => CSV_COLUMNS.map((name) => Reflect.get(row, name)))].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

/** The cells of a table with commas or semicolons. @param {string} text @returns {string[][]} */
function cellsOf(text) {
  const head = text.slice(0, text.search(/\r?\n|$/));
  const comma = head.includes(";") && !head.includes(",") ? ";" : ",";
  const rows = [[""]];
  let isQuoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const sign = text.charAt(i);
    const row = /** @type {string[]} */ (rows.at(-1));
    const add = () => void row.push((row.pop() ?? "") + sign);
    if (isQuoted) {
      if (sign !== '"') add();
      else if (text[i + 1] === '"') { add(); i += 1; } else isQuoted = false;
    } else if (sign === '"') isQuoted = true;
    else if (sign === comma) row.push("");
    else if (sign === "\n") rows.push([""]);
    else if (sign !== "\r") add();
  }
  return rows.filter((row) => row.some((one) => one.trim()));
}

/**
 * @param {string} text
 * @returns {CodeWindow}
 * @throws {Error} says what is missing
 */
export function fromCsv(text) {
  const [head = [], ...rows] = cellsOf(text.replace(/^\ufeff/, ""));
  const names = head.map((name) => name.trim().toLowerCase());
  if (!names.includes("name")) throw new Error(`the first line must name the columns: ${CSV_COLUMNS.join(", ")}`);
  /** @type {CodeWindow} */
  const window = { buttons: [], groups: [] };
  for (const row of rows) {
    const of = (/** @type {string} */ name) => row[names.indexOf(name)]?.trim() ?? "";
    const list = (/** @type {string} */ name) => of(name).split(/\r?\n/).map((one) => one.trim()).filter(Boolean);
    const number = (/** @type {string} */ name) => (of(name) === "" ? null : Number(of(name)));
    if (of("kind") === "group") {
      window.groups.push({ name: of("name"), options: list("options"), field: /** @type {CodeGroup["field"]} */ (of("field") || null) });
      continue;
    }
    const w = number("w") ?? 6;
    const place = number("x") === null || number("y") === null ? freePlace(window.buttons, w) : { x: number("x") ?? 0, y: number("y") ?? 0 };
    const labels = list("labels").map((one) => ({ group: one.slice(0, Math.max(one.indexOf("="), 0)).trim(), text: one.slice(one.indexOf("=") + 1).trim() }));
    window.buttons.push(newButton({
      name: of("name"), colour: of("colour").toLowerCase() || null, key: of("key") || null, lead: number("lead"), lag: number("lag"),
      toggle: of("toggle") === "yes", asks: list("asks"), also: list("also"), labels, w, h: number("h") ?? 1, ...place,
    }));
  }
  return window;
}

/**
 * The buttons of a Sportscode file: its rows with their colours, and the groups of its labels.
 *
 * @param {string} text
 * @returns {CodeWindow}
 * @throws {Error} says what is missing
 */
export function fromXml(text) {
  const file = new DOMParser().parseFromString(text, "application/xml");
  if (file.querySelector("parsererror")) throw new Error("it is not readable XML");
  const said = (/** @type {Element} */ parent, /** @type {string} */ name) => parent.querySelector(name)?.textContent?.trim() ?? "";
  const rows = [...file.querySelectorAll("ROWS > row")];
  const instances = [...file.querySelectorAll("ALL_INSTANCES > instance")];
  if (!rows.length && !instances.length) throw new Error("it has no <ROWS> and no <ALL_INSTANCES> as Sportscode writes them");
  /** @type {Map<string, string | null>} */
  const codes = new Map();
  for (const row of rows) {
    // Colours have 16 bits a channel there.
    const parts = ["R", "G", "B"].map((name) => Math.round(Number(said(row, name) || NaN) / 257));
    const isColour = parts.every((part) => part >= 0 && part <= 255);
    codes.set(said(row, "code"), isColour ? `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}` : null);
  }
  /** @type {Map<string, Set<string>>} */
  const groups = new Map();
  for (const instance of instances) {
    const code = said(instance, "code");
    if (!codes.has(code)) codes.set(code, null);
    for (const label of instance.querySelectorAll("label")) {
      const group = said(label, "group");
      if (!group || OURS.has(group)) continue;
      groups.set(group, (groups.get(group) ?? new Set()).add(said(label, "text")));
    }
  }
  const names = [...groups].map(([name, texts]) => ({ name, options: [...texts].filter(Boolean).slice(0, 60), field: FIELDS[name] ?? null })).filter((group) => group.options.length);
  const window = windowOf([...codes.keys()].filter(Boolean), (label) => codes.get(label) ?? "");
  return { buttons: window.buttons.map((button) => ({ ...button, asks: names.map((group) => group.name) })), groups: names };
}

/** Groups in which touchline writes other fields of an event. */
const OURS = new Set(["Event time", "Confidence", "Half", "Visibility", "Status", "Source", "Note", "Clock", "Score", "touchline", "touchline clip", "Event"]);
/** @type {Record<string, CodeGroup["field"]>} */
const FIELDS = { Team: "team", Player: "player" };

/** Rows of Sportscode; what a button asks, gives and presses is not in them. @param {CodeWindow} window */
export function toXml({ buttons }) {
  const file = document.implementation.createDocument(null, "file");
  const add = (/** @type {Element} */ parent, /** @type {string} */ name, /** @type {string} */ text = "") => {
    const element = file.createElement(name);
    if (text) element.textContent = text;
    parent.append(element);
    return element;
  };
  add(file.documentElement, "ALL_INSTANCES");
  const rows = add(file.documentElement, "ROWS");
  for (const { name, colour } of buttons) {
    const row = add(rows, "row");
    add(row, "code", name);
    ["R", "G", "B"].forEach((channel, i) => add(row, channel, String(257 * parseInt((colour ?? "#888888").slice(1 + 2 * i, 3 + 2 * i), 16))));
  }
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(file)}\n`;
}
