/** What the timeline says of the place under the pointer: the picture, the time, the event. */

import { fill, h } from "../lib/dom.js";

export class Tip {
  element = h("div", { class: "tip", hidden: true, "aria-hidden": "true" });

  /**
   * @param {DOMRect} box of the timeline
   * @param {number} clientX of the pointer
   * @param {{src: string} | null} picture
   * @param {number} shape width by height of the picture
   * @param {import("../lib/dom.js").Child[]} words
   */
  show(box, clientX, picture, shape, words) {
    const { element } = this;
    let image = element.querySelector("img");
    if (picture && !image) {
      image = h("img", { alt: "", width: 192, height: Math.round(192 / shape) });
      element.prepend(image);
    }
    if (picture && image && image.getAttribute("src") !== picture.src) image.src = picture.src;
    fill(element.querySelector("div") ?? element.appendChild(h("div")), words);
    element.hidden = false;
    const left = Math.min(Math.max(clientX - element.offsetWidth / 2, box.left), box.right - element.offsetWidth);
    element.style.transform = `translate(${left}px, ${box.top - element.offsetHeight - 6}px)`;
  }

  hide() {
    this.element.hidden = true;
  }
}
