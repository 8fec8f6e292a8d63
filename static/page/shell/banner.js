// The line that says how the link is. Silent while all is well, and for the first moment of a hiccup.

import { signInAddress } from "../account/door.js";
import { h } from "../dom.js";
import { t } from "../i18n.js";

const GRACE_MS = 700;

export class Banner {
  /** `client`: the board that is shown; it may change (`watch`). */
  constructor(element) {
    this.element = element;
    this.client = null;
    this.timer = null;
    this.shown = "";
    this.wasLive = false;
  }

  watch(client) {
    this.client = client;
    this.wasLive = false;
    this.hide();
    this.render();
  }

  render() {
    if (this.client === null) return;
    const { link } = this.client.status;
    if (link === "live") this.wasLive = true;
    document.documentElement.dataset.link = link;
    if (this.message() === null) return this.hide();
    const atOnce = link === "stopped" || link === "closed" || !this.element.hidden;
    if (atOnce) return this.show();
    this.timer ??= setTimeout(() => this.show(), GRACE_MS);
    return undefined;
  }

  /** [tone, text, action?] or null. */
  message() {
    const { link, reason, code, unsent, elsewhere, stored, stalled, blocked, silent, loaded } = this.client.status;
    const kept = unsent === 0 && (link === "stopped" || !this.client.view) ? "" : count(unsent, elsewhere, stored, link === "closed");
    const again = [t("try_now"), () => this.client.retryNow()];
    if (blocked && link !== "live") return ["bad", t("banner.blocked", { reason: blocked.message }), again];
    if (link === "stopped" && code === 4501) return ["bad", `${why(code, reason)} ${kept}`, [t("account.sign_in"), () => location.assign(signInAddress())]];
    if (link === "stopped") return ["bad", `${why(code, reason)} ${kept}`, [t("reload"), () => location.reload()]];
    if (link === "closed") return this.client.view || unsent ? ["bad", `${closedBecause(reason)} ${unsent ? kept : ""}`] : null;
    if (link === "waiting" || (link === "connecting" && this.wasLive)) return ["away", `${t("banner.away")} ${kept}`, again];
    if (link === "connecting") return ["busy", `${t(loaded === "saved" ? "banner.old" : "banner.connecting")} ${unsent ? kept : ""}`];
    if (this.client.view?.info.archived) return ["away", t("banner.archived"), this.client.may("owner") && [t("restore"), () => this.client.mutate("board.restore", {})]];
    if (silent) return ["away", `${t("banner.silent")} ${kept}`];
    if (stalled) return ["away", `${t("banner.stalled")} ${kept}`];
    return null;
  }

  show() {
    this.timer = null;
    const message = this.message();
    if (message === null) return this.hide();
    const [tone, text, action] = message;
    this.element.hidden = false;
    this.element.dataset.tone = tone;
    if (text === this.shown) return undefined;
    this.shown = text;
    const button = action ? h("button", { class: "link", type: "button", onclick: action[1] }, action[0]) : null;
    this.element.replaceChildren(h("span", {}, text.trim()), ...(button ? [button] : []));
    return undefined;
  }

  hide() {
    clearTimeout(this.timer);
    this.timer = null;
    this.shown = "";
    this.element.hidden = true;
  }
}

/** Why a board is closed to us: the code of a refusal, or what `closed_board` says. */
export function closedBecause(reason) {
  const told = t(`closed.${reason}`);
  return told.startsWith("closed.") ? t("closed.other", { reason }) : told;
}

/** In words that say what to do, where the code tells. */
function why(code, reason) {
  if (code === 4501) return t("banner.signed_out", { reason });
  if (code === 4503) return t("banner.forbidden", { reason });
  if (code === 4504) return t("banner.too_many", { reason });
  return t("banner.stopped", { reason });
}

function count(unsent, elsewhere, stored, closed) {
  const here = closed && stored ? "banner.unsent_closed" : stored ? "banner.unsent" : "banner.unsent_here";
  const more = elsewhere > 0 ? ` ${t("banner.elsewhere", { n: elsewhere })}` : "";
  return (unsent === 0 ? t("banner.go_on") : t(here, { n: unsent })) + more;
}
