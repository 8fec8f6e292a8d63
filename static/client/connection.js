// One WebSocket that comes back: hello, heartbeat, jittered backoff, replies matched to requests.
//
// It knows frames and nothing of boards. Its owner gets `onReady(welcome)` after each hello, `onMessage(message)`
// for what is not a reply to a `request`, `onStatus(status)`:
//   {state: "connecting"|"ready"|"waiting"|"stopped", reason?, code?, attempt, retryAt?, blocked?, silent?}
// "stopped" with `code` OTHER: the server takes us for somebody else (`user`) than the owner of what is kept here.
// `blocked` {code, message}: the server is there and refuses this page or its address; the message says what to change.
// `silent`: ready, and the server owes an answer.

import { decode, encode } from "./codec.js";

const PROTOCOL = "boardcast.v1.json";
const FIRST_MS = 300;
const LONGEST_MS = 15_000;
const HELLO_MS = 10_000;
const PONG_MS = 10_000;
const DOUBT_MS = 3000; // a request without an answer puts the link in doubt
const STEADY_MS = 3000; // a link that lived this long was a good one: the next backoff starts small again
const DO_NOT_RETURN = [4500, 4999];
const SIGNED_OUT = 4501;
export const GUEST = "guest";
export const OTHER = "other";

export class Connection {
  /**
   * `url`: ws(s)://…/ws. `owner`: the id of the account in whose name all is sent, or GUEST: without one; "": whoever it is.
   * `hello()`: the fields of the hello message.
   */
  constructor({ url, owner = "", hello, onReady, onMessage, onStatus }) {
    Object.assign(this, { url, owner, hello, onReady, onMessage, onStatus });
    this.socket = null;
    this.ready = false;
    this.readyAt = 0;
    this.attempt = 0;
    this.returnMs = null; // asked for by `bye`
    this.lastHeard = 0;
    this.nextId = 1;
    this.waiting = new Map(); // request id → what to do with its reply
    this.timer = null;
    this.doubt = null; // a timer, while an answer is owed
    this.status = { state: "waiting", attempt: 0 };
    this.blocked = null;
    this.ears = new AbortController();
  }

  start() {
    const { signal } = this.ears;
    addEventListener("online", () => this.hurry(), { signal });
    addEventListener("offline", () => this.ready && this.probe(), { signal });
    document.addEventListener("visibilitychange", () => this.wake(), { signal });
    this.open();
  }

  /** Leaves for good. */
  stop() {
    this.ears.abort();
    const socket = this.socket;
    this.forget();
    socket?.close(1000);
    this.set("stopped");
  }

  /** Stop waiting for the next attempt and make it now. */
  hurry() {
    if (this.status.state !== "waiting") return;
    this.attempt = 0;
    this.open();
  }

  /** Leave and come back at once, with a fresh hello (a new name, a link in doubt). */
  restart(reason) {
    if (this.socket === null) return;
    this.returnMs = 0;
    this.drop(reason);
  }

