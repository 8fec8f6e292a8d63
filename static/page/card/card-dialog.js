// One card, opened. Title and description are edited as a draft, so that closing the dialog, a reload or a crash
// loses nothing; "Save" sends it, "Discard" throws it away. Everything else is sent as it is changed.
//
// A draft: {title?, description?, base, epoch, was: {title?, description?}}, with only the fields that were touched;
// `base` is the seq that its author saw when they began, by which the server finds colliding edits.

import { growing, h, icon, setText } from "../dom.js";
import { fits } from "../fits.js";
import { formatTime, t } from "../i18n.js";
import { loadMarkdown } from "../markdown.js";
import { names, watchers } from "../people.js";
import { Checklist } from "./checklist.js";
import { Comments } from "./comments.js";
import { Description } from "./description.js";
import { Facts } from "./facts.js";
import { HistoryView } from "./history.js";

const FIELDS = ["title", "description"];
const [TITLE, TEXT] = [200, 20_000]; // characters

export class CardDialog {
  /** `onClosed(task)` gives the focus back; `compare(task, field)` shows two texts that collide. */
  constructor(workspace, { onClosed, onOpened, onDraft, compare, copyLink, moveTo }) {
    Object.assign(this, { workspace, onClosed, onOpened, onDraft, compare, copyLink, moveTo });
    this.client = workspace.client;
    this.drafts = workspace.drafts;
    this.typing = workspace.typing;
    this.task = null;
    this.dialog = h("dialog", { class: "card-dialog", "aria-label": t("card") });
    this.build();
    workspace.scope.add(this.dialog);
    workspace.scope.ending(() => this.dialog.open && this.dialog.close());
  }

  build() {
    this.title = this.watch("title", growing(h("textarea", { name: "title", rows: "1", class: "field title-field", "aria-label": t("field.title") })));
    this.text = new Description(this.workspace);
    this.description = this.watch("description", this.text.input);
    this.facts = new Facts(this.workspace, this.dialog);
    this.checklist = new Checklist(this.workspace);
    this.comments = new Comments(this.workspace);
    this.history = new HistoryView(this.workspace);
    this.note = h("div", { class: "note", role: "status" });
    this.company = h("p", { class: "hint company-line", role: "status" });
    this.created = h("p", { class: "hint" });
    const main = h("div", { class: "card-main" }, this.company, this.text.element, this.draftRow(), this.checklist.element, this.comments.element, this.history.element);
    const side = h("aside", { class: "card-side", "aria-label": t("card.details") }, this.facts.element, this.tools(), this.created);
    const close = h("button", { class: "quiet close", type: "button", "aria-label": t("close"), onclick: () => this.dialog.close() }, icon("close"));
    const form = h("form", { class: "card-form", novalidate: true, onsubmit: (event) => this.submit(event) },
      h("div", { class: "title-row" }, this.title, close), h("div", { class: "card-columns" }, main, side));
    this.dialog.append(form);
    this.dialog.addEventListener("close", () => this.closed());
    this.dialog.addEventListener("pointerdown", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("keydown", (event) => this.key(event));
  }

  draftRow() {
    this.save = h("button", { class: "primary edits", type: "submit" }, t("save"));
    this.discard = h("button", { class: "quiet", type: "button", onclick: () => this.throwAway() }, t("discard"));
    return h("div", { class: "draft-row" }, this.note, h("div", { class: "row" }, this.save, this.discard));
  }

  tools() {
    const tool = (drawing, key, run, tone = "") => h("button", { class: `quiet tool ${tone}`, type: "button", onclick: run }, icon(drawing), t(key));
    this.follow = h("button", { class: "quiet tool", type: "button", "aria-pressed": "false", onclick: () => this.toggleFollow() });
    return h("div", { class: "tools" },
      tool("move", "move_to", () => this.moveTo(this.task), "edits"), this.follow,
      tool("share", "card.copy_link", () => this.copyLink(this.task)), tool("trash", "delete", () => this.remove(), "danger edits"));
  }

  watch(name, input) {
    input.addEventListener("input", () => this.typed(name));
    input.addEventListener("focus", () => this.task && this.typing.at({ task: this.task, field: name }));
    input.addEventListener("blur", () => this.task && this.typing.at({ task: this.task }));
    return input;
  }

  // -- opening and closing

  /** `edit`: with the text field of the description ready to be written in. */
  open(task, { edit = false } = {}) {
    if (!this.client.view?.tasks.has(task) || (this.dialog.open && this.task === task)) return;
    if (this.dialog.open) return this.instead(task, { edit });
    this.task = task;
    const current = this.client.view.tasks.get(task);
    const draft = this.drafts.get(task);
    this.title.value = draft?.title ?? current.title;
    this.text.value = draft?.description ?? current.description;
    for (const part of [this.checklist, this.comments, this.history]) part.open(task);
    const writes = this.workspace.mayEdit && (edit || draft?.description !== undefined || current.description === "");
    this.text.mode(!writes);
    this.text.draw();
    this.typing.at({ task });
    this.dialog.showModal();
    this.dialog.scrollTop = 0;
    if (writes && (edit || draft?.description !== undefined)) this.description.focus();
    else this.dialog.querySelector(".close").focus();
    this.onOpened(task);
    this.render();
    this.workspace.learnAuthor(current);
    loadMarkdown().then(() => this.task === task && this.redrawTexts());
  }

  instead(task, options) {
    this.dialog.addEventListener("close", () => this.open(task, options), { once: true });
    this.dialog.close();
  }

  redrawTexts() {
    this.text.draw(true);
    this.comments.redraw();
  }

  closed() {
    const { task } = this;
    this.task = null;
    this.comments.close();
    this.history.close();
    this.typing.at({});
    this.onClosed(task);
  }

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.submit(event);
    else if (event.key === "Enter" && event.target === this.title && !event.isComposing) event.preventDefault();
  }

