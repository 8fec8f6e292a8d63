// What must be seen and heard at all times goes into the dialog on top: all outside of it is inert.

/** Keeps `elements` in the topmost modal dialog, or in the page when none is open. */
export function keepAbove(...elements) {
  const place = () => {
    const top = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
    for (const element of elements) if (element.parentElement !== top) top.append(element);
  };
  new MutationObserver(place).observe(document.body, { subtree: true, attributeFilter: ["open"] });
  document.addEventListener("close", place, { capture: true });
}
