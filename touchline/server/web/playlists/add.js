/** Putting an event of a match into a playlist. */

import { ApiError, ask, change, explain, get, newKey } from "../lib/api.js";
import { h, icon } from "../lib/dom.js";
import { complain, notify, openDialog } from "../lib/notices.js";
import { n, t } from "../lib/texts.js";
import { clipOf, inApi } from "./store.js";

/** @typedef {import("../lib/types.js").Playlist} Playlist */
/** @typedef {import("../lib/types.js").MatchEvent} MatchEvent */

const TRIES = 4;

/**
 * Ask for a playlist, and put an event into it.
 *
 * @param {import("../lib/types.js").Match} match
 * @param {MatchEvent} event
 * @param {[number, number]} around seconds before and after the event
 */
export async function addToPlaylist(match, event, around) {
  /** @type {{items: Playlist[]}} */
  let known;
  try {
    known = await get("/v1/playlists");
  } catch (error) {
    return complain(explain(error));
  }
  const name = h("input", { maxlength: "300", placeholder: t("newPlaylist"), "aria-label": t("newPlaylist") });
  const wanted = await openDialog(t("addToPlaylist"), (close) => [
    h(
      "ul",
      { class: "file-rows" },
      known.items.map((one) => h(
        "li",
        {},
        h("button", { type: "button", class: "quiet playlist-choice", onclick: () => close(one.id) }, h("span", { class: "grow" }, one.title), h("span", { class: "quiet-text number" }, n("clips", one.count))),
      )),
    ),
    h(
      "form",
      { class: "row", onsubmit: (/** @type {Event} */ submit) => { submit.preventDefault(); if (name.value.trim()) close("new"); } },
      h("div", { class: "grow" }, name),
      h("button", { class: "main" }, icon("add"), t("add")),
    ),
  ]);
  if (!wanted) return;
  const found = { ...event, match: match.id, match_title: match.title, home: null, away: null, competition: null, date: null };
  const clip = inApi(clipOf(found, around));
  try {
    const made = wanted === "new"
      ? (await change("POST", "/v1/playlists", { body: { title: name.value.trim(), clips: [clip] } })).data
      : await append(wanted, clip);
    const { id, title } = /** @type {Playlist} */ (made);
    notify(t("addedToPlaylist", { title }), { actions: [{ label: t("openIt"), act: () => void (location.hash = `#/playlists/${id}`) }] });
  } catch (error) {
    complain(explain(error));
  }
}

/**
 * @param {string} id
 * @param {ReturnType<typeof inApi>} clip
 * @returns {Promise<Playlist>}
 */
async function append(id, clip) {
  const path = `/v1/playlists/${id}`;
  for (let tries = 1; ; tries += 1) {
    const now = /** @type {Playlist} */ (await get(path));
    try {
      const body = { clips: [...now.clips.map(inApi), clip] };
      return /** @type {Playlist} */ ((await ask("PATCH", path, { key: newKey(), body, ifMatch: `"${now.version}"` })).data);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 412) || tries === TRIES) throw error;
    }
  }
}
