// `/docs`: a page made from `/openapi.json`, which the server makes from its types. It asks for nothing else.

import { h } from "../page/dom.js";
import { badge, errors, operation, prose } from "./view.js";

const main = document.getElementById("document");

async function show() {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`/openapi.json answers ${response.status}`);
  const { info, tags, paths, components } = await response.json();
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, spec]) => ({ path, method, spec })),
  );
  const groups = tags.map(({ name }) => [name, operations.filter(({ spec }) => spec.tags.includes(name))]);
  document.getElementById("version").textContent = info.version;
  document.getElementById("contents").append(...groups.map(contents), h("a", { href: "#errors" }, "Errors"));
  main.append(
    h("section", { class: "about" }, ...prose(info.description)),
    ...groups.map(([name, members]) =>
      h("section", {}, h("h2", {}, name), ...members.map((one) => operation(one.path, one.method, one.spec, components.schemas))),
    ),
    errors(paths, components.schemas),
  );
  addEventListener("hashchange", open);
  open();
}

function contents([name, members]) {
  const links = members.map(({ path, method, spec }) =>
    h("a", { href: `#${spec.operationId}`, title: `${path}: ${spec.summary}` }, badge(method), h("span", {}, shortened(path))),
  );
  return h("div", {}, h("h2", {}, name), ...links);
}

/** Without what nearly all paths begin with, so that what tells them apart is seen. */
function shortened(path) {
  return path.replace("/api", "").replace(/^\/boards\/\{board\}(?=\/)/, "…");
}

/** What the address names is opened and brought into view. */
function open() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
  target?.scrollIntoView();
}

show()
  .catch((error) => main.append(h("p", { class: "failed" }, `The document cannot be shown: ${error.message}`)))
  .finally(() => main.setAttribute("aria-busy", "false"));
