/** Elements made from data. Text is always text: no markup is ever read from it. */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, unknown>} Properties */

const AS_PROPERTY = new Set(["value", "checked", "disabled", "hidden", "selected", "open", "muted"]);
const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Properties} [properties] listeners as `onclick`; `style` as an object of CSS properties;
 *   null and false are left out, true is an attribute without a value
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) set(element, name, value);
  fill(element, ...children);
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {unknown} value
 */
function set(element, name, value) {
  if (name.startsWith("on") && typeof value === "function") {
    element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
  } else if (name === "style") {
    for (const [key, css] of Object.entries(/** @type {Record<string, string>} */ (value))) {
      element.style.setProperty(key, css);
    }
  } else if (AS_PROPERTY.has(name)) {
    Reflect.set(element, name, value);
  } else if (value !== null && value !== undefined && value !== false) {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * Put other children into an element.
 *
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren(
    ...children
      .flat()
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map((child) => (child instanceof Node ? child : String(child))),
  );
}

/**
 * The element that a selector finds, which must be there.
 *
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T}
 */
export function the(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`no ${selector} here`);
  return found;
}

/** Strokes on a ground of 24 by 24. */
const ICONS = {
  accept: "M5 13l5 5L20 7",
  add: "M12 5v14M5 12h14",
  back: "M15 5l-7 7 7 7",
  clip: "M4 6h16v12H4zM8 6v12M16 6v12",
  close: "M6 6l12 12M18 6L6 18",
  dark: "M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z",
  down: "M6 9l6 6 6-6",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  drag: "M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  full: "M4 9V4h5M20 15v5h-5M4 4l6 6M20 20l-6-6",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  keys: "M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  list: "M4 6h16M4 12h9M4 18h9M18 11v9M13.5 15.5h9",
  loop: "M17 2l4 4-4 4M3 11V9a3 3 0 0 1 3-3h15M7 22l-4-4 4-4M21 13v2a3 3 0 0 1-3 3H3",
  next: "M9 5l7 7-7 7",
  pause: "M8 5v14M16 5v14",
  play: "M7 4l13 8-13 8z",
  pencil: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  range: "M5 5v14M19 5v14M8.5 12h7M8.5 12l2-2M8.5 12l2 2M15.5 12l-2-2M15.5 12l-2 2",
  leave: "M10 4H5v16h5M10 12h10M16 8l4 4-4 4",
  redo: "M20 9H9a5 5 0 0 0 0 10h4M20 9l-4-4M20 9l-4 4",
  reject: "M6 6l12 12M18 6L6 18",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  share: "M6 12h.01M18 6h.01M18 18h.01M6 12l12-6M6 12l12 6",
  silent: "M4 9v6h4l5 4V5L8 9zM17 9l5 6M22 9l-5 6",
  sound: "M4 9v6h4l5 4V5L8 9zM17 8a6 6 0 0 1 0 8",
  stepback: "M17 5l-9 7 9 7zM5 5v14",
  stepon: "M7 5l9 7-9 7zM19 5v14",
  spark: "M12 3l2 6 6 3-6 3-2 6-2-6-6-3 6-3z",
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
  tag: "M4 4h8l8 8-8 8-8-8zM8 8h.01",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  undo: "M4 9h11a5 5 0 0 1 0 10h-4M4 9l4-4M4 9l4 4",
  up: "M6 15l6-6 6 6",
  upload: "M12 16V5M7 9l5-5 5 5M5 20h14",
  zoomin: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5M8 11h6M11 8v6",
  zoomout: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5M8 11h6",
};

/** @typedef {keyof typeof ICONS} IconName */

/**
 * A drawing beside a text, or in a button that has an aria-label.
 *
 * @param {IconName} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * A button with a drawing only.
 *
 * @param {IconName} name
 * @param {string} label
 * @param {Properties} [properties]
 * @returns {HTMLButtonElement}
 */
export function iconButton(name, label, properties = {}) {
  const button = { type: "button", class: "quiet icon-only", "aria-label": label, title: label };
  return h("button", { ...button, ...properties }, icon(name));
}

/**
 * Call a function at most once per frame of the screen.
 *
 * @param {() => void} call
 * @returns {() => void}
 */
export function oncePerFrame(call) {
  let asked = 0;
  return () => {
    if (asked) return;
    asked = requestAnimationFrame(() => {
      asked = 0;
      call();
    });
  };
}
