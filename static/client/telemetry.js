// What the devices of one board measure: newest values, live, and short pasts for small drawings.
//
// Nothing of it is promised or kept: the newest value wins, and all is asked for again after each join.
//
// Events: `change` {detail: Set of the ids of devices whose values have changed}.

import { ask } from "./api.js";

const PAST_MS = 3_600_000; // of a small drawing
const PAST_POINTS = 60;
const MOST_POINTS = 240; // kept of one series while it grows
const PAST_AGAIN_MS = 10_000; // until a past that could not be read is asked for again
const AT_ONCE = 4; // questions for a past
const AGAIN_MS = 2000; // after a refusal that says nothing of when

export class Telemetry extends EventTarget {
  /** `client`: the BoardClient of the board. Call `end` when nobody looks any more. */
  constructor(client) {
    super();
    this.client = client;
    this.values = new Map(); // device → Map metric → {t, v}
    this.pasts = new Map(); // "device metric" → [[t, v]…], oldest first; empty while it is asked for
    this.waiting = []; // pasts that are still to be asked for
    this.asking = 0;
    this.watching = false;
    this.turn = 0; // of the latest question; answers to earlier ones are too late
    this.timer = null; // until the next
    this.ears = new AbortController();
    const { signal } = this.ears;
    client.addEventListener("joined", () => this.joined(), { signal });
    client.addEventListener("change", () => this.look(), { signal });
    client.addEventListener("telemetry", ({ detail }) => this.take(detail), { signal });
    if (client.joined) this.joined();
  }

  end() {
    this.ears.abort();
    clearTimeout(this.timer);
    if (this.watching) this.client.connection.request({ type: "unwatch", board: this.client.board }, () => {});
    this.watching = false;
  }

  // -- what is known

  /** `[{metric, t, v}…]` of a device, by metric. */
  newest(device) {
    const found = [...(this.values.get(device) ?? [])].map(([metric, value]) => ({ metric, ...value }));
    return found.sort((a, b) => (a.metric < b.metric ? -1 : 1));
  }

  /** `{t, v}`; undefined when nothing is known. */
  value(device, metric) {
    return this.values.get(device)?.get(metric);
  }

  /** When a device was last heard of, in its own time; null when it never was. */
  lastSeen(device) {
    const times = [...(this.values.get(device)?.values() ?? [])].map(({ t }) => t);
    return times.length > 0 ? Math.max(...times) : null;
  }

  /** The last hour of a metric, `[[t, v]…]`. The first time it is empty, and `change` tells when it is there. */
  past(device, metric) {
    const key = `${device} ${metric}`;
    if (!this.pasts.has(key)) {
      this.pasts.set(key, []);
      this.waiting.push({ key, device, metric });
      this.askNext();
    }
    return this.pasts.get(key);
  }

  // -- asking

  joined() {
    clearTimeout(this.timer);
    this.watching = false;
    this.look();
  }

  /** A board without devices is not watched. */
  look() {
    const { client } = this;
    if (this.watching || !client.joined || (client.view?.devices.size ?? 0) === 0) return;
    this.watching = true;
    const turn = ++this.turn;
    client.connection.request({ type: "watch", board: client.board }, (reply) => {
      if (turn !== this.turn || !this.watching) return;
      if (reply.type !== "watching") return this.refused(reply);
      this.pasts.clear();
      this.take(reply.series);
    });
  }

  /** Asked again where that may help; else not before the next join. */
  refused({ retry, details }) {
    if (!retry) return;
    this.timer = setTimeout(() => this.joined(), details?.retry_after_ms ?? AGAIN_MS);
  }

  askNext() {
    while (this.asking < AT_ONCE && this.waiting.length > 0) {
      const wanted = this.waiting.shift();
      this.asking += 1;
      seriesOf(this.client.board, wanted.device, { metric: wanted.metric, from: Date.now() - PAST_MS, points: PAST_POINTS })
        .then(({ points }) => this.fill(wanted, points), (error) => this.failed(wanted, error))
        .finally(() => {
          this.asking -= 1;
          this.askNext();
        });
    }
  }

  fill({ key, device }, points) {
    const live = this.pasts.get(key) ?? [];
    const last = points.at(-1)?.[0] ?? 0;
    this.pasts.set(key, [...points.map(([t, , mean]) => [t, mean]), ...live.filter(([t]) => t > last)]);
    this.tell(new Set([device]));
  }

  /** What may come yet is asked for again, by whoever draws it next. */
  failed({ key }, { retry }) {
    if (retry) setTimeout(() => this.pasts.delete(key), PAST_AGAIN_MS);
  }

  // -- being told

  take(points) {
    const changed = new Set();
    for (const { device, metric, t, v } of points) {
      const metrics = this.values.get(device) ?? new Map();
      this.values.set(device, metrics);
      if (t < (metrics.get(metric)?.t ?? -Infinity)) continue;
      metrics.set(metric, { t, v });
      this.lengthen(`${device} ${metric}`, t, v);
      changed.add(device);
    }
    if (changed.size > 0) this.tell(changed);
  }

  lengthen(key, t, v) {
    const past = this.pasts.get(key);
    if (past === undefined || t <= (past.at(-1)?.[0] ?? 0)) return;
    past.push([t, v]);
    if (past.length > MOST_POINTS) this.pasts.set(key, thinned(past, t - PAST_MS));
  }

  tell(devices) {
    this.dispatchEvent(new CustomEvent("change", { detail: devices }));
  }
}

/** What is not older than `from`; every second point of it when that is much. The newest stays. */
function thinned(past, from) {
  const seen = past.filter(([t]) => t >= from);
  return seen.length > MOST_POINTS / 2 ? seen.filter((_, i) => (seen.length - 1 - i) % 2 === 0) : seen;
}

/** `{metric, resolution_ms, points: [[t, min, mean, max, n]…], position}` */
export function seriesOf(board, device, { metric, from, to, points }) {
  return ask(`${pathOf(board, device)}/telemetry`, { metric, from, to, points });
}

/** Where HTTP has a device. */
export function pathOf(board, device) {
  return `/api/boards/${encodeURIComponent(board)}/devices/${encodeURIComponent(device)}`;
}
