// What was answered on the page of the notice, kept in this browser for as long as the meeting lasts.

const PREFIX = "ser_track notice ";
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

/** Without a usable localStorage it lasts as long as the page. */
export class AnswerStore {
  #key;
  #inPage = null;

  constructor(meeting) {
    this.#key = PREFIX + meeting;
    forgetOld();
  }

  /** `{name, participant}` of who was picked as oneself, or null. */
  get me() {
    return this.#read().me;
  }

  pick({ name, participant }) {
    this.#write({ ...this.#read(), me: { name, participant } });
  }

  /** `{name, participant, analysed, secret}` of each person who was answered for here. */
  get answers() {
    return this.#read().answers;
  }

  secretOf({ name, participant }) {
    const { answers } = this;
    const same = answers.find((answer) => answer.participant === participant) ?? answers.find((answer) => answer.name === name);
    return same?.secret ?? "";
  }

  /** Put `answer` in the place of the one that its person, or who they were before they came back, had. */
  keep(answer, before = answer.participant) {
    const stored = this.#read();
    const others = stored.answers.filter(({ participant }) => participant !== before && participant !== answer.participant);
    this.#write({ ...stored, answers: [...others, answer] });
  }

  forget() {
    this.#inPage = null;
    try {
      localStorage.removeItem(this.#key);
    } catch {} // nothing was kept there
  }

  // Read anew each time: another tab may have the same meeting.
  #read() {
    return read(this.#key) ?? this.#inPage ?? { me: null, answers: [] };
  }

  #write(stored) {
    this.#inPage = stored = { ...stored, at: Date.now() };
    try {
      localStorage.setItem(this.#key, JSON.stringify(stored));
    } catch {} // full, or no access
  }
}

/** Meetings whose end no page here has seen. */
function forgetOld() {
  try {
    for (const key of Object.keys(localStorage).filter((each) => each.startsWith(PREFIX))) {
      if (!(Date.now() - read(key)?.at < KEPT_MS)) localStorage.removeItem(key);
    }
  } catch {} // no access: nothing is kept either
}

/** What is under `key`; null where nothing is, or nothing that we wrote. */
function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}
