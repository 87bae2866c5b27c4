// The events of the analysis bot, as docs/protocol.md describes them.

/** @import { Probabilities } from "./labels.js" */

/** @typedef {{version: 1, participant: string, stream: string}} Common  fields of every event */
/** @typedef {Common & {type: "joined", name: string, analysed: boolean}} Joined */
/** @typedef {Common & {type: "left", reason: string}} Left */
/** @typedef {Common & {type: "consent", analysed: boolean}} Consent */
/** @typedef {Common & {type: "speech_started", segment: number, start_s: number}} SpeechStarted */
/**
 * @typedef {Common & {
 *   type: "speech_ended", segment: number, start_s: number, end_s: number, classified: boolean,
 * }} SpeechEnded
 * @typedef {Common & {
 *   type: "emotion", segment: number, start_s: number, end_s: number, final: boolean,
 *   probabilities: Probabilities, label: string, confidence: number, voice_known?: number,
 * }} EmotionResult
 */
/** @typedef {Common & {type: "stalled", silent_s: number}} Stalled */
/** @typedef {Common & {type: "resumed"}} Resumed */
/** @typedef {Common & {type: "error", code: string, message: string}} Fault */
/** @typedef {Joined | Left | Consent | SpeechStarted | SpeechEnded | EmotionResult | Stalled | Resumed | Fault} BotEvent */

/**
 * The events in a message on the data channel. Other messages are ignored, with a warning in the console.
 * @param {string} text
 * @returns {BotEvent[]}
 */
export function parseEvents(text) {
  try {
    const { events } = JSON.parse(text);
    if (Array.isArray(events)) return events.filter((event) => event?.version === 1 && event.participant);
  } catch {
    // The warning follows.
  }
  console.warn("ser_track: a message of the analysis bot could not be read");
  return [];
}
