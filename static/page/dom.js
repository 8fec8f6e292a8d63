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
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4l3.1 3.1",
  star: "M8 2.5l1.7 3.5 3.8.5-2.8 2.7.7 3.8L8 11.2l-3.4 1.8.7-3.8L2.5 6.5l3.8-.5z",
  bell: "M4.5 11V7.5a3.5 3.5 0 0 1 7 0V11l1 1.5h-9zM6.8 14h2.4",
  share: "M6.5 9.5l3-3M7 5l1.2-1.2a2.7 2.7 0 0 1 4 4L11 9M9 11l-1.2 1.2a2.7 2.7 0 0 1-4-4L5 7",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  down: "M4.5 6.5L8 10l3.5-3.5",
  tag: "M2.5 3v4.5l6 6 5-5-6-6H3a.5.5 0 0 0-.5.5zM5.3 5.3h.01",
  person: "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8zM3 13.5c.5-2.5 2.4-4 5-4s4.5 1.5 5 4",
  device: "M4.5 2.5h7v11h-7zM7.5 11.5h1",
  filter: "M2.5 4h11M4.5 8h7M6.5 12h3",
  board: "M2.5 3h3.5v10H2.5zM7.5 3H11v6H7.5zM12.5 3h1",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.8v1M8 13.2v1M1.8 8h1M13.2 8h1M3.6 3.6l.7.7M11.7 11.7l.7.7M12.4 3.6l-.7.7M4.3 11.7l-.7.7",
  globe: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM2 8h12M8 2c2 2 2.5 4 2.5 6S10 12 8 14c-2-2-2.5-4-2.5-6S6 4 8 2z",
  undo: "M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M3 6.5l3-3M3 6.5l3 3",
  redo: "M13 6.5H6.5a3.5 3.5 0 0 0 0 7H10M13 6.5l-3-3M13 6.5l-3 3",
  help: "M6 6a2 2 0 1 1 3 1.7c-.7.4-1 .8-1 1.6M8 11.8h.01M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12z",
  trash: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5",
  archive: "M2.5 3.5h11v3h-11zM3.5 6.5V13h9V6.5M6.5 9h3",
  move: "M2.5 8h11M10 4.5L13.5 8 10 11.5",
  left: "M13.5 8h-11M6 4.5L2.5 8 6 11.5",
  activity: "M2 8.5h3l2-5 2.5 9 2-4H14",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  pencil: "M3 13l.6-2.8L10.5 3.3a1 1 0 0 1 1.4 0l.8.8a1 1 0 0 1 0 1.4L5.8 12.4z",
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
