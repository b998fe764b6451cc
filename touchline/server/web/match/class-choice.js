/** Asks which class an event is of: by its button, or by the key that tags it. */

import { h } from "../lib/dom.js";
import { openDialog } from "../lib/notices.js";
import { t } from "../lib/texts.js";
import { keyName, shownKey } from "./keys.js";

/**
 * @param {string[]} labels
 * @param {string} now the present one
 * @param {import("./keys.js").Keys} keys
 * @param {(label: string) => string} colourOf
 * @returns {Promise<string>} the class; empty if none was chosen
 */
export function chooseClass(labels, now, keys, colourOf) {
  return openDialog(t("key.changeClass"), (close) => [
    h(
      "div",
      {
        class: "class-choice",
        onkeydown: (/** @type {KeyboardEvent} */ press) => {
          const label = labels.find((one) => keys.keysOf(`class ${one}`).includes(keyName(press)));
          if (label) {
            press.preventDefault();
            close(label);
          }
        },
      },
      labels.map((label) =>
        h(
          "button",
          { type: "button", "aria-pressed": String(label === now), autofocus: label === now, style: { "--class": colourOf(label) }, onclick: () => close(label) },
          h("span", { class: "swatch" }), label, h("kbd", {}, shownKey(keys.keyOfClass(label))),
        ),
      ),
    ),
  ]);
}
