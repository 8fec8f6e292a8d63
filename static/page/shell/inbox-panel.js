// The inbox: what concerns this person, newest first, and a notification of the browser for those who want it.

import { h, icon } from "../dom.js";
import { formatAgo, formatTime, t } from "../i18n.js";
import { sentence } from "../sentences.js";
import { Panel, nothing } from "./panel.js";

const NOTIFY = "boardcast.notify";
const DRAWINGS = { mention: "comment", assigned: "person", followed: "eye", due: "clock" };

export class InboxPanel {
  /** `go(board, task)` opens a card; `name(id)`. */
  constructor({ scope, inbox, go, name }) {
    Object.assign(this, { inbox, go, name });
    this.notify = h("button", { class: "link", type: "button", onclick: () => this.toggleNotify() });
    const all = h("button", { class: "link", type: "button", onclick: () => inbox.markAllRead() }, t("inbox.all_read"));
    this.panel = new Panel(scope, t("inbox.heading"), { tools: [all] });
    scope.on(inbox, "change", () => this.panel.open && this.show());
    scope.on(inbox, "arrived", ({ detail }) => this.arrived(detail.item));
  }

  show() {
    const { items } = this.inbox;
    const list = h("ul", { class: "entries" }, ...items.map((item) => this.entry(item)));
    this.panel.show(items.length > 0 ? list : nothing(t("inbox.none"), t("inbox.none_hint")), this.notifyRow());
  }

  entry(item) {
    const { id, kind, board, task, title, boardName, at, read, text } = item;
    const open = () => {
      this.inbox.markRead([id]);
      this.panel.close();
      this.go(board, task);
    };
    const toggle = () => (read ? this.inbox.markUnread([id]) : this.inbox.markRead([id]));
    return h("li", { class: `entry ${read ? "" : "unread"}` }, icon(DRAWINGS[kind]),
      h("div", {}, h("button", { class: "entry-open", type: "button", onclick: open }, this.headline(item)),
        h("p", { class: "hint" }, t("inbox.where", { title, board: boardName ?? board }), " · ", h("time", { title: formatTime(at) }, formatAgo(at))),
        ...(text ? [h("blockquote", {}, text)] : [])),
      h("button", { class: "quiet", type: "button", onclick: toggle, "aria-label": t(read ? "inbox.mark_unread" : "inbox.mark_read") }, h("span", { class: "dot" })));
  }

  headline({ kind, actor, lines = [], at }) {
    const who = actor?.name ?? "";
    if (kind === "mention") return t("inbox.mention", { who });
    if (kind === "assigned") return t("inbox.assigned", { who });
    if (kind === "due") return t("inbox.due", { when: formatAgo(at) });
    const what = lines.map((line) => sentence(line, { name: this.name })).filter(Boolean);
    return t("inbox.followed", { who, what: what.join("; ") });
  }

  // -- notifications

  notifyRow() {
    if (typeof Notification === "undefined") return h("p", {});
    const on = wanted() && Notification.permission === "granted";
    this.notify.replaceChildren(t(on ? "inbox.notify_off" : "inbox.notify_on"));
    const denied = Notification.permission === "denied" ? h("p", { class: "hint" }, t("inbox.notify_denied")) : this.notify;
    return h("footer", { class: "panel-foot" }, denied);
  }

  async toggleNotify() {
    const on = wanted() && Notification.permission === "granted";
    if (!on) await Notification.requestPermission();
    try {
      localStorage.setItem(NOTIFY, on ? "no" : "yes");
    } catch {
      // this browser keeps nothing: then there are no notifications
    }
    this.show();
  }

  arrived(item) {
    if (!wanted() || typeof Notification === "undefined" || Notification.permission !== "granted" || document.hasFocus()) return;
    const note = new Notification(this.headline(item), { body: item.title, tag: item.id });
    note.onclick = () => {
      window.focus();
      this.inbox.markRead([item.id]);
      this.go(item.board, item.task);
      note.close();
    };
  }
}

function wanted() {
  try {
    return localStorage.getItem(NOTIFY) === "yes";
  } catch {
    return false;
  }
}
