"use strict";
const slider = document.getElementById("threshold");
const value = document.getElementById("threshold-value");
const count = document.getElementById("count");
const nothing = document.getElementById("nothing");
const chips = [...document.querySelectorAll(".chips button")];
const marked = [...document.querySelectorAll("[data-confidence]")];
const cards = marked.filter((element) => element.classList.contains("event"));

function show() {
  const least = Number(slider.value) / 100;
  const classes = new Set(
    chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.class),
  );
  for (const element of marked) {
    const visible = Number(element.dataset.confidence) >= least && classes.has(element.dataset.class);
    element.toggleAttribute("hidden", !visible);
  }
  const shown = cards.filter((card) => !card.hasAttribute("hidden")).length;
  value.textContent = `${slider.value}\u2009%`;
  count.textContent = shown === cards.length ? String(shown) : `${shown} of ${cards.length}`;
  nothing.hidden = shown > 0 || cards.length === 0;
}

slider.addEventListener("input", show);
for (const chip of chips) {
  chip.addEventListener("click", () => {
    chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
    show();
  });
}
show();
