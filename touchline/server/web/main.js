/** The page: who is here, which view is shown, and what holds for all of them. */

import { ApiError, LostConnection, ask, connection, get, session } from "./lib/api.js";
import { fill, h, icon, iconButton } from "./lib/dom.js";
import { complain, notify } from "./lib/notices.js";
import { t } from "./lib/texts.js";
import { applyTheme, setTheme, theme } from "./lib/theme.js";
import { uploads } from "./lib/uploads.js";
import { showLibrary } from "./views/library.js";
import { showLogin } from "./views/login.js";
import { showMatch } from "./views/match.js";
import { showModels } from "./views/models.js";
import { showPlaylists } from "./views/playlists.js";
import { showSettings } from "./views/settings.js";

/** @typedef {import("./lib/types.js").Session} Session */

/**
 * A view fills an element and returns what ends it.
 *
 * @typedef {(root: HTMLElement, argument: string) => (() => void)} View
 */

/** @type {{[name: string]: View}} */
const VIEWS = {
  "": showLibrary,
  matches: showMatch,
  models: showModels,
  playlists: showPlaylists,
  settings: showSettings,
};

const main = h("main", { id: "main", tabindex: "-1" });
const warning = h("div", { class: "bar-warning", role: "status", hidden: true });
const header = h("header", { class: "top" });
const home = h("a", { class: "name", href: "#/", "aria-label": "touchline" }, h("img", { src: "/web/icon.svg", alt: "" }), h("span", {}, "touchline"));

/** @type {() => void} */
let leave = () => undefined;

function drawHeader() {
  const who = session.current;
  const place = location.hash.split("/")[1] ?? "";
  const link = (/** @type {string} */ to, /** @type {string} */ text) =>
    h("a", { href: `#/${to}`, "aria-current": place === to ? "page" : null }, text);
  fill(
    header,
    home,
    who && !isGuest(who)
      ? h("nav", { "aria-label": t("nav") }, link("", t("library")), link("playlists", t("playlists")), link("models", t("models")), link("settings", t("settings")))
      : null,
    h("span", { class: "space" }),
    who?.csrf ? h("span", { class: "quiet-text who" }, who.name) : null,
    themeButton(),
    who?.csrf ? h("button", { type: "button", class: "quiet worded", onclick: logOut, title: t("logOut"), "aria-label": t("logOut") }, icon("leave"), h("span", {}, t("logOut"))) : null,
  );
}

/** @param {Session} who */
function isGuest(who) {
  return who.guest_of !== null || who.guest_of_playlist !== null;
}

function themeButton() {
  const now = theme();
  const next = /** @type {const} */ ({ system: "light", light: "dark", dark: "system" })[now];
  const drawing = /** @type {const} */ ({ system: "system", light: "light", dark: "dark" })[now];
  return iconButton(drawing, t(`theme.${now}`), {
    onclick: () => {
      setTheme(next);
      header.querySelector(".theme")?.replaceWith(themeButton());
      /** @type {HTMLElement | null} */ (header.querySelector(".theme"))?.focus();
    },
    class: "quiet icon-only theme",
  });
}

async function logOut() {
  try {
    await ask("DELETE", "/v1/session");
  } catch (error) {
    if (error instanceof LostConnection) return complain(t("lostTry"));
  }
  session.current = null;
  login();
}

function login() {
  leave();
  drawHeader();
  leave = showLogin(main, async () => {
    await begin();
  });
}

function route() {
  const [, name = "", argument = ""] = location.hash.split("/");
  if (!session.current) return;
  leave();
  document.body.className = name ? `at-${name}` : "at-library";
  drawHeader();
  const { guest_of: guestsMatch, guest_of_playlist: guestsPlaylist } = session.current;
  if (guestsMatch) leave = showMatch(main, guestsMatch);
  else if (guestsPlaylist) leave = showPlaylists(main, guestsPlaylist);
  else leave = (VIEWS[name] ?? showLibrary)(main, argument);
}

async function begin() {
  try {
    session.current = /** @type {Session} */ (await get("/v1/session"));
  } catch (error) {
    if (error instanceof LostConnection) {
      await connection.whenThere();
      return begin();
    }
    if (error instanceof ApiError && error.status === 401) return login();
    throw error;
  }
  route();
}

connection.addEventListener("lost", () => {
  fill(warning, t("lost"));
  warning.hidden = false;
});
connection.addEventListener("back", () => {
  warning.hidden = true;
  notify(t("back"));
});
connection.addEventListener("signedout", () => {
  if (!session.current) return;
  session.current = null;
  login();
});
connection.addEventListener("signedin", () => begin());
addEventListener("hashchange", () => {
  route();
  main.focus({ preventScroll: true });
});
addEventListener("beforeunload", (event) => {
  if (uploads.isBusy) event.preventDefault();
});

applyTheme();
const skip = h("a", { class: "skip", href: "#main", onclick: toMain }, t("skip"));

/** @param {Event} event */
function toMain(event) {
  event.preventDefault();
  main.focus();
}

document.body.replaceChildren(skip, header, warning, main);
document.title = "touchline";
begin();
