// The people in the meeting as one group of radio buttons: which of them is you?

import { el, setIcon, setText } from "../shared/dom.js";

/** @import { Person } from "./api.js" */

/** @typedef {{row: HTMLElement, radio: HTMLInputElement, role: HTMLElement}} Row */

export class AttendeeList {
  #list;
  #onPick;
  /** @type {Map<string, Row>} */
  #rows = new Map();

  /**
   * @param {HTMLElement} list
   * @param {(participant: string) => void} onPick  the user selected their name
   */
  constructor(list, onPick) {
    this.#list = list;
    this.#onPick = onPick;
  }

  /**
   * The rows stay the same nodes, so that focus and choice stay where they are.
   * @param {Person[]} people
   * @param {string | undefined} me  the selected participant
   */
  render(people, me) {
    const present = new Set(people.map(({ participant }) => participant));
    for (const [id, { row }] of this.#rows) {
      if (present.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    for (const person of people) {
      const alike = people.filter(({ name }) => name === person.name).length;
      this.#render(person, alike, person.participant === me);
    }
  }

  focus() {
    /** @type {HTMLInputElement | null} */
    const first = this.#list.querySelector("input:checked, input");
    first?.focus();
  }

  /**
   * @param {Person} person
   * @param {number} alike  how many people have this name
   * @param {boolean} picked
   */
  #render(person, alike, picked) {
    const { row, radio, role } = this.#rows.get(person.participant) ?? this.#add(person);
    if (radio.checked !== picked) radio.checked = picked;
    setIcon(row, person.analysed ? "ear" : "ear-off", "append");
    const state = person.analysed ? "analysed" : "not analysed";
    setText(role, alike > 1 ? `${state} · one of ${alike} with this name` : state);
  }

  /** @param {Person} person */
  #add({ participant, name }) {
    const radio = el("input", { type: "radio", name: "me", value: participant });
    const role = el("span", { class: "role" });
    const words = el("span", { class: "words" }, el("span", { class: "name", dir: "auto" }, name), " ", role);
    const added = { row: el("label", { class: "person" }, radio, words), radio, role };
    radio.onchange = () => this.#onPick(participant);
    this.#rows.set(participant, added);
    this.#list.append(added.row);
    return added;
  }
}
