// Final results for people who cannot see the tiles: in a live region, only what changed, and never a flood.

/** @import { Emotion } from "./emotions.js" */

const INTERVAL_S = 6;
const ADJECTIVES = { anger: "angry", happiness: "happy", sadness: "sad", neutral: "neutral" };

export class Announcer {
  #region;
  /** @type {Map<string, Emotion>} the last emotion that was announced, by participant */
  #announced = new Map();
  /** @type {Map<string, {name: string, emotion: Emotion}>} */
  #waiting = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HTMLElement} region  a polite live region */
  constructor(region) {
    this.#region = region;
  }

  /**
   * A final result came for participant `id`.
   * @param {string} id
   * @param {string} name
   * @param {Emotion} emotion
   */
  result(id, name, emotion) {
    if (this.#announced.get(id) === emotion) this.#waiting.delete(id);
    else this.#waiting.set(id, { name, emotion });
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
    const parts = [...this.#waiting.values()].map(({ name, emotion }) => `${name} may sound ${ADJECTIVES[emotion]}`);
    for (const [id, { emotion }] of this.#waiting) this.#announced.set(id, emotion);
    this.#waiting.clear();
    if (parts.length) this.#region.textContent = `${parts.join(". ")}.`;
  }
}
