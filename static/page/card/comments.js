// The comments of a card, oldest first, and a place to write one. Half-written ones are kept as drafts.

import { arrange, growing, h, setText } from "../dom.js";
import { fits } from "../fits.js";
import { formatAgo, formatTime, t } from "../i18n.js";
import { markdown } from "../markdown.js";
import { avatar } from "../people.js";
import { reason } from "../reasons.js";

const MOST = 10_000; // characters

export class Comments {
  constructor(workspace) {
    this.workspace = workspace;
    this.rows = new Map(); // comment id → element
    this.without = false; // the card is gone
    this.list = h("ol", { class: "comments" });
    this.older = h("button", { class: "link", type: "button", hidden: true, onclick: () => this.thread.loadMore() }, t("comments.older"));
    this.problem = h("p", { class: "hint", role: "status" });
    this.input = growing(h("textarea", {
      class: "field", rows: "2", placeholder: t("comments.placeholder"), "aria-label": t("comments.write"),
      oninput: () => this.keep(), onkeydown: (event) => this.key(event),
    }));
    this.sendButton = h("button", { class: "primary", type: "button", disabled: true, onclick: () => this.send() }, t("comments.send"));
    workspace.complete(this.input);
    const composer = h("div", { class: "comment-composer says" }, this.input, this.sendButton);
    this.element = h("section", { class: "card-section" }, h("h3", {}, t("comments.title")), this.older, this.list, this.problem, composer);
  }

  open(task) {
    this.task = task;
    this.rows.clear();
    this.list.replaceChildren();
    this.input.value = this.workspace.drafts.get(`comment-${task}`) ?? "";
    this.sendButton.disabled = this.input.value.trim() === "";
    this.thread = this.workspace.client.thread(task);
    this.onChange = () => this.render();
    this.thread.addEventListener("change", this.onChange);
    this.render();
  }

  /** What is written stays; there is no card that it could go to. */
  gone(yes) {
    this.without = yes;
    this.sendButton.disabled = yes || this.input.value.trim() === "";
  }

  close() {
    this.thread?.removeEventListener("change", this.onChange);
    this.thread?.close();
    this.thread = null;
  }

  // -- writing

  keep() {
    const text = this.input.value;
    this.sendButton.disabled = this.without || text.trim() === "";
    if (text.trim()) this.workspace.drafts.set(`comment-${this.task}`, text);
    else this.workspace.drafts.drop(`comment-${this.task}`);
    this.workspace.typing.at({ task: this.task, field: "comment" }, true);
    this.workspace.typing.stroke();
  }

  key(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    this.send();
  }

  send() {
    const text = this.input.value.trim();
    if (text === "" || this.without || !fits(this.input, MOST)) return;
    const { client } = this.workspace;
    client.mutate("comment.add", { task: this.task, comment: client.newId("c"), text });
    this.input.value = "";
    this.keep();
    this.input.focus();
  }

  // -- reading

  render() {
    const { thread } = this;
    if (!thread) return;
    this.older.hidden = !thread.more;
    setText(this.problem, this.state(thread));
    const known = new Set(thread.comments.map((comment) => comment.id));
    for (const id of this.rows.keys()) if (!known.has(id)) this.rows.delete(id);
    arrange(this.list, thread.comments.map((comment) => this.row(comment)));
  }

  redraw() {
    for (const row of this.rows.values()) row.print = "";
    this.render();
  }

  state({ read, error, comments, board }) {
    const offline = !board.connection.ready && board.view?.tasks.get(this.task)?.comments > 0;
    if (!read && offline) return t("comments.failed", { reason: t("why.offline") });
    if (error) return t("comments.failed", { reason: reason(error) });
    if (comments.length > 0) return "";
    return t(read || !board.connection.ready ? "comments.none" : "loading");
  }

  row(comment) {
    const print = JSON.stringify(comment);
    let row = this.rows.get(comment.id);
    if (row?.print === print || row?.editing) return row; // nothing is taken from under somebody who writes
    const fresh = this.makeRow(comment);
    fresh.print = print;
    row?.replaceWith(fresh);
    this.rows.set(comment.id, fresh);
    return fresh;
  }

  makeRow(comment) {
    const { directory } = this.workspace;
    const mine = directory.isMe(comment.actor.id);
    const head = h("p", { class: "comment-head" }, h("strong", {}, comment.actor.name),
      h("time", { title: formatTime(comment.at), datetime: new Date(comment.at).toISOString() }, formatAgo(comment.at)),
      comment.edited_at ? h("span", {}, t("comments.edited")) : null,
      comment.pending ? h("span", { class: "unsent" }, t("unsent")) : null);
    const body = h("div", { class: "markdown" }, markdown(comment.text, { mentioned: this.workspace.mention }));
    const row = h("li", { class: "comment", "data-comment": comment.id }, avatar(comment.actor), h("div", {}, head, body));
    if (mine) row.lastChild.append(this.tools(row, comment, body));
    if (mine && this.workspace.mayComment && this.workspace.drafts.get(`edit-${comment.id}`)) this.edit(row, comment, body, false);
    return row;
  }

  tools(row, comment, body) {
    const edit = h("button", { class: "link", type: "button", onclick: () => this.edit(row, comment, body) }, t("edit"));
    const remove = h("button", { class: "link", type: "button", onclick: () => this.remove(comment) }, t("delete"));
    return h("p", { class: "comment-tools says" }, edit, remove);
  }

  remove(comment) {
    const args = { task: this.task, comment: comment.id };
    this.workspace.client.mutate("comment.delete", args);
    const undo = () => this.workspace.client.mutate("comment.restore", args);
    this.workspace.toasts.show(t("said.comment_deleted"), { actions: [[t("undo"), undo]] });
  }

  /** What is written is a draft until it is saved or cancelled: `{text, base, epoch}`. */
  edit(row, comment, body, focus = true) {
    const { client, drafts } = this.workspace;
    const key = `edit-${comment.id}`;
    const draft = drafts.get(key) ?? { text: comment.text, base: client.head, epoch: client.confirmed?.epoch };
    const keep = () => drafts.set(key, { ...draft, text: field.value });
    const field = growing(h("textarea", { class: "field", rows: "3", maxlength: "10000", "aria-label": t("comments.edit"), oninput: keep }));
    this.workspace.complete(field).value = draft.text;
    const done = (save) => {
      const text = field.value.trim();
      const base = draft.epoch === client.confirmed?.epoch ? draft.base : undefined;
      drafts.drop(key);
      row.editing = false;
      row.print = "";
      if (save && text && text !== comment.text) client.mutate("comment.edit", { task: this.task, comment: comment.id, text }, base);
      this.render();
    };
    const form = h("div", { class: "comment-composer" }, field,
      h("div", { class: "row" },
        h("button", { class: "primary", type: "button", onclick: () => done(true) }, t("save")),
        h("button", { class: "quiet", type: "button", onclick: () => done(false) }, t("cancel"))));
    row.editing = true;
    row.querySelector(".comment-tools").hidden = true;
    body.replaceWith(form);
    if (focus) field.focus();
  }
}
