// Shows, before anybody joins, whether the server records voices.

const PATIENCE_MS = 8000;
const AGAIN_MS = 3000;
const ASKING = "This page does not know yet whether the server records voices. It keeps asking the server.";
const RECORDED = "The server records the voices of the people who are analysed. It does not store any results.";
const NOT_RECORDED = "The server does not store anything.";

/**
 * Ask the server until it responds, and show its answer in all `places`.
 * @param {NodeListOf<Element>} places
 */
export async function showServerNotice(places) {
  show(places, ASKING);
  for (;;) {
    try {
      show(places, (await isRecorded()) ? RECORDED : NOT_RECORDED);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** @returns {Promise<boolean>} */
async function isRecorded() {
  const url = new URL("notice", document.baseURI);
  const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  const { recorded } = await response.json();
  if (typeof recorded !== "boolean") throw new Error(`The server answered ${response.status}.`);
  return recorded;
}

/**
 * @param {NodeListOf<Element>} places
 * @param {string} text
 */
function show(places, text) {
  for (const place of places) place.textContent = text;
}
