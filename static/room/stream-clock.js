// Converts the time of a stream to the time of the page.

const MEMORY_S = 30;

export class StreamClock {
  /** @type {{at: number, offset: number}[]} */
  #offsets = [];

  /**
   * An event arrived that refers to `seconds` of the stream.
   * @param {number} seconds
   * @param {number} now
   */
  observe(seconds, now) {
    this.#offsets = this.#offsets.filter((each) => now - each.at < MEMORY_S);
    this.#offsets.push({ at: now, offset: now - seconds });
  }

  /**
   * Seconds of the stream as seconds of the page. The smallest recent delay contains the least waiting time.
   * @param {number} seconds
   * @param {number} now
   */
  pageTime(seconds, now) {
    return Math.min(now, seconds + Math.min(...this.#offsets.map((each) => each.offset)));
  }

  /** Forget earlier delays, which may no longer apply. */
  reset() {
    this.#offsets = [];
  }
}