  // -- the draft

  typed(name) {
    const current = this.client.view.tasks.get(this.task);
    const fresh = { base: this.client.head, epoch: this.client.confirmed?.epoch, was: {} };
    const draft = structuredClone(this.drafts.get(this.task) ?? fresh);
    draft.was[name] ??= current?.[name] ?? "";
    if (this[name].value === draft.was[name]) {
      delete draft[name];
      delete draft.was[name];
    } else draft[name] = this[name].value;
    if (Object.keys(draft.was).length === 0) this.drafts.drop(this.task);
    else this.drafts.set(this.task, draft);
    this.typing.stroke();
    this.render();
    this.onDraft();
  }

  submit(event) {
    event.preventDefault();
    const draft = this.drafts.get(this.task);
    const title = this.title.value.replace(/\s+/g, " ").trim();
    if (title === "") return this.title.focus();
    if (draft !== null && !this.fit(draft)) return undefined;
    if (draft !== null && this.workspace.mayEdit) this.send(draft, title);
    return this.dialog.close();
  }

  fit(draft) {
    if (!fits(this.title, TITLE)) return false;
    if (draft.description?.length > TEXT && this.text.isReading) this.text.write();
    return fits(this.description, TEXT);
  }

  send(draft, title) {
    const args = { task: this.task };
    if (draft.title !== undefined) args.title = title;
    if (draft.description !== undefined) args.description = draft.description;
    const base = draft.epoch === this.client.confirmed?.epoch ? draft.base : undefined;
    this.drafts.drop(this.task);
    this.client.mutate("task.update", args, base);
  }

  throwAway() {
    this.drafts.drop(this.task);
    const current = this.client.view.tasks.get(this.task);
    this.title.value = current?.title ?? "";
    this.text.value = current?.description ?? "";
    this.render();
    this.onDraft();
  }

  // -- the other controls

  remove() {
    const { task } = this;
    this.dialog.close();
    this.workspace.actions.remove(task);
  }

  toggleFollow() {
    const { follows, client } = this.workspace;
    follows.set(client.board, this.task, !follows.has(client.board, this.task));
    this.renderFollow();
  }

  // -- drawing

  render() {
    if (this.task === null) return;
    const { view } = this.client;
    const task = view.tasks.get(this.task);
    const draft = this.drafts.get(this.task);
    this.save.disabled = draft === null;
    this.save.parentElement.hidden = draft === null;
    this.renderCompany();
    if (task === undefined) return this.gone();
    const title = draft?.title ?? task.title;
    if (this.title.value !== title) this.title.value = title;
    this.text.value = draft?.description ?? task.description;
    this.title.readOnly = this.description.readOnly = !this.workspace.mayEdit;
    this.still(false);
    this.facts.render(this.task, task, view);
    this.checklist.render(task);
    this.renderFollow();
    setText(this.created, task.created_at ? t("card.created", { when: formatTime(task.created_at), name: this.workspace.name(task.created_by) }) : "");
    return this.renderNote(task, draft);
  }

  gone() {
    this.still(true);
    const back = () => this.client.mutate("task.restore", { task: this.task });
    this.facts.fields.disabled = this.checklist.items.disabled = true;
    this.say(t("card.gone"), ...(this.workspace.mayEdit ? [h("button", { class: "link", type: "button", onclick: back }, t("restore"))] : []));
  }

  /** Of a card that is gone nothing can be done but to bring it back. */
  still(gone) {
    this.comments.gone(gone);
    for (const tool of this.dialog.querySelectorAll(".tools .edits, .tools [aria-pressed]")) tool.disabled = gone;
  }

  renderFollow() {
    const on = this.workspace.follows.has(this.client.board, this.task);
    if (this.follow.getAttribute("aria-pressed") === String(on) && this.follow.firstChild) return;
    this.follow.setAttribute("aria-pressed", String(on));
    this.follow.replaceChildren(icon("eye"), t(on ? "card.following" : "card.follow"));
  }

  renderNote(task, draft) {
    if (draft === null) return this.say("");
    if (!this.workspace.mayEdit) return this.say(t("draft.may_not"));
    const collided = FIELDS.find((name) => draft[name] !== undefined && task[name] !== draft.was[name]);
    if (collided === undefined) return this.say(t("draft.kept"));
    const compare = () => this.compare(this.task, collided);
    const button = h("button", { class: "link", type: "button", onclick: compare }, t("compare"));
    return this.say(t("draft.collided", { field: t(`field.${collided}`).toLocaleLowerCase() }), button);
  }

  say(text, ...more) {
    if ((this.note.firstChild?.textContent ?? "") === text) return;
    this.note.replaceChildren(...(text ? [h("span", {}, text), ...more] : []));
  }

  renderCompany() {
    const people = watchers(this.client, this.task);
    const typing = people.filter((person) => person.typing);
    const shown = typing.length > 0 ? typing : people;
    const values = { names: names(shown), n: shown.length, field: typing[0]?.field ? t(`field.${typing[0].field}`).toLocaleLowerCase() : "" };
    const key = typing.length === 0 ? "people.looking" : values.field ? "people.typing_in" : "people.typing";
    setText(this.company, shown.length > 0 ? t(key, values) : "");
  }
}
