// The little Markdown that a card's excerpt shows: `code`, *emphasis* and **strong**, made as elements.

import { h } from "./dom.js";

const MARKS = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|\*([^*\s][^*\n]*)\*/g;

const SYNTAX = [
  [/^\s*(```|~~~).*$/gm, ""], // fences
  [/^\s{0,3}(#{1,6}|>|[-*+]|\d+[.)])\s+(\[[ xX]\]\s+)?/gm, ""], // headings, quotes, lists
  [/!?\[([^\]\n]*)\]\([^)\n]*\)/g, "$1"], // links and pictures
];

/** The beginning of a Markdown text, without its larger marks, as nodes. */
export function excerpt(text, length = 200) {
  const plain = SYNTAX.reduce((rest, [mark, instead]) => rest.replace(mark, instead), text.slice(0, 2 * length));
  return inline(plain.trim().slice(0, length));
}

/** Nodes for one text; everything that is not one of the marks stays the text it is. */
export function inline(text) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(MARKS)) {
    nodes.push(text.slice(from, found.index), marked(found));
    from = found.index + found[0].length;
  }
  return [...nodes, text.slice(from)];
}

function marked([, code, strong, emphasis]) {
  if (code !== undefined) return h("code", {}, code);
  return strong === undefined ? h("em", {}, emphasis) : h("strong", {}, strong);
}
