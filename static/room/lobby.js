// The lobby: a room, a name, and the question.

import { find } from "../shared/dom.js";

/** @typedef {{room: string, name: string, consent: boolean}} Choice  the values of the fields, and the answer to the question */

export class Lobby {
  #box = find("#lobby", HTMLElement);
  #room = find("#field-room", HTMLInputElement);
  #name = find("#field-name", HTMLInputElement);
  #analysed = find("#join-analysed", HTMLButtonElement);
  #unanalysed = find("#join-unanalysed", HTMLButtonElement);
  #busy = false;
  #informed = false;

  /**
   * @param {string} room  the initial room name
   * @param {(choice: Choice) => void} chosen  the user wants to join
   * @param {(what: string) => void} missing  a field is empty
   */
  constructor(room, chosen, missing) {
    this.#room.value = room;
    /** @param {boolean} consent */
    const choose = (consent) => {
      const empty = [this.#room, this.#name].find((field) => !field.value.trim());
      if (!empty) return chosen({ room: this.#room.value.trim(), name: this.#name.value.trim(), consent });
      missing(empty.dataset.what ?? "");
      empty.focus();
    };
    this.#analysed.onclick = () => choose(true);
    this.#unanalysed.onclick = () => choose(false);
    // Enter in a field goes on to the next one or to the question. It never answers the question.
    find("form", HTMLFormElement, this.#box).onsubmit = (event) => event.preventDefault();
    onEnter(this.#room, this.#name);
    onEnter(this.#name, find("#question", HTMLElement));
  }

  /** @param {boolean} shown */
  show(shown) {
    this.#box.hidden = !shown;
  }

  /** @param {boolean} waiting  for a room; until then nobody can choose again */
  setBusy(waiting) {
    this.#busy = waiting;
    this.#render();
  }

  /** Allow people to agree: the page now shows everything that they must know first. */
  allowAnalysis() {
    this.#informed = true;
    this.#render();
  }

  #render() {
    this.#analysed.disabled = this.#busy || !this.#informed;
    this.#unanalysed.disabled = this.#busy;
  }

  focus() {
    this.#name.focus();
  }
}

/**
 * @param {HTMLElement} field
 * @param {HTMLElement} next  gets the focus
 */
function onEnter(field, next) {
  field.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") next.focus();
  });
}
