// The list of who is in the room, the analysis bot among them.

import { el, icon, setText } from "../shared/dom.js";

export class Roster {
  #list;
  #count;
  #rows = new Map();
  #bot = el("span", { class: "role" });

  constructor(list, count, botName) {
    this.#list = list;
    this.#count = count;
    const name = el("span", { class: "name" }, botName);
    const row = el("li", { class: "bot", "data-bot": "" }, icon("bot"), el("span", {}, name, this.#bot));
    list.replaceChildren(row);
  }

  /** `people`: {id, name, self, analysed}, in the order of joining. */
  render(people) {
    const ids = new Set(people.map(({ id }) => id));
    for (const [id, { row }] of this.#rows) {
      if (ids.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    for (const person of people) this.#row(person);
    const analysed = people.filter((person) => person.analysed).length;
    setText(this.#bot, `analysis bot · silent, listens to ${analysed} of ${people.length}`);
    setText(this.#count, people.length === 1 ? "1 person" : `${people.length} people`);
  }

  #row({ id, name, self, analysed }) {
    if (!this.#rows.has(id)) {
      const role = el("span", { class: "role" });
      const row = el("li", { "data-listed": id }, el("span", {}, el("span", { class: "name" }, self ? `${name} (you)` : name), role));
      this.#rows.set(id, { row, role });
      this.#list.append(row);
    }
    const { row, role } = this.#rows.get(id);
    const wanted = analysed ? "ear" : "ear-off";
    if (row.dataset.icon !== wanted) {
      row.dataset.icon = wanted;
      row.querySelector(".icon")?.remove();
      row.prepend(icon(wanted));
    }
    setText(role, analysed ? "analysed" : "not analysed");
  }
}
