// The last minute of one voice, and a cursor to look back with: by pointer, by touch, by keyboard.

import { el, setAttribute, setText } from "../shared/dom.js";
import { clock } from "./clock.js";
import { percent } from "./labels.js";
import { drawTimeline } from "./timeline-drawing.js";
import { HISTORY_S } from "./voice-state.js";

/** @import { Label, Labels, Probabilities } from "./labels.js" */
/** @import { VoiceState } from "./voice-state.js" */

/** @type {Record<string, number>} */
const STEPS_S = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 };
const MARGIN_S = 0.5; // the oldest moment soon leaves the timeline
const HINT = "The last minute. To look back, point, tap or use the arrow keys.";

export class Timeline {
  node;
  #canvas = el("canvas", { "aria-hidden": "true" });
  #slider;
  #readout = el("p", { class: "readout" });
  #voice;
  #labels;
  /**
   * The selected moment, in page seconds, or null for "now". It is a moment, not a position, so it moves with the timeline.
   * @type {number | null}
   */
  #moment = null;

  /**
   * @param {VoiceState} voice
   * @param {string} name  whose voice it is
   * @param {Labels} labels
   */
  constructor(voice, name, labels) {
    this.#voice = voice;
    this.#labels = labels;
    const role = { class: "timeline", role: "slider", tabindex: 0, "aria-label": `Last minute of ${name}` };
    const range = { "aria-orientation": "horizontal", "aria-valuemin": -HISTORY_S, "aria-valuemax": 0 };
    this.#slider = el("div", { ...role, ...range }, this.#canvas);
    this.node = el("div", { class: "history" }, this.#slider, this.#readout);
    this.#listen();
  }

  /** @param {number} now */
  render(now) {
    if (this.#moment !== null && this.#moment < now - HISTORY_S) this.#moment = null;
    this.#describe(now);
    const view = { segments: this.#voice.segments, now, moment: this.#moment };
    drawTimeline(this.#canvas, this.#slider, view, this.#labels);
  }

  #listen() {
    /** @param {PointerEvent} event */
    const point = ({ clientX }) => {
      const box = this.#slider.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
      this.#look(clock() - HISTORY_S * (1 - share));
    };
    this.#slider.addEventListener("pointerdown", point);
    this.#slider.addEventListener("pointermove", point);
    this.#slider.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#look(null));
    this.#slider.addEventListener("blur", () => this.#look(null));
    this.#slider.addEventListener("keydown", (event) => this.#press(event));
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const now = clock();
    const oldest = now - HISTORY_S + MARGIN_S;
    const step = STEPS_S[event.key];
    if (step !== undefined) {
      const moment = (this.#moment ?? now) + step;
      this.#look(moment >= now ? null : Math.max(oldest, moment));
    } else if (event.key === "Home") this.#look(oldest);
    else if (event.key === "End" || event.key === "Escape") this.#look(null);
    else return;
    event.preventDefault();
  }

  /** @param {number | null} moment */
  #look(moment) {
    this.#moment = moment;
    this.render(clock());
  }

  /** @param {number} now */
  #describe(now) {
    const moment = this.#moment;
    const ago = moment === null ? 0 : Math.max(0, Math.round(now - moment));
    const text = moment === null ? HINT : `${ago} s ago: ${this.#words(moment, now)}`;
    setText(this.#readout, text);
    this.#readout.classList.toggle("looking", moment !== null);
    // While no moment is selected, the value does not change: a screen reader would read every change of the slider.
    setAttribute(this.#slider, "aria-valuenow", -ago);
    setAttribute(this.#slider, "aria-valuetext", moment === null ? "now" : text);
  }

  /**
   * The result at a moment, as text.
   * @param {number} moment
   * @param {number} now
   */
  #words(moment, now) {
    if (!this.#voice.analysed) return "not analysed";
    const heard = this.#voice.at(moment, now);
    if (!heard) return "no speech";
    if (!heard.label) return "speech, no result";
    const { label, probabilities, final } = heard;
    const reserve = this.#labels.isFirstImpression(heard) ? `${this.#labels.learning.title}, ` : "";
    const parts = this.#labels.shown.map((each) => ({ name: each.name, words: share(each, probabilities) }));
    const others = parts.filter(({ name }) => name !== label).map(({ words }) => words);
    const own = parts.find(({ name }) => name === label);
    const first = own?.words ?? this.#labels.title(label);
    return `${reserve}${first}${final ? "" : " so far"} (${others.join(", ")})`;
  }
}

/**
 * @param {Label} label
 * @param {Probabilities} probabilities
 */
const share = ({ name, title }, probabilities) => `${title} ${percent(probabilities[name] ?? 0)}`;
