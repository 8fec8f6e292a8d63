// New versions of the page: kept for when there is no link (worker.js), and announced to whoever has an old one open.

import { t } from "./i18n.js";

const VERSION = /[0-9a-f]{16}/;
const OWN = /~([0-9a-f]{16})\//.exec(import.meta.url)?.[1]; // undefined: loaded from an address without a version
const WORKER = "/worker.js";
// The one text that may become a script here; the name is taken from now on, so that nobody else can make another policy.
const POLICY = globalThis.trustedTypes?.createPolicy("worker", { createScriptURL: () => WORKER });
const OFTEN_MS = 60_000; // at most so often is the server asked

export class Updates {
  /** `toasts()`: where to say it. */
  constructor(session, toasts) {
    Object.assign(this, { session, toasts });
    this.told = null; // the version that was announced
    this.asked = performance.now();
    this.registration = null;
  }

  async start() {
    if (OWN === undefined) return;
    this.session.addEventListener("status", () => this.linked());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.look());
    const { serviceWorker } = navigator; // there is none on plain HTTP away from this machine
    serviceWorker?.addEventListener("controllerchange", () => this.look(true));
    this.registration = await serviceWorker?.register(POLICY?.createScriptURL("") ?? WORKER, { updateViaCache: "none" }).catch(() => null);
  }

  /** The link is back: perhaps to a server of another version. */
  linked() {
    const ready = this.session.status.link === "ready";
    if (ready && this.ready === false) this.look(true);
    this.ready = ready;
  }

  /** Asks the server which version it is. */
  async look(now = false) {
    if (!now && performance.now() - this.asked < OFTEN_MS) return;
    this.asked = performance.now();
    const answer = await fetch(WORKER, { method: "HEAD", cache: "no-store" }).catch(() => null);
    const [there] = VERSION.exec(answer?.headers.get("etag") ?? "") ?? [];
    if (!answer?.ok || there === undefined || there === OWN || there === this.told) return;
    this.told = there;
    this.registration?.update().catch(() => {});
    this.toasts().show(t("update.ready"), { keep: true, actions: [[t("reload"), () => location.reload()]] });
  }
}
