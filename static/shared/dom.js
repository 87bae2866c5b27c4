// Helpers that build and update a page. Text always goes through textContent, never through markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Find the element for `selector`. Throws if there is no element of that type.
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} type
 * @param {ParentNode} [parent]
 * @returns {T}
 */
export function find(selector, type, parent = document) {
  const found = parent.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`There is no ${type.name} at ${selector}.`);
}

/**
 * Create an element: `el("p", {class: "note", "data-x": 1}, "text", child)`.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * An icon of the sprite in the page.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * A filled shape in a box of 16×16.
 * @param {string} path
 * @param {string} className
 */
export function shape(path, className) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS(SVG, "path");
  drawn.setAttribute("d", path);
  drawn.setAttribute("fill-rule", "evenodd");
  svg.append(drawn);
  return svg;
}

// Writing only what changed keeps screen readers, the layout and the battery quiet at several renders per second.

/** @typedef {string | number | boolean} Value */

/**
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {HTMLElement} node
 * @param {string} name  as in `node.dataset`
 * @param {Value} value
 */
export function setData(node, name, value) {
  const text = String(value);
  if (node.dataset[name] !== text) node.dataset[name] = text;
}

/**
 * @param {Element} node
 * @param {string} name
 * @param {Value} value
 */
export function setAttribute(node, name, value) {
  const text = String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/**
 * Show the icon `name` at the beginning or the end of `row`, in place of the previous one.
 * @param {HTMLElement} row
 * @param {string} name
 * @param {"prepend" | "append"} place
 */
export function setIcon(row, name, place) {
  if (row.dataset.icon === name) return;
  row.dataset.icon = name;
  row.querySelector(".icon")?.remove();
  row[place](icon(name));
}
