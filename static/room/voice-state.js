// The state of one voice, from the bot's events: now and in the last minute. It uses no DOM and no clock: `now` is passed in.

import { StreamClock } from "./stream-clock.js";

/** @import { Probabilities } from "./labels.js" */
/** @import { BotEvent, EmotionResult, SpeechEnded, SpeechStarted } from "./events.js" */

/** @typedef {"not-analysed" | "error" | "connecting" | "stalled" | "speaking" | "no-speech"} TileState */
/** @typedef {{label: string, probabilities: Probabilities, voiceKnown: number | undefined, final: boolean}} Judged */
/** @typedef {Judged & {confidence: number, at: number}} Result */
/** @typedef {Judged & {from: number, to: number}} Slice */
/** @typedef {{start: number, end: number | null, slices: Slice[]}} Segment  `end` is null while it is open */

export const HISTORY_S = 60;
const HOLD_S = 1.5; // time from the last speech until a tile shows "no speech": shorter pauses would make it flicker
const UNSEEN_S = 3; // "connecting" ends after this time, even without an event about the participant

/** One participant's voice. All times it keeps are seconds of the page's clock. */
export class VoiceState {
  /** @type {string | null} */
  stream = null;
  analysed = false;
  speaking = false;
  stalled = false;
  /** @type {string | null} */
  fault = null;
  /** @type {Result | null} */
  latest = null;
  spokeAt = -Infinity;
  updates = 0;
  finals = 0;
  /** @type {Map<string, Segment>} */
  #segments = new Map();
  #clock = new StreamClock();
  #seenAt;
  #seen = false;

  /** @param {number} now */
  constructor(now) {
    this.#seenAt = now;
  }

  /** Oldest first. */
  get segments() {
    return [...this.#segments.values()];
  }

  /**
   * @param {boolean} analysed
   * @param {number} now
   */
  setAnalysed(analysed, now) {
    if (analysed === this.analysed) return;
    this.analysed = analysed;
    this.#seenAt = now;
    this.#clock.reset();
    this.speaking = this.stalled = false;
    this.fault = null;
    if (!analysed) this.#forget();
  }

  /**
   * @param {BotEvent} event
   * @param {number} now
   */
  apply(event, now) {
    if (event.stream && event.stream !== this.stream) this.#restart(event.stream);
    this.#seen = true;
    if (!this.analysed) return; // withdrawn: late events are not shown
    this.#prune(now);
    if (event.type === "speech_started") this.#speechStarted(event, now);
    else if (event.type === "speech_ended") this.#speechEnded(event, now);
    else if (event.type === "emotion") this.#emotion(event, now);
    else if (event.type === "stalled") this.#stall();
    else if (event.type === "resumed") this.#resume();
    else if (event.type === "error") this.fault = event.message || event.code;
  }

  /**
   * @param {number} now
   * @param {boolean} connected  whether the page is connected to the bot
   * @returns {TileState}
   */
  state(now, connected) {
    if (!this.analysed) return "not-analysed";
    if (this.fault) return "error";
    if (!connected) return "connecting";
    if (this.stalled) return "stalled";
    if (this.speaking || now - this.spokeAt < HOLD_S) return "speaking";
    return this.#seen || now - this.#seenAt > UNSEEN_S ? "no-speech" : "connecting";
  }

  /**
   * The result at a moment: null for silence, `{label: null}` for speech without a result.
   * @param {number} moment
   * @param {number} now
   * @returns {Slice | {label: null} | null}
   */
  at(moment, now) {
    const segment = this.segments.findLast((each) => each.start <= moment && moment <= (each.end ?? now));
    if (!segment) return null;
    return segment.slices.find((each) => moment <= each.to) ?? segment.slices.at(-1) ?? { label: null };
  }

  /**
   * @param {SpeechStarted} event
   * @param {number} now
   */
  #speechStarted(event, now) {
    this.#observe(event.start_s, now);
    this.speaking = true;
    this.#segment(event, now);
  }

  /**
   * @param {SpeechEnded} event
   * @param {number} now
   */
  #speechEnded(event, now) {
    this.#observe(event.end_s, now);
    this.speaking = false;
    const segment = this.#segment(event, now);
    segment.end = this.spokeAt = this.#clock.pageTime(event.end_s, now);
    if (!event.classified) segment.slices = [];
  }

  /**
   * @param {EmotionResult} event
   * @param {number} now
   */
  #emotion(event, now) {
    this.#observe(event.end_s, now);
    this.updates += 1;
    if (event.final) this.finals += 1;
    const { label, probabilities, confidence, final } = event;
    const judged = { label, probabilities, voiceKnown: event.voice_known, final };
    const segment = this.#segment(event, now);
    const to = this.#clock.pageTime(event.end_s, now);
    const from = final ? segment.start : (segment.slices.at(-1)?.to ?? segment.start);
    // The final result covers the whole segment and replaces the provisional ones.
    segment.slices = [...(final ? [] : segment.slices), { ...judged, from, to }];
    if (!final) this.spokeAt = Math.max(this.spokeAt, to);
    this.latest = { ...judged, confidence, at: to };
  }

  /**
   * The segment of an event, which begins with its first event.
   * @param {SpeechStarted | SpeechEnded | EmotionResult} event
   * @param {number} now
   */
  #segment(event, now) {
    const key = `${event.stream}/${event.segment}`;
    const known = this.#segments.get(key);
    if (known) return known;
    /** @type {Segment} */
    const segment = { start: this.#clock.pageTime(event.start_s, now), end: null, slices: [] };
    this.#segments.set(key, segment);
    return segment;
  }

  /**
   * Sound arrived that ended at `seconds` of the stream.
   * @param {number} seconds
   * @param {number} now
   */
  #observe(seconds, now) {
    this.#clock.observe(seconds, now);
    this.stalled = false;
    this.fault = null;
  }

  /** @param {number} now */
  #prune(now) {
    for (const [key, segment] of this.#segments) {
      if (segment.end !== null && segment.end < now - HISTORY_S) this.#segments.delete(key);
    }
  }

  /** @param {string} stream */
  #restart(stream) {
    for (const segment of this.#segments.values()) segment.end ??= segment.slices.at(-1)?.to ?? segment.start;
    this.stream = stream;
    this.#clock.reset();
    this.speaking = this.stalled = false;
  }

  #stall() {
    this.stalled = true;
    this.speaking = false;
  }

  /** Audio arrives again after a pause, perhaps with another delay. */
  #resume() {
    this.stalled = false;
    this.#clock.reset();
  }

  #forget() {
    this.#segments.clear();
    this.latest = null;
    this.spokeAt = -Infinity;
  }
}
