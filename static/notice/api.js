// Requests to the server: to list the people in the meeting, and to send an answer.

const PATIENCE_MS = 8000;
const UNREACHABLE = "The server did not answer";

/** @typedef {{participant: string, name: string, analysed: boolean}} Person */
/** @typedef {"joining" | "joined" | "reconnecting" | "left"} MeetingState  whether the bot is in the meeting */
/** @typedef {"required" | "notice"} Consent  which rule holds for people who have not answered */
/** @typedef {{state: MeetingState, consent: Consent, recorded: boolean, participants: Person[], me?: string}} Meeting */
/** @typedef {{participant: string, analysed: boolean, secret: string}} Answer  the secret is needed to change it later */
/** @typedef {{key: string, code: string}} Proof  that of the person's own link, and what the meeting shows; may be empty */

/** A request failed. `status` is that of HTTP, or 0 if there was no answer. The message is for people, the code for programs. */
export class RequestError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {string} [code]
   */
  constructor(status, message, code = "") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * The meeting as it is now, and who of them has the link with this key. Throws a `RequestError`.
 * @param {string} key
 * @returns {Promise<Meeting>}
 */
export const fetchMeeting = (key) =>
  request(`notice/participants${key && `?me=${encodeURIComponent(key)}`}`, { cache: "no-store" });

/**
 * Answer for a participant. Throws a `RequestError`.
 * @param {Answer & Proof} answer  with the secret of an earlier answer, or an empty one
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
    const { message = `The server answered with an error (${response.status})`, code } = body.error ?? {};
    throw new RequestError(response.status, message, code);
  }
  return body;
}
