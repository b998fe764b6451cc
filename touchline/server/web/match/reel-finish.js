/** How the videos of a reel are finished: what is drawn, how it ends, what is heard, its shape. */

import { ApiError, ask, change, explain, get, mayEdit } from "../lib/api.js";
import { fill, h, iconButton } from "../lib/dom.js";
import { complain } from "../lib/notices.js";
import { t } from "../lib/texts.js";

/** @typedef {import("../lib/types.js").Finish} Finish */
/** @typedef {import("../lib/types.js").Asset} Asset */

const ASPECTS = /** @type {const} */ (["16:9", "1:1", "4:5", "9:16"]);
const LOUDNESSES = /** @type {const} */ (["source", "r128", "web"]);
const CUTS = /** @type {const} */ (["auto", "encode", "copy"]);
const ENCODERS = /** @type {const} */ (["auto", "software"]);
const UPLOAD_SECONDS = 600;
const ACCEPTED = { picture: ".png,.jpg,.jpeg,.webp", sound: ".mp3,.m4a,.aac,.wav,.flac,.ogg" };

/** `<reel-finish>`: dispatches `finish` with a whole finish. */
export class ReelFinish extends HTMLElement {
  /** @type {Asset[]} */
  #assets = [];
  /** @type {Finish | null} */
  #finish = null;
  #shown = "";
  #sending = "";
  /** How the reel ends, where nothing says it yet. @type {"" | "text" | "picture"} */
  #ending = "";
  /** Names of home and away, as the match states them. @type {() => [string, string]} */
  teamsOf = () => ["", ""];

  async start() {
    if (!mayEdit()) return;
    try {
      /** @type {{items: Asset[]}} */
      const { items } = await get("/v1/assets");
      this.#assets = items;
      this.#draw();
    } catch (error) {
      if (error instanceof ApiError) complain(explain(error));
    }
  }

  /** @param {Finish | null} finish null where there is no reel */
  show(finish) {
    this.hidden = finish === null || !mayEdit();
    if (finish === null || JSON.stringify(finish) === this.#shown) return;
    this.#shown = JSON.stringify(finish);
    this.#finish = finish;
    if (!finish.outro && !finish.outro_picture && !this.contains(document.activeElement)) this.#ending = "";
    this.#draw();
  }

  /** @param {Partial<Finish>} changes */
  #edit(changes) {
    if (!this.#finish) return;
    const finish = { ...this.#finish, ...changes };
    if (!finish.titles && !finish.scoreboard) finish.teams = null;
    if (finish.aspect && finish.cut === "copy") finish.cut = "auto";
    this.dispatchEvent(new CustomEvent("finish", { detail: finish }));
  }

  /** @param {File} file @param {"logo" | "outro_picture" | "music"} field */
  async #send(file, field) {
    this.#sending = file.name;
    this.#draw();
    try {
      const name = encodeURIComponent(file.name.replace(/[\\/]/g, "-"));
      /** @type {import("../lib/api.js").Answer<{id: string}>} */
      const upload = await ask("PUT", `/v1/uploads/${name}`, { raw: file, seconds: UPLOAD_SECONDS });
      /** @type {import("../lib/api.js").Answer<Asset>} */
      const { data: asset } = await change("POST", "/v1/assets", { body: { upload: upload.data.id } });
      this.#assets = [asset, ...this.#assets.filter((one) => one.id !== asset.id)];
      this.#sending = "";
      this.#edit(field === "outro_picture" ? { outro: null, outro_picture: asset.id } : { [field]: asset.id });
    } catch (error) {
      this.#sending = "";
      complain(explain(error));
    }
    this.#draw();
  }

  /** The pictures and sounds of all matches. */
  #list() {
    return h(
      "ul",
      { class: "file-rows" },
      this.#assets.map((asset) => h(
        "li",
        { class: "row" },
        h("span", { class: "grow" }, asset.name),
        iconButton("trash", t("deleteFile", { name: asset.name }), { onclick: () => this.#remove(asset) }),
      )),
    );
  }

