/** The clips of a reel as rows: a picture, a title, and buttons that say what they do. */

import { mayEdit } from "../lib/api.js";
import { h, icon } from "../lib/dom.js";
import { clock } from "../lib/format.js";
import { t } from "../lib/texts.js";
import { eventOfClip, matchState } from "./clock.js";
import { movedClip, trimmed } from "./reel-edits.js";

/** @typedef {import("../lib/types.js").Clip} Clip */

const TRIM_SECONDS = 0.5;

/**
 * What the rows need of the panel.
 *
 * @typedef {object} Ground
 * @property {import("../lib/types.js").Match} match
 * @property {Clip[]} clips
 * @property {number} duration
 * @property {number | null} playing the clip that is played
 * @property {number | null} open the clip whose edges are shown
 * @property {() => number} playhead
 * @property {(seconds: number) => ({src: string} | null)} thumbnailAt
 * @property {(clips: Clip[]) => void} edit
 * @property {(place: number) => void} play
 * @property {(place: number | null) => void} toggle
 */

/** What a clip is called. @param {Clip} clip */
export function nameOfClip(clip) {
  return clip.title || clip.events?.map((event) => event.label).join(", ") || t("clip");
}

/** @type {number | null} the clip that is dragged */
let dragged = null;

/** @param {Ground} ground */
export function clipRows(ground) {
  return h("ol", { class: "clip-rows" }, ground.clips.map((clip, place) => row(ground, clip, place)));
}

/** @param {Ground} ground @param {Clip} clip @param {number} place */
function row(ground, clip, place) {
  const off = !mayEdit();
  const name = nameOfClip(clip);
  const isOpen = !off && ground.open === place;
  return h(
    "li",
    {
      class: ["clip-row", ground.playing === place ? "playing" : "", isOpen ? "open" : ""].join(" ").trim(),
      draggable: off ? null : "true",
      ondragstart: (/** @type {DragEvent} */ event) => {
        dragged = place;
        event.dataTransfer?.setData("text/plain", name);
      },
      ondragover: (/** @type {DragEvent} */ event) => {
        if (dragged !== null) event.preventDefault();
      },
      ondrop: (/** @type {DragEvent} */ event) => {
        event.preventDefault();
        if (dragged !== null) ground.edit(movedClip(ground.clips, dragged, place));
        dragged = null;
      },
    },
    h(
      "div",
      { class: "clip-main" },
      picture(ground, clip, place, name),
      h(
        "div",
        { class: "clip-words" },
        h("input", {
          class: "clip-title", value: clip.title ?? "", placeholder: name, maxlength: "300", disabled: off,
          "aria-label": t("clipTitle", { place: place + 1 }), "data-focus": `title ${place}`,
          onchange: (/** @type {Event} */ event) => {
            const title = /** @type {HTMLInputElement} */ (event.target).value.trim();
            ground.edit(ground.clips.map((one, i) => (i === place ? { ...one, title } : one)));
          },
        }),
        h("p", { class: "clip-state quiet-text number" }, facts(ground, clip)),
        clip.reason ? h("p", { class: "clip-reason quiet-text", title: clip.reason }, clip.reason) : null,
      ),
      off ? null : h(
        "button",
        {
          type: "button", class: "quiet small", "aria-expanded": String(isOpen), "aria-label": t(isOpen ? "clipDone" : "clipEditOf", { name }),
          "data-focus": `open ${place}`, onclick: () => ground.toggle(isOpen ? null : place),
        },
        isOpen ? t("done") : t("clipEdit"),
      ),
    ),
    isOpen ? tools(ground, clip, place, name) : null,
  );
}

/** @param {Ground} ground @param {Clip} clip */
function facts(ground, clip) {
  const event = eventOfClip(clip);
  const state = event ? matchState(ground.match, event) : "";
  const length = t("seconds", { seconds: (clip.end - clip.start).toFixed(1) });
  return [`${clock(clip.start, 1)} – ${clock(clip.end, 1)}`, length, state].filter(Boolean).join(" · ");
}

/** @param {Ground} ground @param {Clip} clip @param {number} place @param {string} name */
function picture(ground, clip, place, name) {
  const at = eventOfClip(clip)?.time ?? (clip.start + clip.end) / 2;
  const still = ground.thumbnailAt(at >= clip.start && at < clip.end ? at : (clip.start + clip.end) / 2);
  return h(
    "button",
    { type: "button", class: "clip-picture", "aria-label": t("playClip", { name }), title: t("playClip", { name }), "data-focus": `play ${place}`, onclick: () => ground.play(place) },
    still ? h("img", { src: still.src, alt: "", loading: "lazy", draggable: "false" }) : null,
    icon("play"),
  );
}

/** @param {Ground} ground @param {Clip} clip @param {number} place @param {string} name */
function tools(ground, clip, place, name) {
  const { clips, edit } = ground;
  const cut = (/** @type {number} */ start, /** @type {number} */ end) => edit(trimmed(clips, place, start, end, ground.duration));
  const step = { seconds: TRIM_SECONDS };
  const button = (/** @type {string} */ words, /** @type {string} */ label, /** @type {string} */ focus, /** @type {() => void} */ act, more = {}) =>
    h("button", { type: "button", class: "small", "aria-label": label, "data-focus": `${focus} ${place}`, onclick: act, ...more }, words);
  const edge = (/** @type {"start" | "end"} */ side) => {
    const set = (/** @type {number} */ seconds) => (side === "start" ? cut(seconds, clip.end) : cut(clip.start, seconds));
    const [earlier, later, here] = side === "start"
      ? [t("startEarlier"), t("startLater"), t("startHere")]
      : [t("endEarlier"), t("endLater"), t("endHere")];
    return h(
      "div",
      { class: "row tight", role: "group", "aria-label": t(`clip.${side}`) },
      h("span", { class: "edge-name" }, t(`clip.${side}`)),
      button(t("less", step), `${earlier} ${t("trimStep", step)}`, `${side}-`, () => set(clip[side] - TRIM_SECONDS)),
      button(t("more", step), `${later} ${t("trimStep", step)}`, `${side}+`, () => set(clip[side] + TRIM_SECONDS)),
      button(t("toPlayhead"), here, `${side}=`, () => set(ground.playhead())),
    );
  };
  const move = (/** @type {number} */ to) => edit(movedClip(clips, place, to));
  return h(
    "div",
    { class: "clip-tools" },
    edge("start"),
    edge("end"),
    h(
      "div",
      { class: "row tight" },
      h("span", { class: "edge-name" }, t("order")),
      button(t("moveUp"), t("clipUp", { name }), "up", () => move(place - 1), { disabled: place === 0 }),
      button(t("moveDown"), t("clipDown", { name }), "down", () => move(place + 1), { disabled: place === clips.length - 1 }),
      h("span", { class: "space" }),
      button(t("delete"), t("clipRemove", { name }), "remove", () => edit(clips.filter((_, i) => i !== place)), { class: "small danger" }),
    ),
  );
}
