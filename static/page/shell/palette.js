// Ctrl-K: go to a board or a card, or do something, by typing a few letters of it.

import { h, icon } from "../dom.js";
import { t } from "../i18n.js";

const MOST = 8; // of each kind

export class Palette {
  /** `sources()` → [{kind, items: [{label, detail?, icon, run, key?, deliberate?}], always?}…]; what is `deliberate` is never chosen by itself. */
  constructor(scope, sources) {
    this.sources = sources;
    this.input = h("input", {
      class: "palette-input", type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list",
      autocomplete: "off", spellcheck: "false", placeholder: t("palette.placeholder"), "aria-label": t("palette.placeholder"), oninput: () => this.draw(),
    });
    this.list = h("div", { class: "palette-list", id: "palette-list", role: "listbox", "aria-label": t("palette.results") });
    this.none = h("p", { class: "hint palette-none", role: "status", hidden: true }, t("palette.none"));
    this.dialog = h("dialog", { class: "palette", "aria-label": t("palette.label") }, this.input, this.list, this.none);
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.dialog.addEventListener("pointerdown", (event) => event.target === this.dialog && this.dialog.close());
    scope.add(this.dialog);
  }

  show() {
    if (this.dialog.open) return;
    this.input.value = "";
    this.dialog.showModal();
    this.draw();
  }

  refresh() {
    if (this.dialog.open) this.draw();
  }

  draw() {
    const wanted = this.input.value.trim().toLocaleLowerCase();
    this.items = [];
    const groups = this.sources(this.input.value.trim()).map(({ kind, items, always }) => {
      const found = items.map((item) => [rank(item, wanted), item]).filter(([score]) => always || score > 0);
      found.sort((a, b) => b[0] - a[0]);
      return { kind, items: found.slice(0, MOST).map(([, item]) => item) };
    });
    this.list.replaceChildren(...groups.filter(({ items }) => items.length > 0).map((group) => this.group(group)));
    this.none.hidden = this.items.length > 0;
    this.choose(this.items.length === 0 || this.items[0].deliberate ? -1 : 0);
  }

  group({ kind, items }) {
    const id = `palette-${kind}`;
    const options = items.map((item) => this.option(item));
    return h("div", { role: "group", "aria-labelledby": id }, h("p", { class: "palette-kind", id, role: "presentation" }, t(`palette.${kind}`)), ...options);
  }

  option(item) {
    const index = this.items.push(item) - 1;
    const props = { class: "palette-option", id: `palette-option-${index}`, role: "option", "aria-selected": "false", onclick: () => this.run(index), onpointermove: () => this.choose(index) };
    const detail = item.detail ? h("span", { class: "hint" }, item.detail) : null;
    return h("div", props, icon(item.icon), h("span", { class: "option-label" }, item.label), detail, item.key ? h("kbd", {}, item.key) : null);
  }

  choose(index) {
    this.chosen = index;
    if (index < 0) return this.input.removeAttribute("aria-activedescendant");
    for (const option of this.list.querySelectorAll("[role=option]")) {
      const on = option.id === `palette-option-${this.chosen}`;
      option.setAttribute("aria-selected", String(on));
      if (on) option.scrollIntoView({ block: "nearest" });
    }
    return this.input.setAttribute("aria-activedescendant", `palette-option-${this.chosen}`);
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const n = this.items.length;
    if (step !== undefined && n > 0) this.choose((Math.max(this.chosen, step > 0 ? -1 : 0) + step + n) % n);
    else if (event.key === "Enter" && !event.isComposing) this.run(this.chosen);
    else return;
    event.preventDefault();
  }

  run(index) {
    const item = this.items[index];
    if (item === undefined) return;
    this.dialog.close();
    item.run();
  }
}

/** How well an item fits: at its start, at a word, anywhere; 0 not at all. Everything fits an empty wish. */
function rank({ label, words = "" }, wanted) {
  if (wanted === "") return 1;
  const text = label.toLocaleLowerCase();
  if (text.startsWith(wanted)) return 4;
  if (text.split(/\s+/).some((word) => word.startsWith(wanted))) return 3;
  if (text.includes(wanted)) return 2;
  return words.toLocaleLowerCase().includes(wanted) ? 1 : 0;
}
