// The head of the page: which board, find, who is here, what concerns me, and everything else in one menu.

import { h, icon, setText } from "../dom.js";
import { t } from "../i18n.js";
import { FilterBar } from "./filter-bar.js";

const LOGO = new URL("../../favicon.svg", import.meta.url).href;

export class TopBar {
  /** `does`: {boards, devices, inbox, refusals, share, more(anchor)}; `filter`: what the filter bar takes. */
  constructor(element, scope, { does, filter }) {
    this.name = h("span", { class: "board-name", id: "board-name" }, "Boardcast");
    const boards = h("button", { class: "quiet board-button", type: "button", "aria-haspopup": "dialog", title: t("boards.heading"), onclick: does.boards }, this.name, icon("down"));
    this.role = h("span", { class: "label role-chip", hidden: true });
    this.people = h("ul", { class: "people", id: "people", "aria-label": t("people.here") });
    this.inbox = this.button("bell", "inbox.heading", does.inbox);
    this.devices = this.button("device", "devices", does.devices);
    this.share = this.button("share", "share.board", does.share);
    this.refusals = this.button("flag", "refused.heading", does.refusals, "bad");
    this.more = this.button("menu", "menu", () => does.more(this.more));
    this.filter = new FilterBar({ scope, ...filter });
    const logo = h("img", { class: "logo", src: LOGO, width: "24", height: "24", alt: "" });
    element.replaceChildren(logo, h("h1", {}, boards), this.role, h("span", { class: "space" }), this.filter.element, this.people,
      h("div", { class: "top-tools" }, this.refusals, this.devices, this.share, this.inbox, this.more));
    scope.ending(() => element.replaceChildren());
  }

  button(drawing, key, onclick, tone = "") {
    const badge = h("span", { class: `badge ${tone}`, hidden: true });
    const button = h("button", { class: "quiet", type: "button", "aria-label": t(key), title: t(key), onclick }, icon(drawing), badge);
    return button;
  }

  /** The small numbers: unread in the inbox, refused changes. `role`: shown where it explains what is not there. */
  render({ name, absent, role, unread, refused }) {
    setText(this.name, name);
    for (const button of [this.devices, this.share]) button.hidden = absent;
    this.role.hidden = role !== "viewer" && role !== "commenter";
    if (!this.role.hidden) setText(this.role, t(`role.${role}`));
    count(this.inbox, t("inbox.heading"), unread, t("inbox.unread", { n: unread }));
    count(this.refusals, t("refused.heading"), refused, t("refused.count", { n: refused }));
    this.refusals.hidden = refused === 0;
  }
}

function count(button, label, n, said) {
  const badge = button.querySelector(".badge");
  badge.hidden = n === 0;
  setText(badge, n > 99 ? "99+" : String(n));
  button.setAttribute("aria-label", n === 0 ? label : `${label}: ${said}`);
}
