// All boards: go to one, star, rename, describe, archive it, or make a new one.

import { mayFound, ownsAll } from "../account/door.js";
import { growing, h, icon } from "../dom.js";
import { formatAgo, t } from "../i18n.js";
import { reason } from "../reasons.js";
import { ask } from "./ask.js";
import { Panel, nothing } from "./panel.js";

export class BoardsPanel {
  /** `go(board)` shows a board; `create()` asks for a name and makes one. */
  constructor({ scope, boards, menu, go, create }) {
    Object.assign(this, { boards, menu, go });
    const fresh = h("button", { class: "primary", type: "button", hidden: !mayFound(), onclick: () => create() }, icon("plus"), t("boards.create"));
    this.archived = false;
    this.panel = new Panel(scope, t("boards.heading"), { tools: [fresh], kind: "panel boards-panel" });
    scope.on(boards, "change", () => this.panel.open && this.show());
  }

  show() {
    const { items, error } = this.boards;
    const live = items.filter((item) => !item.archived);
    const gone = items.filter((item) => item.archived);
    const rows = h("ul", { class: "entries" }, ...(this.archived ? items : live).map((item) => this.row(item)));
    const more = h("button", { class: "link", type: "button", "aria-expanded": String(this.archived), onclick: () => this.toggle() }, t(this.archived ? "boards.hide_archived" : "boards.show_archived", { n: gone.length }));
    const problem = error && mayFound() ? [h("p", { class: "hint" }, t("boards.failed", { reason: reason(error) }))] : [];
    const focused = document.activeElement?.dataset?.key;
    this.panel.show(...problem, items.length > 0 ? rows : nothing(t("boards.none"), t("boards.none_hint")), ...(gone.length > 0 ? [more] : []));
    if (focused) this.panel.body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  toggle() {
    this.archived = !this.archived;
    this.show();
  }

  row(item) {
    const { board, name, description, starred, archived, updated_at: at, offline } = item;
    const star = h("button", {
      class: `quiet star ${starred ? "on" : ""}`, type: "button", "aria-pressed": String(starred), "aria-label": t("boards.star", { name }), "data-key": `star ${board}`,
      onclick: () => this.boards.star(board, !starred),
    }, icon("star"));
    const open = h("button", { class: "entry-open", type: "button", "data-key": `open ${board}`, onclick: () => this.enter(board) }, name);
    const state = offline ? t("unsent") : archived ? t("boards.archived") : at ? t("boards.updated", { when: formatAgo(at) }) : "";
    const more = h("button", { class: "quiet", type: "button", "aria-label": t("boards.menu", { name }), "aria-haspopup": "menu", "data-key": `more ${board}`, hidden: !(ownsAll() || item.role === "owner"), onclick: () => this.more(item, more) }, icon("more"));
    return h("li", { class: `entry ${archived ? "archived" : ""}` }, star, h("div", {}, open, description ? h("p", { class: "hint" }, description) : null, h("p", { class: "hint" }, state)), more);
  }

  enter(board) {
    this.panel.close();
    this.go(board);
  }

  more(item, anchor) {
    const { board, archived, name } = item;
    this.menu.show(anchor, name, [
      { label: t("boards.edit"), icon: "pencil", run: () => editBoard(item, this.boards) },
      archived
        ? { label: t("restore"), icon: "archive", run: () => this.boards.restore(board) }
        : { label: t("boards.archive"), icon: "archive", danger: true, run: () => this.boards.archive(board) },
    ], () => anchor.isConnected && anchor.focus());
  }
}

/** Asks for a name and a description, and changes what is different. */
export async function editBoard({ board, name, description }, boards) {
  const answer = await form(t("boards.edit"), t("save"), name, description);
  if (answer === null) return;
  if (answer.name !== name) await boards.rename(board, answer.name);
  if (answer.description !== description) await boards.describe(board, answer.description);
}

/** Asks for what a new board is called; null when it is not wanted after all. */
export function askNewBoard() {
  return form(t("boards.create"), t("boards.create"), "", "");
}

async function form(heading, action, name, description) {
  const title = h("input", { class: "field", id: "board-title", maxlength: "200", required: true, pattern: ".*\\S.*", value: name });
  const about = growing(h("textarea", { class: "field", id: "board-about", rows: "2", maxlength: "20000" }));
  about.value = description;
  const content = [
    h("label", { class: "field-label", for: "board-title" }, t("boards.name")), title,
    h("label", { class: "field-label", for: "board-about" }, t("boards.description")), about,
  ];
  const answer = await ask({ heading, content, choices: [["ok", action, "primary"]] });
  return answer === "ok" ? { name: title.value.replace(/\s+/g, " ").trim(), description: about.value.trim() } : null;
}
