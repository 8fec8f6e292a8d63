// Short messages at the foot of the page. They never take the focus.

import { h, icon } from "./dom.js";
import { t } from "./i18n.js";

const SHOWN_MS = 8000;
const MOST = 4; // the oldest that may go goes first

export class Toasts {
  constructor(region) {
    this.region = region;
  }

  /** `actions`: [[label, what to do]…]. `text`: what somebody wrote, to be kept in sight. `keep`: until closed. `step`: it offers to undo. */
  show(message, { actions = [], text = "", keep = false, step = false } = {}) {
    const toast = h("div", { class: "toast", "data-keep": keep, "data-step": step }, h("p", {}, message));
    const close = () => toast.remove();
    if (text) toast.append(h("blockquote", { tabindex: "0" }, text));
    const row = h("div", { class: "toast-actions" });
    for (const [label, run] of actions) {
      row.append(h("button", { class: "link", type: "button", onclick: () => { close(); run(); } }, label));
    }
    row.append(h("button", { class: "quiet", type: "button", "aria-label": t("dismiss"), onclick: close }, icon("close")));
    toast.append(row);
    this.region.append(toast);
    this.makeRoom();
    if (!keep) this.fade(toast);
    return close;
  }

  /** What the last step's message offered has been done. */
  stepped() {
    [...this.region.querySelectorAll("[data-step]")].at(-1)?.remove();
  }

  makeRoom() {
    const passing = [...this.region.querySelectorAll(".toast:not([data-keep])")];
    for (const old of passing.slice(0, Math.max(0, passing.length - MOST))) old.remove();
  }

  /** It goes after a while, but not while somebody points at it or is inside it. */
  fade(toast) {
    const later = () => setTimeout(() => {
      if (toast.matches(":hover, :focus-within")) later();
      else toast.remove();
    }, SHOWN_MS);
    later();
  }
}
