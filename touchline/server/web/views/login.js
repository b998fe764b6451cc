/** Name and password. */

import { ask, explain } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { t } from "../lib/texts.js";

/**
 * @param {HTMLElement} root
 * @param {() => void} done
 */
export function showLogin(root, done) {
  const name = h("input", { name: "name", autocomplete: "username", required: true });
  const password = h("input", {
    name: "password", type: "password", autocomplete: "current-password", required: true,
  });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    problem.hidden = true;
    try {
      await ask("POST", "/v1/session", { body: { name: name.value, password: password.value } });
      done();
    } catch (error) {
      fill(problem, explain(error));
      problem.hidden = false;
    }
  }

  fill(
    root,
    h(
      "form",
      { class: "card stack login", onsubmit: submit },
      h("h1", {}, t("logIn")),
      h("label", { class: "field" }, t("name"), name),
      h("label", { class: "field" }, t("password"), password),
      problem,
      h("button", { class: "main" }, t("logIn")),
    ),
  );
  name.focus();
  return () => undefined;
}
