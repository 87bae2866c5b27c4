// The list of people in the room, including the analysis bot.

import { el, icon, setIcon, setText } from "../shared/dom.js";

/** @import { Participant } from "./participants.js" */

export class Roster {
  #list;
  #count;
  /** @type {Map<string, {row: HTMLElement, role: HTMLElement}>} */
  #rows = new Map();
  #bot = el("span", { class: "role" });

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} count  says how many people there are
   * @param {string} botName
   */
  constructor(list, count, botName) {
    this.#list = list;
    this.#count = count;
    const name = el("span", { class: "name" }, botName);
    const row = el("li", { class: "bot", "data-bot": "" }, icon("bot"), el("span", {}, name, this.#bot));
    list.replaceChildren(row);
  }

  /** @param {Participant[]} people  in the order of joining */
  render(people) {
    const ids = new Set(people.map(({ id }) => id));
    for (const [id, { row }] of this.#rows) {
      if (ids.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    for (const person of people) {
      const { row, role } = this.#rows.get(person.id) ?? this.#add(person);
      setIcon(row, person.voice.analysed ? "ear" : "ear-off", "prepend");
      setText(role, person.voice.analysed ? "analysed" : "not analysed");
    }
    const analysed = people.filter((person) => person.voice.analysed).length;
    setText(this.#bot, `analysis bot · silent, listens to ${analysed} of ${people.length}`);
    setText(this.#count, people.length === 1 ? "1 person" : `${people.length} people`);
  }

  /** @param {Participant} person */
  #add({ id, name, self }) {
    const role = el("span", { class: "role" });
    const words = el("span", {}, el("span", { class: "name" }, self ? `${name} (you)` : name), role);
    const added = { row: el("li", { "data-listed": id }, words), role };
    this.#rows.set(id, added);
    this.#list.append(added.row);
    return added;
  }
}
