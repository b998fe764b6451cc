/** The sizes of the panes of a match: changed by dragging or arrow keys, remembered by the browser. */

import { h } from "../lib/dom.js";
import { keep, kept } from "../lib/storage.js";
import { t } from "../lib/texts.js";

const STORED = "panes";
const STEP = 2;

/**
 * Percent of the page that the side and the timeline take.
 *
 * @typedef {"side" | "lines"} Pane
 */

/** @type {Record<Pane, {least: number, most: number, usual: number}>} */
const BOUNDS = { side: { least: 20, most: 60, usual: 31 }, lines: { least: 18, most: 70, usual: 43 } };

/** Where an element's content lies: panes share it out. @param {HTMLElement | null | undefined} element */
function contentOf(element) {
  if (!element) return null;
  const { right, bottom, width, height } = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const [top, end, foot, start] = [style.paddingTop, style.paddingRight, style.paddingBottom, style.paddingLeft].map(parseFloat);
  return {
    right: right - (end ?? 0), bottom: bottom - (foot ?? 0),
    width: width - (start ?? 0) - (end ?? 0), height: height - (top ?? 0) - (foot ?? 0),
  };
}

/**
 * Bars between the panes, to be put into the page.
 *
 * @param {() => HTMLElement | null | undefined} page
 * @returns {HTMLElement[]}
 */
export function paneBars(page) {
  /** @type {Partial<Record<Pane, number>>} */
  const sizes = kept(STORED, {});
  const bars = /** @type {const} */ (["side", "lines"]).map((pane) => bar(pane));

  /** @param {Pane} pane */
  function bar(pane) {
    const isWide = pane === "side";
    const { least, most } = BOUNDS[pane];
    const element = h("div", {
      class: `pane-bar pane-bar-${pane}`, role: "separator", tabindex: "0", "aria-label": t(`pane.${pane}`), title: t("paneHow"),
      "aria-orientation": isWide ? "vertical" : "horizontal", "aria-valuemin": least, "aria-valuemax": most,
      ondblclick: () => set(null),
      onpointerdown: (/** @type {PointerEvent} */ event) => element.setPointerCapture(event.pointerId),
      onpointermove: (/** @type {PointerEvent} */ event) => {
        const box = contentOf(page());
        if (!box || !element.hasPointerCapture(event.pointerId)) return;
        const half = (isWide ? element.offsetWidth : element.offsetHeight) / 2;
        const size = isWide ? (box.right - event.clientX - half) / box.width : (box.bottom - event.clientY - half) / box.height;
        set(size * 100);
      },
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const step = { ArrowLeft: isWide ? STEP : 0, ArrowRight: isWide ? -STEP : 0, ArrowUp: isWide ? 0 : STEP, ArrowDown: isWide ? 0 : -STEP }[event.key];
        if (!step && event.key !== "Home") return;
        event.preventDefault();
        set(event.key === "Home" ? null : (sizes[pane] ?? BOUNDS[pane].usual) + (step ?? 0));
      },
    });

    /** @param {number | null} size null for the usual one */
    function set(size) {
      if (size === null) delete sizes[pane];
      else sizes[pane] = Math.round(Math.min(Math.max(size, least), most) * 10) / 10;
      keep(STORED, sizes);
      show();
    }

    function show() {
      const size = sizes[pane];
      element.setAttribute("aria-valuenow", String(Math.round(size ?? BOUNDS[pane].usual)));
      if (size === undefined) page()?.style.removeProperty(`--${pane}-size`);
      else page()?.style.setProperty(`--${pane}-size`, `${size}%`);
    }

    queueMicrotask(show);
    return element;
  }

  return bars;
}
