// Two texts for one field: mine, which I can still edit, and theirs. Nothing is overwritten unseen.

import { growing, h, setText } from "../dom.js";
import { t } from "../i18n.js";

export class ConflictDialog {
  constructor(scope) {
    this.heading = h("h2", { id: "conflict-title" });
    this.theirs = h("div", { class: "their-text field", role: "group", tabindex: "0", "aria-label": t("conflict.their_text") });
    this.mine = growing(h("textarea", { class: "field", rows: "6", id: "conflict-mine" }));
    const keep = h("button", { class: "primary", type: "button", onclick: () => this.choose("mine") }, t("conflict.save_mine"));
    const take = h("button", { type: "button", onclick: () => this.choose("theirs") }, t("conflict.keep_theirs"));
    const both = h("button", { class: "quiet", type: "button", onclick: () => this.merge() }, t("conflict.both"));
    const later = h("button", { class: "quiet", type: "button", onclick: () => this.dialog.close() }, t("conflict.later"));
    this.dialog = h("dialog", { class: "conflict-dialog", "aria-labelledby": "conflict-title" },
      this.heading, h("p", { class: "hint" }, t("conflict.hint")),
      h("div", { class: "texts" },
        h("section", {}, h("h3", {}, t("conflict.theirs")), this.theirs),
        h("section", {}, h("h3", {}, h("label", { for: "conflict-mine" }, t("conflict.yours"))), this.mine)),
      h("div", { class: "row buttons" }, keep, take, both, h("span", { class: "space" }), later));
    scope.add(this.dialog);
  }

  /** `onMine(text)` or `onTheirs()` when the person has chosen; neither when they put it off. */
  show({ field, mine, theirs, onMine, onTheirs }) {
    if (this.dialog.open) return;
    Object.assign(this, { onMine, onTheirs, their: theirs, field });
    setText(this.heading, t("conflict.heading", { field: t(`field.${field}`).toLocaleLowerCase() }));
    setText(this.theirs, theirs || t("conflict.empty"));
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
    this.dialog.close();
    if (which === "mine") this.onMine(this.mine.value);
    else this.onTheirs();
  }
}
