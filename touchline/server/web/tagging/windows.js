/** The code windows of the server: read, changed, and taken back step by step. */

import { ApiError, change, explain, get, mayEdit, newKey, session } from "../lib/api.js";
import { complain, notify } from "../lib/notices.js";
import { keep, kept } from "../lib/storage.js";
import { t } from "../lib/texts.js";

/** @typedef {import("./window.js").KnownWindow} KnownWindow */
/** @typedef {import("./window.js").CodeWindow} CodeWindow */
/** @typedef {{id: string, undone: boolean}} Step */

const PATH = "/v1/code-windows";
const STORED = "codeWindow";

/** Tells `change` when there are others, or another one is chosen. */
export class CodeWindows extends EventTarget {
  /** @type {KnownWindow[]} */
  all = [];
  /** @type {string} */
  #chosen = kept(STORED, "");
  /** This person's steps of the chosen window, the oldest first. @type {Step[]} */
  #steps = [];
  /** What this person deleted last, while no window is chosen. @type {KnownWindow | undefined} */
  #deleted;
  #isBusy = false;

  /** @returns {KnownWindow | undefined} */
  get chosen() {
    return this.all.find((one) => one.id === this.#chosen);
  }

  /** @returns {Step | undefined} */
  get #last() {
    return this.#steps.findLast((step) => !step.undone);
  }

  get canUndo() {
    return !this.#isBusy && Boolean(this.chosen ? this.#last : this.#deleted);
  }

  get canRedo() {
    return !this.#isBusy && Boolean(this.chosen && this.#steps.some((step) => step.undone));
  }

  /** What undo does now. */
  get undoName() {
    return this.chosen || !this.#deleted ? t("codeWindowUndo") : t("codeWindowBack", { title: this.#deleted.title });
  }

  /** Read what there is. */
  async read() {
    if (session.current?.guest_of === null) await this.#trying(() => this.#readAll());
    this.#tell();
  }

  async #readAll() {
    /** @type {{items: KnownWindow[]}} */
    const { items } = await get(PATH);
    this.all = items;
    await this.#readHistory();
  }

  async #readHistory() {
    this.#steps = [];
    this.#deleted = undefined;
    if (!mayEdit()) return;
    const { chosen } = this;
    if (chosen) {
      /** @type {KnownWindow & {steps: Step[]}} */
      const whole = await get(`${PATH}/${chosen.id}`);
      if (this.chosen?.id === chosen.id) this.#steps = whole.steps;
    } else {
      /** @type {{items: KnownWindow[]}} */
      const { items } = await get(`${PATH}?deleted=true`);
      this.#deleted = items.find((one) => one.updated_by === session.current?.name);
    }
  }

  /** @param {string} id empty for the classes of the match */
  async choose(id) {
    this.#turnTo(id);
    this.#tell();
    await this.#trying(() => this.#readHistory());
    this.#tell();
  }

  /** @param {string} title @param {CodeWindow} window */
  async add(title, window) {
    await this.#trying(async () => {
      const { data } = await change("POST", PATH, { body: { title, window } });
      this.#turnTo(/** @type {KnownWindow} */ (data).id);
    });
    await this.read();
  }

  /** @param {KnownWindow} known @param {string} title @param {CodeWindow} window */
  async save(known, title, window) {
    Object.assign(known, { title, window });
    this.#tell();
    try {
      await change("PATCH", `${PATH}/${known.id}`, { body: { title, window }, ifMatch: `"${known.version}"`, key: newKey() });
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) {
        await this.add(t("codeWindowCopy", { title }), window);
        return complain(t("codeWindowChanged", { title: t("codeWindowCopy", { title }) }));
      }
      complain(explain(error));
    }
    await this.read();
  }

  /** @param {KnownWindow} known */
  async remove(known) {
    await this.#trying(async () => {
      await change("DELETE", `${PATH}/${known.id}`, { ifMatch: `"${known.version}"` });
      notify(t("codeWindowDeleted", { title: known.title }), { actions: [{ label: t("undo"), act: () => void this.#bringBack(known.id) }] });
    });
    this.#turnTo("");
    await this.read();
  }

  /** Take this person's last change of the chosen window back; without one, the last deletion. */
  async undo() {
    if (!this.canUndo) return;
    if (this.chosen) await this.#goBack("undo", this.chosen.id, this.#last);
    else if (this.#deleted) await this.#bringBack(this.#deleted.id);
  }

  async redo() {
    if (this.canRedo && this.chosen) await this.#goBack("redo", this.chosen.id, this.#steps.find((step) => step.undone));
  }

  /** @param {"undo" | "redo"} way @param {string} id @param {Step} [step] */
  async #goBack(way, id, step) {
    if (!step) return;
    await this.#busy(async () => {
      const { data } = await change("POST", `${PATH}/${id}/${way}`, { body: { step: step.id } });
      this.#turnTo(data ? id : ""); // without data it is deleted now
    });
  }

  /** @param {string} id of a window that was deleted, or whose making was undone */
  async #bringBack(id) {
    await this.#busy(async () => {
      try {
        await change("POST", `${PATH}/${id}/undo`);
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 409)) throw error;
        await change("POST", `${PATH}/${id}/redo`);
      }
      this.#turnTo(id);
    });
  }

  /** @param {string} id */
  #turnTo(id) {
    this.#chosen = id;
    keep(STORED, id || null);
  }

  /** @param {() => Promise<void>} act */
  async #busy(act) {
    this.#isBusy = true;
    this.#tell();
    await this.#trying(act);
    this.#isBusy = false;
    await this.read();
  }

  /** @param {() => Promise<void>} act */
  async #trying(act) {
    try {
      await act();
    } catch (error) {
      complain(explain(error));
    }
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
