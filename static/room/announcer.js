// Announces final results in a live region for people who cannot see the tiles: only changes, and not too many.

const INTERVAL_S = 6;
/** @type {Record<string, string | undefined>} labels are nouns, but the sentence needs an adjective */
const ADJECTIVES = { anger: "angry", happiness: "happy", sadness: "sad", fear: "afraid", disgust: "disgusted" };

export class Announcer {
  #region;
  /** @type {Map<string, string>} the last label that was announced, by participant */
  #announced = new Map();
  /** @type {Map<string, {label: string, sentence: string}>} */
  #waiting = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HTMLElement} region  a polite live region */
  constructor(region) {
    this.#region = region;
  }

  /**
   * A final result arrived for participant `id`.
   * @param {string} id
   * @param {string} name
   * @param {string} label
   * @param {string} title  the text that people read
   */
  result(id, name, label, title) {
    this.#put(id, label, `${name} may sound ${ADJECTIVES[label] ?? title}.`);
  }

  /**
   * A first impression arrived for participant `id`. It is announced once, and without its emotion.
   * @param {string} id
   * @param {string} name
   */
  learning(id, name) {
    this.#put(id, "", `The bot is still learning the voice of ${name}.`);
  }

  /**
   * @param {string} id
   * @param {string} label
   * @param {string} sentence
   */
  #put(id, label, sentence) {
    if (this.#announced.get(id) === label) this.#waiting.delete(id);
    else this.#waiting.set(id, { label, sentence });
    if (this.#waiting.size) this.#timer ??= setTimeout(() => this.#announce(), INTERVAL_S * 1000);
  }

  /** @param {string} id */
  forget(id) {
    this.#announced.delete(id);
    this.#waiting.delete(id);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#announced.clear();
    this.#waiting.clear();
    this.#region.textContent = "";
  }

  #announce() {
    this.#timer = undefined;
    const sentences = [...this.#waiting.values()].map(({ sentence }) => sentence);
    for (const [id, { label }] of this.#waiting) this.#announced.set(id, label);
    this.#waiting.clear();
    if (sentences.length) this.#region.textContent = sentences.join(" ");
  }
}
