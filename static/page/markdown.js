// Markdown as elements. The parser's tokens are made into elements one by one: no HTML text is ever written, so
// nothing that somebody typed can become markup, and only addresses of the schemes below become links.

import { h } from "./dom.js";

const SCHEMES = /^(https?:|mailto:|tel:|\/(?!\/)|#)/i;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: " " };
const TASK = { true: "☑ ", false: "☐ " };

let lexer = null; // the largest module of the page: it comes when the board has been drawn
let coming = null;

/** Loads the parser; resolves to true, or to false when it cannot be had now. */
export function loadMarkdown() {
  coming ??= import("../vendor/marked.js").then(
    (marked) => {
      lexer = marked.lexer;
      return true;
    },
    () => {
      coming = null; // no link: the next one who asks tries again
      return false;
    },
  );
  return coming;
}

/** A fragment of elements for `text`; plain lines while there is no parser. `mentioned(text)` → `[{from, to, node}…]`. */
export function markdown(text, { mentioned = () => [] } = {}) {
  const root = document.createDocumentFragment();
  if (lexer === null) root.append(h("p", { class: "plain" }, ...mentions(text, mentioned)));
  else root.append(...new Builder(mentioned).all(lexer(text, { gfm: true, breaks: true })));
  return root;
}

class Builder {
  constructor(mentioned) {
    this.mentioned = mentioned;
  }

  all(tokens = []) {
    return tokens.flatMap((token) => this.one(token));
  }

  one(token) {
    switch (token.type) {
      case "paragraph": return [this.around("p", token)];
      case "heading": return [this.around(`h${Math.min(token.depth + 3, 6)}`, token)]; // below the card's own headings
      case "blockquote": return [this.around("blockquote", token)];
      case "strong":
      case "em":
      case "del": return [this.around({ del: "s" }[token.type] ?? token.type, token)];
      case "list": return [this.list(token)];
      case "table": return [this.table(token)];
      case "code": return [h("pre", { tabindex: "0" }, h("code", {}, token.text))];
      case "codespan": return [h("code", {}, token.text)];
      case "link": return [this.link(token, this.all(token.tokens))];
      case "image": return [this.link(token, [`🖼 ${token.text || token.href}`])]; // shown, it would tell elsewhere who reads
      case "hr":
      case "br": return [h(token.type)];
      case "checkbox": return [h("span", { class: "task-box", "data-done": token.checked }, TASK[token.checked])];
      case "space":
      case "def": return [];
      case "escape": return [token.text];
      case "text": return token.tokens ? this.all(token.tokens) : mentions(decoded(token.text), this.mentioned);
      default: return [token.raw]; // HTML, and what is not known here: as it was typed
    }
  }

  around(tag, { tokens }) {
    return h(tag, {}, ...this.all(tokens));
  }

  list({ ordered, start, items }) {
    const rows = items.map((item) => h("li", { class: item.task ? "task-item" : null }, ...this.all(item.tokens)));
    return h(ordered ? "ol" : "ul", { start: ordered && start !== 1 ? start : null }, ...rows);
  }

  table({ header, rows }) {
    const line = (cells, tag) => h("tr", {}, ...cells.map((cell) => h(tag, { "data-align": cell.align }, ...this.all(cell.tokens))));
    return h("table", {}, h("thead", {}, line(header, "th")), h("tbody", {}, ...rows.map((cells) => line(cells, "td"))));
  }

  link({ href, title, raw }, content) {
    if (!SCHEMES.test(href)) return h("span", {}, raw);
    return h("a", { href, title, target: "_blank", rel: "noopener noreferrer nofollow" }, ...content);
  }
}

function decoded(text) {
  return text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (whole, name) => ENTITIES[name]);
}

function mentions(text, mentioned) {
  const parts = [];
  let at = 0;
  for (const { from, to, node } of mentioned(text)) {
    if (from < at) continue;
    parts.push(text.slice(at, from), node);
    at = to;
  }
  return [...parts, text.slice(at)];
}
