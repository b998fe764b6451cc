/** Light and dark: by the system, or by hand. */

import { keep, kept } from "./storage.js";

/** @typedef {"system" | "light" | "dark"} Theme */

const NAME = "theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Tells `change` when the colours are others. */
export const colours = new EventTarget();

/** @returns {Theme} what was chosen */
export function theme() {
  /** @type {string} */
  const value = kept(NAME, "system");
  return value === "light" || value === "dark" ? value : "system";
}

/** @param {Theme} value */
export function setTheme(value) {
  keep(NAME, value);
  applyTheme();
}

export function applyTheme() {
  const chosen = theme();
  const now = chosen === "system" ? (dark.matches ? "dark" : "light") : chosen;
  document.documentElement.dataset.theme = now;
  colours.dispatchEvent(new Event("change"));
}

dark.addEventListener("change", applyTheme);
