/** Short words at the edge of the page, and questions. */

import { fill, h, iconButton } from "./dom.js";
import { t } from "./texts.js";

const LONG_SECONDS = 9;
const SHORT_SECONDS = 5;

/** @type {HTMLElement | null} */
let ground = null;

function place() {
  if (!ground) {
    ground = h("div", { class: "notices", role: "region", "aria-label": t("notices") });
    document.body.append(ground);
  }
  return ground;
}

/**
 * @typedef {object} Action
 * @property {string} label
 * @property {() => void} act
 */

/**
 * Say something.
 *
 * @param {string} text
 * @param {{kind?: "info" | "problem", actions?: Action[], stays?: boolean, gone?: () => void}} [how]
 *   `gone` is called when it was there for its time or was closed, and no action was taken
 * @returns {() => void} takes it away
 */
export function notify(text, how = {}) {
  const kind = how.kind ?? "info";
  const actions = how.actions ?? [];
  let isThere = true;
  function away() {
    if (!isThere) return false;
    isThere = false;
    clearTimeout(timer);
    notice.remove();
    return true;
  }
  const notice = h(
    "div",
    { class: `notice ${kind}`, role: kind === "problem" ? "alert" : "status" },
    h("p", {}, text),
    actions.map(({ label, act }) =>
      h("button", { type: "button", onclick: () => away() && act() }, label),
    ),
    iconButton("close", t("close"), { onclick: () => away() && how.gone?.() }),
  );
  const seconds = actions.length || kind === "problem" ? LONG_SECONDS : SHORT_SECONDS;
  const timer = how.stays
    ? undefined
    : setTimeout(() => away() && how.gone?.(), seconds * 1000);
  place().append(notice);
  return () => void away();
}

/** @param {string} text */
export function complain(text) {
  notify(text, { kind: "problem" });
}

/**
 * Open a dialog.
 *
 * @param {string} title
 * @param {(close: (answer?: string) => void) => (import("./dom.js").Child | import("./dom.js").Child[])[]} content
 * @param {{wide?: boolean}} [how]
 * @returns {Promise<string>} what it was closed with
 */
export function openDialog(title, content, how = {}) {
  const dialog = h("dialog", { class: how.wide ? "wide" : null, "aria-labelledby": "dialog-title" });
  const close = (/** @type {string} */ answer = "") => dialog.close(answer);
  fill(
    dialog,
    h(
      "div",
      { class: "dialog-head" },
      h("h2", { id: "dialog-title" }, title),
      iconButton("close", t("close"), { onclick: () => close() }),
    ),
    ...content(close),
  );
  document.body.append(dialog);
  const before = document.activeElement;
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      resolve(dialog.returnValue);
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) close();
    });
  });
}
