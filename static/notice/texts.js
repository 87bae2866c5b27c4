// What the page of the notice says about the meeting.

/** @import { Consent, MeetingState } from "./api.js" */

/** @typedef {"info" | "warning" | "error"} Kind */

/** @type {Record<Consent, string>} */
export const RULES = {
  required: "Nobody is analysed unless they agree. To stay out, you do not have to do anything.",
  notice: "Everyone is analysed until they refuse. You can refuse here at any time.",
};

export const RECORDED = "the server records the voices of the people who are analysed. It does not store any results.";

export const GONE =
  "This link does not belong to a meeting. It is incomplete, or the meeting ended a while ago. " +
  "Nobody is analysed through this link.";

export const UNREACHABLE = "This page cannot reach the server and keeps trying. Your answer still applies.";

/** @type {Record<Exclude<MeetingState, "joined">, [string, Kind]>} */
const STATES = {
  joining: ["The bot is joining the meeting.", "info"],
  reconnecting: ["The bot lost the connection to the meeting and is reconnecting. All answers still apply.", "warning"],
  left: ["The bot has left this meeting. Nobody is analysed any more.", "warning"],
};

/**
 * The state of the meeting as text, and its severity.
 * @param {MeetingState} state
 * @param {{analysed: boolean}[]} people
 * @returns {[string, Kind]}
 */
export function describe(state, people) {
  if (state !== "joined") return STATES[state];
  const analysed = people.filter((person) => person.analysed).length;
  const all = people.length === 1 ? "1 person" : `${people.length} people`;
  return [`The bot is in the meeting. It analyses ${analysed} of ${all}.`, "info"];
}
