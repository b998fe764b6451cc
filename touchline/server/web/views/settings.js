/** Settings: the server's policy, users, tokens, and who did what. */

import { ApiError, LostConnection, ask, connection, explain, get, getAll, post, session } from "../lib/api.js";
import { fill, h, iconButton } from "../lib/dom.js";
import { date } from "../lib/format.js";
import { complain, notify } from "../lib/notices.js";
import { t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").Policy} Policy */
/** @typedef {import("../lib/types.js").User} User */
/** @typedef {import("../lib/types.js").Token} Token */
/** @typedef {import("../lib/types.js").Capabilities} Capabilities */
/** @typedef {{at: string, actor: string, action: string, target: string}} AuditLine */

const GIGABYTE = 1024 ** 3;
const AUDIT_LINES = 50;
const ROLES = /** @type {const} */ (["viewer", "editor", "admin"]);

/** @param {HTMLElement} root */
export function showSettings(root) {
  const isAdmin = session.current?.role === "admin";
  const [policy, users, tokens, audit] = ["policy", "users", "tokens", "audit"].map(() => h("section", { class: "card stack" }));
  fill(
    root,
    h(
      "div",
      { class: "sheet stack" },
      h("h1", {}, t("settings")),
      h("div", { class: "sections" }, policy, isAdmin ? users : null, tokens, isAdmin ? audit : null),
    ),
  );
  const parts = /** @type {[HTMLElement | undefined, (root: HTMLElement) => Promise<void>][]} */ ([
    [policy, (ground) => drawPolicy(ground, isAdmin)],
    [isAdmin ? users : undefined, drawUsers],
    [tokens, drawTokens],
    [isAdmin ? audit : undefined, drawAudit],
  ]);
  let isLeft = false;

  /** @param {HTMLElement} ground @param {(root: HTMLElement) => Promise<void>} draw */
  async function show(ground, draw) {
    try {
      await draw(ground);
    } catch (error) {
      fill(ground, h("p", { class: "problem" }, explain(error)));
      if (error instanceof LostConnection) connection.whenThere().then(() => (isLeft ? undefined : show(ground, draw)));
    }
  }

  for (const [ground, draw] of parts) if (ground) show(ground, draw);
  return () => {
    isLeft = true;
  };
}

/** @param {HTMLElement} root @param {boolean} isAdmin */
async function drawPolicy(root, isAdmin) {
  const policy = /** @type {Policy} */ (await get("/v1/settings"));
  const models = /** @type {{models: {name: string}[]}} */ (await get("/v1/models"));
  const number = (/** @type {number | null} */ value, /** @type {Record<string, unknown>} */ more = {}) =>
    h("input", { type: "number", value: value ?? "", disabled: !isAdmin, required: value !== null, ...more });
  const model = h("select", { disabled: !isAdmin }, models.models.map(({ name }) => h("option", { value: name, selected: name === policy.default_model }, name)));
  const threshold = number(Math.round(policy.threshold * 1000) / 10, { min: 0, max: 100, step: 0.1 });
  const upload = number(policy.max_upload_bytes / GIGABYTE, { min: 0, step: "any" });
  const quota = number(policy.quota_bytes / GIGABYTE, { min: 0, step: "any" });
  const hours = number(policy.upload_hours, { min: 0.1, step: "any" });
  const days = number(policy.retention_days, { min: 0.01, step: "any", required: false });
  const thumbnails = number(policy.thumbnail_seconds, { min: 1, max: 600, step: "any" });
  const height = number(policy.proxy_height, { min: 64, max: 2160, step: 2 });

  /** @param {Event} event */
  async function save(event) {
    event.preventDefault();
    try {
      await ask("PATCH", "/v1/settings", {
        body: {
          default_model: model.value,
          threshold: Number(threshold.value) / 100,
          max_upload_bytes: Math.round(Number(upload.value) * GIGABYTE),
          quota_bytes: Math.round(Number(quota.value) * GIGABYTE),
          upload_hours: Number(hours.value),
          retention_days: days.value === "" ? null : Number(days.value),
          thumbnail_seconds: Number(thumbnails.value),
          proxy_height: Number(height.value),
        },
      });
      notify(t("saved"));
    } catch (error) {
      complain(explain(error));
    }
  }

  const field = (/** @type {string} */ label, /** @type {HTMLElement} */ input) => h("label", { class: "field" }, label, input);
  fill(
    root,
    h("h2", {}, t("policy")),
    isAdmin ? null : h("p", { class: "quiet-text" }, t("onlyAdmins")),
    h(
      "form",
      { class: "stack", onsubmit: save },
      h(
        "div",
        { class: "form-grid" },
        field(t("defaultModel"), model),
        field(t("thresholdPercent"), threshold),
        field(t("uploadGigabytes"), upload),
        field(t("quotaGigabytes"), quota),
        field(t("uploadHours"), hours),
        field(t("keepDays"), days),
        field(t("thumbnailSeconds"), thumbnails),
        field(t("proxyHeight"), height),
      ),
      isAdmin ? h("div", { class: "row" }, h("button", { class: "main" }, t("save"))) : null,
    ),
  );
}

/** @param {string} chosen @param {Record<string, unknown>} [more] */
function roleSelect(chosen, more = {}) {
  return h("select", more, ROLES.map((role) => h("option", { value: role, selected: role === chosen }, t(role))));
}

/** @param {HTMLElement} root */
async function drawUsers(root) {
  const { items } = /** @type {{items: User[]}} */ (await getAll("/v1/users"));
  const redraw = () => drawUsers(root).catch((error) => complain(explain(error)));

  /** @param {User} user @param {Record<string, unknown>} values */
  async function change(user, values) {
    try {
      await ask("PATCH", `/v1/users/${user.id}`, { body: values });
      notify(t("saved"));
    } catch (error) {
      complain(explain(error));
    }
    await redraw();
  }

  /** @param {User} user */
  async function remove(user) {
    try {
      await ask("DELETE", `/v1/users/${user.id}`);
    } catch (error) {
      complain(explain(error));
    }
    await redraw();
  }

  const name = h("input", { required: true, maxlength: "100", autocomplete: "off" });
  const password = h("input", { type: "password", required: true, minlength: "10", maxlength: "200", autocomplete: "new-password" });
  const role = roleSelect(items.length ? "editor" : "admin");

  /** @param {Event} event */
  async function add(event) {
    event.preventDefault();
    try {
      const made = { name: name.value.trim(), password: password.value };
      await post("/v1/users", { ...made, role: role.value });
      if (!items.length) return await logInAs(made);
      notify(t("saved"));
      await redraw();
    } catch (error) {
      complain(explain(error));
    }
  }

  fill(
    root,
    h("h2", {}, t("users")),
    items.length
      ? h(
          "div",
          { class: "scrolls" },
          h(
            "table",
            {},
            h("thead", {}, h("tr", {}, [t("name"), t("role"), t("disabled"), t("delete")].map((text) => h("th", {}, text)))),
            h(
              "tbody",
              {},
              items.map((user) =>
                h(
                  "tr",
                  {},
                  h("td", {}, user.name),
                  h("td", {}, roleSelect(user.role, { "aria-label": `${t("role")}: ${user.name}`, onchange: (/** @type {Event} */ event) => change(user, { role: /** @type {HTMLSelectElement} */ (event.target).value }) })),
                  h("td", {}, h("input", { type: "checkbox", checked: user.disabled, "aria-label": `${t("disabled")}: ${user.name}`, onchange: (/** @type {Event} */ event) => change(user, { disabled: /** @type {HTMLInputElement} */ (event.target).checked }) })),
                  h("td", {}, iconButton("trash", t("removeUser", { name: user.name }), { onclick: () => remove(user) })),
                ),
              ),
            ),
          ),
        )
      : h("p", { class: "warning" }, t("firstUser")),
    h(
      "form",
      { class: "stack", onsubmit: add },
      h(
        "div",
        { class: "form-grid" },
        h("label", { class: "field" }, t("name"), name),
        h("label", { class: "field" }, t("newPassword"), password),
        h("label", { class: "field" }, t("role"), role),
      ),
      h("div", { class: "row" }, h("button", {}, t("addUser"))),
    ),
  );
}

/**
 * The server requires passwords from now on: whoever added the first user goes on as that user.
 *
 * @param {{name: string, password: string}} who
 */
async function logInAs(who) {
  await ask("POST", "/v1/session", { body: who });
  notify(t("firstUserMade", { name: who.name }));
  connection.dispatchEvent(new Event("signedin"));
}

/** @param {HTMLElement} root */
async function drawTokens(root) {
  /** @type {Token[]} */
  let items;
  try {
    items = /** @type {{items: Token[]}} */ (await getAll("/v1/tokens")).items;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
    fill(root, h("h2", {}, t("tokens")), h("p", { class: "quiet-text" }, t("tokensNeedUser")));
    return;
  }
  const name = h("input", { required: true, maxlength: "100" });
  const days = h("input", { type: "number", min: "1", max: "3650" });
  const role = roleSelect("viewer");
  const redraw = () => drawTokens(root).catch((error) => complain(explain(error)));

  /** @param {Event} event */
  async function make(event) {
    event.preventDefault();
    try {
      const token = /** @type {Token} */ (
        await post("/v1/tokens", { name: name.value, role: role.value, days: days.value === "" ? null : Number(days.value) })
      );
      const field = h("input", { readonly: true, value: token.secret ?? "", "aria-label": token.name });
      await redraw();
      root.append(h("p", {}, t("tokenMade")), field);
      field.focus();
      field.select();
    } catch (error) {
      complain(explain(error));
    }
  }

  /** @param {Token} token */
  async function revoke(token) {
    try {
      await ask("DELETE", `/v1/tokens/${token.id}`);
    } catch (error) {
      complain(explain(error));
    }
    await redraw();
  }

  fill(
    root,
    h("h2", {}, t("tokens")),
    h("p", { class: "quiet-text" }, t("tokensHow")),
    items.length
      ? h(
          "ul",
          { class: "file-rows" },
          items.map((token) =>
            h(
              "li",
              { class: "row" },
              h("span", { class: "grow" }, token.name, h("span", { class: "quiet-text" }, ` · ${t(/** @type {"viewer" | "editor" | "admin"} */ (token.role))}${token.expires_at ? ` · ${t("until", { when: date(token.expires_at) })}` : ""}`)),
              iconButton("trash", t("revokeToken", { name: token.name }), { onclick: () => revoke(token) }),
            ),
          ),
        )
      : h("p", { class: "quiet-text" }, t("noTokens")),
    h(
      "form",
      { class: "stack", onsubmit: make },
      h(
        "div",
        { class: "form-grid" },
        h("label", { class: "field" }, t("name"), name),
        h("label", { class: "field" }, t("role"), role),
        h("label", { class: "field" }, t("tokenDays"), days),
      ),
      h("div", { class: "row" }, h("button", {}, t("tokenNew"))),
    ),
  );
}

/** @param {HTMLElement} root */
async function drawAudit(root) {
  const { items } = /** @type {{items: AuditLine[]}} */ (await get(`/v1/audit?limit=${AUDIT_LINES}`));
  fill(
    root,
    h("h2", {}, t("audit")),
    h(
      "div",
      { class: "scrolls", tabindex: "0", role: "region", "aria-label": t("audit") },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, [t("when"), t("who"), t("action"), t("what")].map((text) => h("th", {}, text)))),
        h("tbody", {}, items.map((line) => h("tr", {}, h("td", { class: "number short" }, date(line.at)), h("td", {}, line.actor), h("td", { class: "short" }, line.action), h("td", { class: "long" }, line.target)))),
      ),
    ),
  );
}
