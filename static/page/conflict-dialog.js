// Two texts for one field: mine, which I can still edit, and theirs. Nothing is overwritten unseen.

import { growing, h, setText } from "./dom.js";

export class ConflictDialog {
  constructor() {
    this.heading = h("h2", { id: "conflict-title" });
    this.theirs = h("div", { class: "their-text field", tabindex: "0", "aria-label": "Their text" });
    this.mine = growing(h("textarea", { class: "field", rows: "6", id: "conflict-mine" }));
    const keep = h("button", { class: "primary", type: "button", onclick: () => this.choose("mine") }, "Save mine");
    const take = h("button", { type: "button", onclick: () => this.choose("theirs") }, "Keep theirs");
    const later = h("button", { class: "quiet", type: "button", onclick: () => this.dialog.close() }, "Decide later");
    this.dialog = h("dialog", { class: "conflict-dialog", "aria-labelledby": "conflict-title" },
      this.heading, h("p", { class: "hint" }, "It was changed while you were writing. Both texts are here."),
      h("div", { class: "texts" },
        h("section", {}, h("h3", {}, "Theirs"), this.theirs),
        h("section", {}, h("h3", {}, h("label", { for: "conflict-mine" }, "Yours")), this.mine)),
      h("div", { class: "row buttons" }, keep, take, h("span", { class: "space" }), later));
    document.body.append(this.dialog);
  }

  /** `onMine(text)` or `onTheirs()` when the person has chosen; neither when they put it off. */
  show({ field, mine, theirs, onMine, onTheirs }) {
    if (this.dialog.open) return;
    Object.assign(this, { onMine, onTheirs });
    setText(this.heading, `Two versions of the ${field}`);
    setText(this.theirs, theirs || "(empty)");
    this.mine.value = mine;
    this.mine.maxLength = field === "title" ? 200 : 20_000;
    this.dialog.showModal();
  }

  choose(which) {
    this.dialog.close();
    if (which === "mine") this.onMine(this.mine.value);
    else this.onTheirs();
  }
}
