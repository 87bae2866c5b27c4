// From the time of a stream to the time of the page.

const MEMORY_S = 30;

export class StreamClock {
  /** @type {{at: number, offset: number}[]} */
  #offsets = [];

  /**
   * An event came that speaks of `seconds` of the stream.
   * @param {number} seconds
   * @param {number} now
   */
  observe(seconds, now) {
    this.#offsets = this.#offsets.filter((each) => now - each.at < MEMORY_S);
    this.#offsets.push({ at: now, offset: now - seconds });
  }

  /**
   * Seconds of the stream as seconds of the page. The smallest delay of late is the one with the least waiting in it.
   * @param {number} seconds
   * @param {number} now
   */
  pageTime(seconds, now) {
    return Math.min(now, seconds + Math.min(...this.#offsets.map((each) => each.offset)));
  }

  /** The delays so far may not hold any more. */
  reset() {
    this.#offsets = [];
  }
}
