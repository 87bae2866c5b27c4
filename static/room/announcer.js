// What the page says by itself: one line for how things stand, and final results for who cannot see the tiles.

import { setText } from "../shared/dom.js";

const EVERY_S = 6;

/** The status line. `action`: {label, run} shows a button beside the words. */
export class Status {
  #text;
  #button;
  #box;

  constructor(box) {
    this.#box = box;
    this.#text = box.querySelector("p");
    this.#button = box.querySelector("button");
  }

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

  /** Take this very message away, but leave one that came since. */
  clearIf(text) {
    if (this.#text.textContent === text) this.clear();
  }
}

/** Final results in a polite live region: only what changed for a person, and never a flood. */
export class Announcer {
  #region;
  #said = new Map();
  #waiting = new Map();
  #timer = null;

  constructor(region) {
    this.#region = region;
  }

  final(id, name, label) {
    if (this.#said.get(id) === label) this.#waiting.delete(id);
    else this.#waiting.set(id, { name, label });
    if (this.#waiting.size) this.#timer ??= setTimeout(() => this.#say(), EVERY_S * 1000);
  }

  forget(id) {
    this.#said.delete(id);
    this.#waiting.delete(id);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#said.clear();
    this.#waiting.clear();
    this.#region.textContent = "";
  }

  #say() {
    this.#timer = null;
    const parts = [...this.#waiting].map(([, { name, label }]) => `${name} may sound ${WORDS[label] ?? label}`);
    for (const [id, { label }] of this.#waiting) this.#said.set(id, label);
    this.#waiting.clear();
    if (parts.length) this.#region.textContent = `${parts.join(". ")}.`;
  }
}

const WORDS = { anger: "angry", happiness: "happy", sadness: "sad" };
