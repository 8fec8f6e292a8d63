// The line that says how the link is. Silent while all is well, and for the first moment of a hiccup.

import { h } from "./dom.js";

const GRACE_MS = 700;

export class Banner {
  constructor(element, client) {
    Object.assign(this, { element, client });
    this.timer = null;
    this.shown = "";
    this.wasLive = false;
  }

  render() {
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
    const { link, reason, unsent, stored, stalled } = this.client.status;
    const kept = count(unsent, stored);
    if (link === "stopped") return ["bad", `Disconnected: ${reason}. ${kept}`, ["Reload", () => location.reload()]];
    if (link === "closed" && /does not exist/.test(reason)) return ["bad", `There is no such board here: ${reason}.`];
    if (link === "closed") return ["bad", `This board is closed to you: ${reason}. ${kept}`];
    if (link === "waiting" || (link === "connecting" && this.wasLive)) {
      return ["away", `Connection lost. Reconnecting… ${kept}`, ["Try now", () => this.client.retryNow()]];
    }
    if (link === "connecting") return ["busy", `Connecting… ${unsent ? kept : ""}`];
    if (stalled) return ["away", `The server cannot save just now and is asked again. ${kept}`];
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

function count(unsent, stored) {
  if (unsent === 0) return "You can go on working.";
  const changes = unsent === 1 ? "1 unsent change" : `${unsent} unsent changes`;
  if (!stored) return `${changes}: keep this tab open, this browser does not store them.`;
  return `${changes}, kept here and sent when the link is back.`;
}
