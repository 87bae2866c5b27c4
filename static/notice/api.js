// Asking the server of the notice: who is there, and what they answer.

const PATIENCE_MS = 8000;
const UNREACHABLE = "The server did not answer";

/** `status` is HTTP's, 0 where nobody answered; the message is the server's, for people. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** {state, text, consent, participants: [{participant, name, analysed}]}; throws `Refused`. */
export const participants = () => ask("notice/participants", { cache: "no-store" });

/** {participant, analysed, secret}; throws `Refused`. */
export const answer = (body) =>
  ask("notice/answer", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function ask(path, options) {
  let response;
  let body;
  try {
    response = await fetch(new URL(path, document.baseURI), { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
    body = await response.json();
  } catch {
    // What is no JSON is not from our server, but from something before it.
    throw new Refused(0, UNREACHABLE);
  }
  if (!response.ok) throw new Refused(response.status, body.error?.message ?? `${UNREACHABLE} as it should (${response.status})`);
  return body;
}
