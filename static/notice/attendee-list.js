// The people of the meeting as one group of radio buttons: which of them is you?

import { el, icon, setText } from "../shared/dom.js";

export class AttendeeList {
  #list;
  #onPick;
  #rows = new Map();

  /** `onPick(participant)` is called when somebody says who they are. */
  constructor(list, onPick) {
    this.#list = list;
    this.#onPick = onPick;
  }

  /** `people`: {participant, name, analysed}; rows stay the same nodes, so that focus and choice stay where they are. */
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
    this.#list.querySelector("input:checked, input")?.focus();
  }

  #render({ participant, name, analysed }, alike, picked) {
    const { row, radio, role } = this.#rows.get(participant) ?? this.#add(participant, name);
    if (radio.checked !== picked) radio.checked = picked;
    const wanted = analysed ? "ear" : "ear-off";
    if (row.dataset.icon !== wanted) {
      row.dataset.icon = wanted;
      row.querySelector(".icon")?.remove();
      row.append(icon(wanted));
    }
    const state = analysed ? "analysed" : "not analysed";
    setText(role, alike > 1 ? `${state} · one of ${alike} with this name` : state);
  }

  #add(participant, name) {
    const radio = el("input", { type: "radio", name: "me", value: participant });
    const role = el("span", { class: "role" });
    const words = el("span", { class: "words" }, el("span", { class: "name", dir: "auto" }, name), " ", role);
    const row = el("label", { class: "person" }, radio, words);
    radio.onchange = () => this.#onPick(participant);
    this.#rows.set(participant, { row, radio, role });
    this.#list.append(row);
    return this.#rows.get(participant);
  }
}
