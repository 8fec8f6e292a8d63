// Labels as they are drawn, and the colours that are offered for them.

import { h } from "./dom.js";

export const COLORS = ["#3b82c4", "#2f9e6e", "#c08a1e", "#c2553d", "#9b59b6", "#5b6ee1", "#3aa6a6", "#b5527e", "#7a8450", "#6b7280"];

/** The name on its colour. */
export function chip({ name, color }) {
  return coloured(h("span", { class: "label" }, name), color);
}

/** A small square of a colour, invisible to screen readers. */
export function swatch(color) {
  return coloured(h("span", { class: "swatch", "aria-hidden": "true" }), color);
}

/** The colour for the next label: those of the board are different for as long as they can be. */
export function nextColor(labels) {
  const used = new Set([...labels.values()].map(({ color }) => color));
  return COLORS.find((color) => !used.has(color)) ?? COLORS[labels.size % COLORS.length];
}

function coloured(element, color) {
  element.style.setProperty("--label", color);
  return element;
}
