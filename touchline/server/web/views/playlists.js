/** The playlists: all of them, or one. */

import { LostConnection, change, connection, explain, get, mayEdit } from "../lib/api.js";
import { fill, h, icon } from "../lib/dom.js";
import { clock, date } from "../lib/format.js";
import { complain } from "../lib/notices.js";
import { n, t } from "../lib/texts.js";
import { PlaylistEditor } from "../playlists/editor.js";

/** @typedef {import("../lib/types.js").Playlist} Playlist */

/**
 * @param {HTMLElement} root
 * @param {string} id empty for the list of all
 */
export function showPlaylists(root, id) {
  if (!id) return showAll(root);
  const editor = new PlaylistEditor(root, id);
  editor.start();
  return () => {
    document.title = "touchline";
    editor.stop();
  };
}

/** @param {HTMLElement} root */
function showAll(root) {
  let isLeft = false;
  const list = h("ul", { class: "playlist-cards" }, h("li", { class: "quiet-text", role: "status" }, t("loading")));
  const name = h("input", { maxlength: "300", placeholder: t("newPlaylist"), "aria-label": t("newPlaylist") });
  fill(
    root,
    h(
      "div",
      { class: "sheet stack" },
      h("h1", {}, t("playlists")),
      h("p", { class: "quiet-text" }, t("playlistsHow")),
      mayEdit() ? h("form", { class: "row new-playlist", onsubmit: make }, h("div", { class: "grow" }, name), h("button", { class: "main" }, icon("add"), t("makePlaylist"))) : null,
      list,
    ),
  );

  async function draw() {
    try {
      const { items } = /** @type {{items: Playlist[]}} */ (await get("/v1/playlists"));
      if (isLeft) return;
      fill(list, items.length ? items.map(card) : h("li", { class: "quiet-text" }, t("noPlaylists")));
    } catch (error) {
      if (isLeft) return;
      fill(list, h("li", { class: "problem" }, explain(error)));
      if (error instanceof LostConnection) connection.whenThere().then(() => (isLeft ? undefined : draw()));
    }
  }

  /** @param {Playlist} playlist */
  function card(playlist) {
    return h(
      "li",
      { class: "card" },
      h("h2", {}, h("a", { href: `#/playlists/${playlist.id}` }, playlist.title)),
      h("p", { class: "quiet-text number" }, n("clips", playlist.count), " · ", clock(playlist.seconds)),
      h("p", { class: "quiet-text" }, `${playlist.updated_by} · ${date(playlist.updated_at)}`),
    );
  }

  /** @param {Event} event */
  async function make(event) {
    event.preventDefault();
    const title = name.value.trim() || t("newPlaylist");
    try {
      const { data } = await change("POST", "/v1/playlists", { body: { title } });
      location.hash = `#/playlists/${/** @type {Playlist} */ (data).id}`;
    } catch (error) {
      complain(explain(error));
    }
  }

  draw();
  return () => {
    isLeft = true;
  };
}
