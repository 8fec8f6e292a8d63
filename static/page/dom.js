// Making elements. Text only ever goes in as text: there is no way to pass HTML through here.

const SVG = "http://www.w3.org/2000/svg";

/** `h("button", { class: "x", "aria-label": "y", onclick: f, hidden: true }, "text", child…)` */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const PATHS = {
  check: "M4.5 8.5l2.4 2.4 4.8-5.2",
  plus: "M8 3.5v9M3.5 8h9",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  close: "M4.5 4.5l7 7M11.5 4.5l-7 7",
  text: "M3 5h10M3 8h10M3 11h6",
  clock: "M8 4.5V8l2.3 1.6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  comment: "M3 4.5A1.5 1.5 0 0 1 4.5 3h7A1.5 1.5 0 0 1 13 4.5v5a1.5 1.5 0 0 1-1.5 1.5H7l-3 2.5V11A1.5 1.5 0 0 1 3 9.5z",
  list: "M3 4.5l1 1 1.5-2M3 10.5l1 1 1.5-2M8 5h5M8 11h5",
  flag: "M4 14V3h7l-1.5 2.8L11 8.5H4",
  pencil: "M3 13l.6-2.8L10.5 3.3a1 1 0 0 1 1.4 0l.8.8a1 1 0 0 1 0 1.4L5.800 12.4z",
};

/** A 16 × 16 line drawing, invisible to screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Sets text only where it differs, so that selections and screen readers are left alone. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Puts `wanted` elements in order into `parent`, moving as few as possible; `skip` says which to overlook. */
export function arrange(parent, wanted, skip = () => false) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child) && !skip(child)) child.remove();
  let at = passing(parent.firstElementChild, skip);
  for (const [index, element] of wanted.entries()) {
    if (at === element) {
      at = passing(at.nextElementSibling, skip);
      continue;
    }
    const next = at && passing(at.nextElementSibling, skip);
    if (at && next === element && wanted[index + 1] !== at) {
      place(parent, at, null); // `at` is the one that moved: its own turn will put it right
      at = passing(next.nextElementSibling, skip);
    } else place(parent, element, at);
  }
}

function passing(element, skip) {
  while (element && skip(element)) element = element.nextElementSibling;
  return element;
}

/** As insertBefore; where the browser can, without taking focus or a running animation from the element. */
export function place(parent, element, before) {
  if (parent.moveBefore && element.isConnected) parent.moveBefore(element, before);
  else parent.insertBefore(element, before);
}

/** A text field that grows with its content, in browsers that do not do it by themselves. */
export function growing(textarea) {
  if (CSS.supports("field-sizing", "content")) return textarea;
  const fit = () => {
    textarea.style.height = "auto";
    textarea.style.height = `${textarea.scrollHeight + 2}px`;
  };
  textarea.addEventListener("input", fit);
  textarea.addEventListener("focus", fit);
  return textarea;
}