  /** @param {Asset} asset */
  async #remove(asset) {
    try {
      await ask("DELETE", `/v1/assets/${asset.id}`);
      this.#assets = this.#assets.filter((one) => one !== asset);
      this.#draw();
    } catch (error) {
      complain(explain(error));
    }
  }

  #draw() {
    const finish = this.#finish;
    if (!finish) return;
    const focused = document.activeElement instanceof HTMLElement && this.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
    const open = new Set([...this.querySelectorAll("details")].flatMap((part) => (part.open ? [part.dataset.part] : [])));
    const part = (/** @type {string} */ name, /** @type {import("../lib/dom.js").Child[]} */ ...inside) =>
      h("details", { "data-part": name, class: name === "all" ? "reel-maker" : null, open: open.has(name) }, ...inside);
    fill(
      this,
      part(
        "all",
        h("summary", {}, t("finish"), " ", h("span", { class: "quiet-text" }, this.#summary(finish))),
        h(
          "div",
          { class: "stack tight" },
          this.#drawn(finish),
          this.#ends(finish),
          this.#heard(finish),
          part("coding", h("summary", {}, t("coding")), this.#coded(finish)),
          this.#assets.length ? part("assets", h("summary", {}, t("assets")), this.#list()) : null,
          this.#sending ? h("p", { class: "quiet-text", role: "status" }, t("sendingFile", { name: this.#sending })) : null,
        ),
      ),
    );
    if (focused) /** @type {HTMLElement | null} */ (this.querySelector(`[data-focus="${focused}"]`))?.focus();
  }

  /** @param {Finish} finish */
  #summary(finish) {
    return [
      finish.titles && t("finish.titles"),
      finish.scoreboard && t("finish.scoreboard"),
      finish.labels && t("burn"),
      finish.logo && t("finish.logo"),
      (finish.outro || finish.outro_picture) && t("finish.outro"),
      finish.music && t("finish.music"),
      finish.aspect,
    ].filter(Boolean).join(", ");
  }

  /** @param {Finish} finish */
  #drawn(finish) {
    const check = (/** @type {"titles" | "scoreboard" | "labels"} */ name, /** @type {string} */ label) => {
      const box = h("input", { type: "checkbox", checked: finish[name], "data-focus": name, onchange: () => this.#edit({ [name]: box.checked }) });
      return h("label", { class: "check" }, box, label);
    };
    const team = (/** @type {0 | 1} */ side) => {
      const known = this.teamsOf()[side];
      const input = h("input", {
        value: finish.teams?.[side] ?? "", placeholder: known, maxlength: "100", "data-focus": `team ${side}`,
        onchange: () => this.#name(),
      });
      return h("label", { class: "field" }, side ? t("awayTeam") : t("homeTeam"), input);
    };
    return [
      check("titles", t("titlesHow")),
      check("scoreboard", t("scoreboardHow")),
      finish.titles || finish.scoreboard ? h("div", { class: "fields" }, team(0), team(1)) : null,
      check("labels", t("burn")),
      this.#asset("logo", "picture", t("finish.logo"), t("noLogo")),
    ];
  }

  /** Name the teams, as soon as both have a name; one that is empty is as the match has it. */
  #name() {
    const known = this.teamsOf();
    const said = /** @type {const} */ ([0, 1]).map((side) => {
      const input = /** @type {HTMLInputElement | null} */ (this.querySelector(`[data-focus="team ${side}"]`));
      return input?.value.trim() ?? "";
    });
    const [home, away] = [said[0] || known[0], said[1] || known[1]];
    if (!said[0] && !said[1]) this.#edit({ teams: null });
    else if (home && away) this.#edit({ teams: [home, away] });
  }

  /** @param {Finish} finish */
  #ends(finish) {
    const now = finish.outro_picture ? "picture" : finish.outro ? "text" : this.#ending;
    const kind = h(
      "select",
      {
        "data-focus": "outro", onchange: () => {
          this.#ending = /** @type {"" | "text" | "picture"} */ (kind.value);
          if (finish.outro || finish.outro_picture) this.#edit({ outro: null, outro_picture: null });
          this.#draw();
        },
      },
      /** @type {const} */ (["", "text", "picture"]).map((name) => h("option", { value: name, selected: name === now }, t(`outro.${name}`))),
    );
    const text = h("input", {
      value: finish.outro ?? "", maxlength: "100", "aria-label": t("outroText"), placeholder: t("outroText"), "data-focus": "outro text",
      onchange: () => this.#edit({ outro: text.value.trim() || null, outro_picture: null }),
    });
    return [
      h("label", { class: "field" }, t("finish.outro"), kind),
      now === "text" ? text : null,
      now === "picture" ? this.#asset("outro_picture", "picture", t("outroPicture"), t("none")) : null,
    ];
  }

  /** @param {Finish} finish */
  #heard(finish) {
    const own = typeof finish.loudness === "number" ? String(finish.loudness) : "";
    const loudness = h(
      "select",
      { "data-focus": "loudness", onchange: () => this.#edit({ loudness: /** @type {Finish["loudness"]} */ (Number(loudness.value) || loudness.value) }) },
      LOUDNESSES.map((name) => h("option", { value: name, selected: name === finish.loudness }, t(`loudness.${name}`))),
      own ? h("option", { value: own, selected: true }, `${own} LUFS`) : null,
    );
    const aspect = h(
      "select",
      { "data-focus": "aspect", onchange: () => this.#edit({ aspect: aspect.value || null }) },
      h("option", { value: "" }, t("aspectAsIs")),
      ASPECTS.map((name) => h("option", { value: name, selected: name === finish.aspect }, t(`aspect.${name}`))),
      finish.aspect && !ASPECTS.some((name) => name === finish.aspect) ? h("option", { value: finish.aspect, selected: true }, finish.aspect) : null,
    );
    return [
      this.#asset("music", "sound", t("finish.music"), t("noMusic")),
      h(
        "div",
        { class: "fields" },
        h("label", { class: "field" }, t("loudness"), loudness),
        h("label", { class: "field" }, t("aspect"), aspect),
      ),
    ];
  }

  /** @param {Finish} finish */
  #coded(finish) {
    const cut = h(
      "select",
      { "data-focus": "cut", onchange: () => this.#edit({ cut: /** @type {Finish["cut"]} */ (cut.value) }) },
      CUTS.map((name) => h("option", { value: name, selected: name === finish.cut, disabled: name === "copy" && finish.aspect !== null }, t(`cut.${name}`))),
    );
    const encoder = h(
      "select",
      { "data-focus": "encoder", onchange: () => this.#edit({ encoder: encoder.value }) },
      ENCODERS.map((name) => h("option", { value: name, selected: name === finish.encoder }, t(`encoder.${name}`))),
      ENCODERS.some((name) => name === finish.encoder) ? null : h("option", { value: finish.encoder, selected: true }, finish.encoder),
    );
    const track = h("input", {
      type: "number", min: "1", max: "64", value: finish.audio_track ?? "", "data-focus": "track",
      onchange: () => track.reportValidity() && this.#edit({ audio_track: Number(track.value) || null }),
    });
    const check = (/** @type {"keep_hdr" | "deinterlace"} */ name, /** @type {string} */ label) => {
      const box = h("input", { type: "checkbox", checked: finish[name], "data-focus": name, onchange: () => this.#edit({ [name]: box.checked }) });
      return h("label", { class: "check" }, box, label);
    };
    return h(
      "div",
      { class: "stack tight" },
      h(
        "div",
        { class: "fields" },
        h("label", { class: "field" }, t("cutting"), cut),
        h("label", { class: "field" }, t("encoder"), encoder),
        h("label", { class: "field" }, t("soundTrack"), track),
      ),
      check("keep_hdr", t("keepHdr")),
      check("deinterlace", t("deinterlace")),
    );
  }

  /**
   * A choice of the pictures or sounds that there are, and a button to add one.
   *
   * @param {"logo" | "outro_picture" | "music"} field
   * @param {"picture" | "sound"} kind
   * @param {string} label
   * @param {string} none
   */
  #asset(field, kind, label, none) {
    const now = this.#finish?.[field] ?? "";
    const choice = h(
      "select",
      {
        "data-focus": field,
        onchange: () => this.#edit(field === "outro_picture" ? { outro: null, outro_picture: choice.value || null } : { [field]: choice.value || null }),
      },
      h("option", { value: "" }, none),
      this.#assets.filter((asset) => asset.kind === kind).map((asset) => h("option", { value: asset.id, selected: asset.id === now }, asset.name)),
    );
    const input = h("input", {
      type: "file", hidden: true, accept: ACCEPTED[kind], "aria-label": t("addFileTo", { what: label }),
      onchange: () => input.files?.[0] && this.#send(input.files[0], field),
    });
    return h(
      "div",
      { class: "row with-button" },
      h("label", { class: "field" }, label, choice),
      h("button", { type: "button", "aria-label": t("addFileTo", { what: label }), disabled: this.#sending !== "", onclick: () => input.click() }, t("addFile")),
      input,
    );
  }
}

customElements.define("reel-finish", ReelFinish);
