// The status line at the top of the page.

import { find, setText } from "../shared/dom.js";

/** @typedef {{label: string, run: () => void}} Action  a button beside the text */

export class StatusLine {
  #box;
  #text;
  #button;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
    this.#text = find("p", HTMLElement, box);
    this.#button = find("button", HTMLButtonElement, box);
  }

  /**
   * @param {string} text
   * @param {{kind?: "info" | "warning" | "error", action?: Action | null}} [how]
   */
  show(text, { kind = "info", action = null } = {}) {
    setText(this.#text, text);
    this.#box.dataset.kind = kind;
    this.#box.hidden = false;
    this.#button.hidden = !action;
    this.#button.textContent = action?.label ?? "";
    this.#button.onclick = action?.run ?? null;
  }

  clear() {
    this.#box.hidden = true;
    this.#text.textContent = "";
  }

  /**
   * Remove this message, but keep a later one.
   * @param {string} text
   */
  clearIf(text) {
    if (this.#text.textContent === text) this.clear();
  }
}
