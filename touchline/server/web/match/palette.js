/** The colour of each class, as the server, reports and videos have it. */

/**
 * What `/web/palette.json` says.
 *
 * @typedef {object} Places
 * @property {string[]} colours by place
 * @property {string[]} further classes whose places lie behind those of a label set
 * @property {number} others places of all other classes, behind those
 */

export class Palette {
  /** @param {Places} places */
  constructor(places = { colours: [], further: [], others: 1 }) {
    this.#places = places;
  }

  /** @type {Places} */
  #places;

  /** @param {string[]} labels of the match @param {string} label */
  colour(labels, label) {
    const { colours } = this.#places;
    const place = labels.indexOf(label);
    return colours[(place < 0 ? labels.length + this.#behind(label) : place) % colours.length] ?? "#888";
  }

  /** @param {string} label */
  #behind(label) {
    const { further, others } = this.#places;
    const place = further.indexOf(label);
    return place < 0 ? further.length + (crc32(label) % others) : place;
  }
}

/** Of a text in UTF-8, as gzip and PNG have it. @param {string} text */
function crc32(text) {
  let sum = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
