// Two texts for one field: mine, which I can still edit, and theirs. Nothing is overwritten unseen.

import { growing, h, setText } from "../dom.js";
import { formatAgo, t } from "../i18n.js";

export class ConflictDialog {
  constructor(scope) {
    this.heading = h("h2", { id: "conflict-title" });
    this.whose = h("h3", {});
    this.theirs = h("div", { class: "their-text field", role: "group", tabindex: "0", "aria-label": t("conflict.their_text") });
    this.mine = growing(h("textarea", { class: "field", rows: "6", id: "conflict-mine" }));
    const keep = h("button", { class: "primary", type: "button", onclick: () => this.choose("mine") }, t("conflict.save_mine"));
    const take = h("button", { type: "button", onclick: () => this.choose("theirs") }, t("conflict.keep_theirs"));
    const both = h("button", { class: "quiet", type: "button", onclick: () => this.merge() }, t("conflict.both"));
    const later = h("button", { class: "quiet", type: "button", onclick: () => this.dialog.close() }, t("conflict.later"));
    this.dialog = h("dialog", { class: "conflict-dialog", "aria-labelledby": "conflict-title" },
      this.heading, h("p", { class: "hint" }, t("conflict.hint")),
      h("div", { class: "texts" },
        h("section", {}, this.whose, this.theirs),
        h("section", {}, h("h3", {}, h("label", { for: "conflict-mine" }, t("conflict.yours"))), this.mine)),
      h("div", { class: "row buttons" }, keep, take, both, h("span", { class: "space" }), later));
    this.dialog.addEventListener("close", () => this.onLater?.(this.mine.value));
    scope.add(this.dialog);
  }

  /**
   * `onMine(text)` or `onTheirs()` when the person has chosen, `onLater(text)` when they put it off. `author`: a promise of
   * {name, at} of whoever wrote `theirs`, or of nothing.
   */
  show({ field, mine, theirs, author, onMine, onTheirs, onLater }) {
    if (this.dialog.open) return;
    Object.assign(this, { onMine, onTheirs, onLater, their: theirs, field });
    setText(this.whose, t("conflict.theirs"));
    author.then((one) => one && onLater === this.onLater && setText(this.whose, t("conflict.by", { who: one.name, when: formatAgo(one.at) })), () => {});
    setText(this.heading, t("conflict.heading", { field: t(`field.${field}`).toLocaleLowerCase() }));
    this.theirs.replaceChildren(...(theirs ? marked(theirs, mine) : [t("conflict.empty")]));
    this.mine.value = mine;
    this.mine.maxLength = field === "title" ? 200 : 20_000;
    this.dialog.showModal();
  }

  /** Their text, then mine, to be put in order by hand. */
  merge() {
    if (this.mine.value.includes(this.their)) return;
    this.mine.value = [this.their, this.mine.value].join(this.field === "title" ? " / " : "\n\n");
    this.mine.dispatchEvent(new Event("input"));
    this.mine.focus();
  }

  choose(which) {
    this.onLater = null;
    this.dialog.close();
    if (which === "mine") this.onMine(this.mine.value);
    else this.onTheirs();
  }
}

const MOST_PAIRS = 16_000_000; // of words that are compared; longer texts are shown unmarked

/** A text with the words marked that another has not, or has elsewhere. */
function marked(text, other) {
  const words = text.split(/(?<=\s)/);
  const [mine, others] = [words, other.split(/\s/)].map((all) => all.map((one) => one.trim()));
  const width = others.length + 1;
  if (words.length * width > MOST_PAIRS) return [text];
  const common = new Uint16Array((words.length + 1) * width); // how many words both have from here on
  for (let i = words.length - 1; i >= 0; i -= 1) {
    for (let j = others.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      common[at] = mine[i] === others[j] ? common[at + width + 1] + 1 : Math.max(common[at + width], common[at + 1]);
    }
  }
  const parts = [];
  for (let i = 0, j = 0; i < words.length;) {
    const at = i * width + j;
    if (mine[i] === others[j]) {
      parts.push(words[i++]);
      j += 1;
    } else if (j < others.length && common[at + 1] >= common[at + width]) j += 1;
    else parts.push(h("mark", {}, words[i++]));
  }
  return parts;
}
