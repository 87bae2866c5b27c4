// Requests to the server: to list the people in the meeting, and to send an answer.

const PATIENCE_MS = 8000;
const UNREACHABLE = "The server did not answer";

/** @typedef {{participant: string, name: string, analysed: boolean}} Person */
/** @typedef {"joining" | "joined" | "reconnecting" | "left"} MeetingState  whether the bot is in the meeting */
/** @typedef {"required" | "notice"} Consent  which rule holds for people who have not answered */
/** @typedef {{state: MeetingState, consent: Consent, recorded: boolean, participants: Person[]}} Meeting */
/** @typedef {{participant: string, analysed: boolean, secret: string}} Answer  the secret is needed to change it later */

/** A request failed. `status` is that of HTTP, or 0 if there was no answer. The message is for people. */
export class RequestError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * The meeting as it is now. Throws a `RequestError`.
 * @returns {Promise<Meeting>}
 */
export const fetchMeeting = () => request("notice/participants", { cache: "no-store" });

/**
 * Answer for a participant. Throws a `RequestError`.
 * @param {Answer} answer  with the secret of an earlier answer, or an empty one
 * @returns {Promise<Answer>}
 */
export const postAnswer = (answer) =>
  request("notice/answer", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(answer) });

/**
 * @param {string} path
 * @param {RequestInit} options
 */
async function request(path, options) {
  let response;
  let body;
  try {
    response = await fetch(new URL(path, document.baseURI), { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
    body = await response.json();
  } catch {
    // A response that is not JSON does not come from our server, but from a proxy in front of it.
    throw new RequestError(0, UNREACHABLE);
  }
  if (!response.ok) {
    throw new RequestError(response.status, body.error?.message ?? `The server answered with an error (${response.status})`);
  }
  return body;
}
