// The answers that were given on the page of the notice. This browser stores them while the meeting lasts.

/** @import { Answer } from "./api.js" */

/** @typedef {{participant: string, name: string}} Identity  who somebody is in the meeting */
/** @typedef {Answer & Identity} StoredAnswer */
/** @typedef {{me: Identity | null, answers: StoredAnswer[], at?: number}} Stored */

const PREFIX = "ser_track notice ";
const MAX_AGE_MS = 7 * 24 * 60 * 60 * 1000;

/** Without a usable localStorage, answers are kept only while the page is open. */
export class AnswerStore {
  #key;
  /** @type {Stored | null} */
  #inPage = null;

  /** @param {string} meeting */
  constructor(meeting) {
    this.#key = PREFIX + meeting;
    removeOld();
  }

  /** The person that the user selected as themselves, or null. */
  get me() {
    return this.#read().me;
  }

  /** @param {Identity} person */
  pick({ name, participant }) {
    this.#write({ ...this.#read(), me: { name, participant } });
  }

  /** The last answer for each person who answered here. */
  get answers() {
    return this.#read().answers;
  }

  /**
   * The secret of the last answer for a person, or an empty string.
   * @param {Identity} person
   */
  secretOf({ name, participant }) {
    const { answers } = this;
    const same = answers.find((answer) => answer.participant === participant) ?? answers.find((answer) => answer.name === name);
    return same?.secret ?? "";
  }

  /**
   * Store an answer in place of the person's last one.
   * @param {StoredAnswer} answer
   * @param {string} [before]  the id that the person had before they rejoined
   */
  keep(answer, before = answer.participant) {
    const stored = this.#read();
    const others = stored.answers.filter(({ participant }) => participant !== before && participant !== answer.participant);
    this.#write({ ...stored, answers: [...others, answer] });
  }

  clear() {
    this.#inPage = null;
    try {
      localStorage.removeItem(this.#key);
    } catch {} // nothing was stored there
  }

  /**
   * Read again each time: another tab may show the same meeting.
   * @returns {Stored}
   */
  #read() {
    return read(this.#key) ?? this.#inPage ?? { me: null, answers: [] };
  }

  /** @param {Stored} stored */
  #write(stored) {
    this.#inPage = { ...stored, at: Date.now() };
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#inPage));
    } catch {} // full, or no access
  }
}

/** Remove old meetings: their end was not seen by any page here. */
function removeOld() {
  try {
    for (const key of Object.keys(localStorage).filter((each) => each.startsWith(PREFIX))) {
      const age = Date.now() - (read(key)?.at ?? -Infinity);
      if (!(age < MAX_AGE_MS)) localStorage.removeItem(key);
    }
  } catch {} // no access: nothing is stored either
}

/**
 * The value stored under `key`, or null if it is missing or not JSON.
 * @param {string} key
 * @returns {Stored | null}
 */
function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}