  /** Sends messages as one frame; false when there is no link (nothing is kept here). */
  send(...messages) {
    if (!this.ready || this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(encode(messages));
    return true;
  }

  /** Sends a request; `onReply` gets its reply or error, never both, and nothing when the link breaks first. */
  request(message, onReply) {
    return this.requests([[message, onReply]]);
  }

  /** The same for several, as one frame: `[[message, onReply]…]`. */
  requests(pairs) {
    const messages = pairs.map(([message, onReply]) => {
      const id = this.nextId++;
      this.waiting.set(id, onReply);
      return { ...message, id };
    });
    this.doubt ??= setTimeout(() => this.doubted(), DOUBT_MS);
    return this.send(...messages);
  }

  doubted() {
    this.doubt = null;
    if (!this.ready || this.waiting.size === 0) return;
    const quiet = performance.now() - this.lastHeard;
    if (quiet >= DOUBT_MS) this.probe();
    else this.doubt = setTimeout(() => this.doubted(), DOUBT_MS - quiet);
  }

  // -- the life of a socket

  open() {
    clearTimeout(this.timer);
    this.set("connecting");
    const socket = new WebSocket(this.url, [PROTOCOL]);
    this.socket = socket;
    const mine = (handler) => (event) => this.socket === socket && handler(event);
    this.met = false;
    socket.onopen = mine(() => {
      this.met = true;
      socket.send(encode([{ ...this.hello(), type: "hello", id: 0 }]));
    });
    socket.onmessage = mine((event) => this.heard(event.data));
    socket.onclose = mine((event) => this.closed(event.code, event.reason));
    this.timer = setTimeout(() => this.drop("no answer"), HELLO_MS);
  }

  heard(data) {
    this.lastHeard = performance.now();
    if (this.status.silent) this.set("ready");
    for (const message of decode(data)) this.dispatch(message);
  }

  dispatch(message) {
    if (message.type === "welcome") return this.welcomed(message);
    if (message.type === "bye") this.returnMs = message.retry_after_ms;
    const onReply = this.waiting.get(message.id);
    if (onReply === undefined) return this.onMessage(message);
    this.waiting.delete(message.id);
    return onReply(message);
  }

  welcomed(welcome) {
    if (!this.fits(welcome.user)) return this.turnAway(welcome.user);
    clearTimeout(this.timer);
    this.ready = true;
    this.blocked = null;
    this.readyAt = performance.now();
    this.heartbeatMs = welcome.heartbeat_s * 1000;
    this.listen();
    this.set("ready");
    this.onReady(welcome);
    return undefined;
  }

  fits({ id }) {
    return this.owner === "" || this.owner === id || (this.owner === GUEST && id.startsWith("g_"));
  }

  /** The cookie is not the owner's any more: nothing of theirs is sent, or shown, in another name. */
  turnAway(user) {
    const socket = this.socket;
    this.forget();
    socket.close(1000);
    this.set("stopped", { code: user.id.startsWith("g_") ? SIGNED_OUT : OTHER, reason: "", user });
  }

  closed(code, reason) {
    if (this.ready && performance.now() - this.readyAt > STEADY_MS) this.attempt = 0;
    this.forget();
    if (code >= DO_NOT_RETURN[0] && code <= DO_NOT_RETURN[1]) {
      this.set("stopped", { code, reason: reason || `closed with code ${code}` });
      return;
    }
    const delay = this.delay();
    if (!this.met) this.askWhy();
    this.attempt += 1;
    this.timer = setTimeout(() => this.open(), delay);
    this.set("waiting", { reason, code, retryAt: Date.now() + delay });
  }

  /** Gives the socket up without waiting for the other side: a dead link may not answer a Close for minutes. */
  drop(reason) {
    const socket = this.socket;
    this.closed(4000, reason);
    socket.close(4000);
  }

  /** A browser does not say why it got no socket. The same request without the upgrade is answered in words. */
  async askWhy() {
    const address = this.url.replace(/^ws/, "http");
    try {
      const answer = await fetch(address, { method: "POST", signal: AbortSignal.timeout(HELLO_MS) });
      const refused = answer.status === 401 || answer.status === 403;
      this.blocked = refused ? ((await answer.json()).error ?? null) : null;
    } catch {
      this.blocked = null; // it is not there, or something else answers for it
    }
    if (this.blocked && this.status.state === "waiting") this.set("waiting", this.status);
  }

  forget() {
    clearTimeout(this.timer);
    clearTimeout(this.doubt);
    this.doubt = null;
    this.socket = null;
    this.ready = false;
    this.waiting.clear();
  }

  delay() {
    const asked = this.returnMs;
    this.returnMs = null;
    if (asked !== null) return asked * (1 + Math.random());
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.attempt);
    return longest * (0.5 + Math.random() / 2);
  }

  // -- heartbeat: the server's pings are invisible here, so silence is broken by a ping of our own

  listen() {
    clearTimeout(this.timer);
    const quiet = performance.now() - this.lastHeard;
    this.timer = setTimeout(() => this.check(), Math.max(this.heartbeatMs * 2 - quiet, 50));
  }

  check() {
    const quiet = performance.now() - this.lastHeard;
    if (quiet < this.heartbeatMs * 2) return this.listen();
    return this.probe();
  }

  probe() {
    if (this.status.silent) return; // one is on its way
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.drop("no heartbeat"), PONG_MS);
    this.set("ready", { silent: true });
    this.request({ type: "ping" }, () => this.listen());
  }

  /** The tab is looked at again: the laptop may have slept, and the link with it. */
  wake() {
    if (document.visibilityState !== "visible") return;
    if (this.status.state === "waiting") this.hurry();
    else if (this.ready && performance.now() - this.lastHeard > 5000) this.probe();
  }

  set(state, more = {}) {
    this.status = { ...more, state, attempt: this.attempt, blocked: this.blocked };
    this.onStatus(this.status);
  }
}
