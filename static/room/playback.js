// Plays the voices of the others. Browsers may hold back sound until somebody clicks on the page.

/** @import { StatusLine } from "./status-line.js" */

export class Playback {
  #status;
  /** @type {Set<HTMLAudioElement>} the elements that wait for a click */
  #blocked = new Set();

  /** @param {StatusLine} status */
  constructor(status) {
    this.#status = status;
  }

  /** @param {HTMLAudioElement} audio */
  async play(audio) {
    if (!audio.srcObject) return;
    try {
      await audio.play();
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#ask(audio);
    }
  }

  /** @param {HTMLAudioElement} audio */
  #ask(audio) {
    const asked = this.#blocked.size > 0;
    this.#blocked.add(audio);
    if (asked) return;
    this.#status.show("Your browser has blocked the sound.", { action: { label: "Play sound", run: () => this.#resume() } });
  }

  #resume() {
    const blocked = [...this.#blocked];
    this.#blocked.clear();
    this.#status.clear();
    for (const audio of blocked) this.play(audio);
  }
}
