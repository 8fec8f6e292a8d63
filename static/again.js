// A page whose files cannot be had, because a server of another version was asked for them while a new one is being
// rolled out, loads itself anew: a few times, then it says what to do. Not a module: it must run when those fail.

(() => {
  const KEY = "boardcast.again";
  const MOST = 4;
  const tries = () => {
    try {
      return Number(sessionStorage.getItem(KEY));
    } catch {
      return MOST;
    }
  };
  const give = () => {
    const banner = document.getElementById("banner");
    const chinese = /^zh/i.test(navigator.language);
    banner.textContent = chinese ? "页面未能完整载入，请稍后重新加载。" : "The page could not be loaded completely. Reload it in a moment.";
    banner.dataset.tone = "bad";
    banner.hidden = false;
  };
  const failed = ({ target }) => {
    const needed = target.localName === "script" || (target.localName === "link" && target.rel === "stylesheet");
    if (!needed) return undefined;
    removeEventListener("error", failed, true);
    const n = tries();
    if (n >= MOST) return document.readyState === "loading" ? addEventListener("DOMContentLoaded", give) : give();
    sessionStorage.setItem(KEY, n + 1);
    return setTimeout(() => location.reload(), 400 * 2 ** n);
  };
  addEventListener("error", failed, true);
  addEventListener("boardcast:started", () => sessionStorage.removeItem(KEY));
})();
