// The buttons in the room.

import { find, icon, setAttribute, setText } from "../shared/dom.js";

/** @import { LocalMedia } from "./local-media.js" */

/** @typedef {Record<"microphone" | "camera" | "consent" | "leave" | "copy", () => void>} Actions  of the buttons */

export class Controls {
  #microphone = find("#mic", HTMLButtonElement);
  #camera = find("#camera", HTMLButtonElement);
  #consent = find("#consent", HTMLButtonElement);

  /** @param {Actions} actions */
  constructor(actions) {
    this.#microphone.onclick = actions.microphone;
    this.#camera.onclick = actions.camera;
    this.#consent.onclick = actions.consent;
    find("#leave", HTMLButtonElement).onclick = actions.leave;
    find("#copy", HTMLButtonElement).onclick = actions.copy;
  }

  /**
   * @param {LocalMedia} media
   * @param {boolean} analysed
   */
  render({ microphone, camera, muted }, analysed) {
    const listening = !microphone;
    label(this.#microphone, listening ? "Use microphone" : muted ? "Unmute" : "Mute", listening || muted ? "mic-off" : "mic");
    label(this.#camera, camera ? "Stop camera" : "Camera", camera ? "camera" : "camera-off");
    setAttribute(this.#consent, "aria-checked", analysed);
    this.#consent.disabled = listening;
    const state = listening ? "no microphone" : analysed ? "on: the bot hears you" : "off: the bot does not hear you";
    setText(find(".state", HTMLElement, this.#consent), state);
  }
}

/**
 * @param {HTMLElement} button
 * @param {string} text
 * @param {string} symbol
 */
function label(button, text, symbol) {
  setText(find("span", HTMLElement, button), text);
  find(".icon", SVGElement, button).replaceWith(icon(symbol));
}
