// Joining again without being asked, after the server's process that had the room has ended.

import { sleep } from "./clock.js";
import { JoinError } from "./signalling.js";

/** The WebSocket's close code for it (RFC 6455 and its registry: "Service Restart"). */
export const SERVICE_RESTART = 1012;
/** About a minute in all; the first comes at once, but not from all pages at the same moment. */
const DELAYS_S = [0.2, 0.5, 1, 2, 4, 8, 15, 30];
/** The codes of refusals that may be gone a little later. */
const TEMPORARY = ["unreachable", "restarting", "timeout", "full"];

/**
 * What `join` returns once it succeeds, or null once it is not `wanted` any more. Throws the error to show.
 * @template T
 * @param {() => Promise<T>} join
 * @param {() => boolean} wanted
 * @returns {Promise<T | null>}
 */
export async function rejoin(join, wanted) {
  let refusal = null;
  for (const delay of DELAYS_S) {
    await sleep(delay * (0.5 + Math.random()));
    if (!wanted()) return null;
    try {
      return await join();
    } catch (error) {
      if (!(error instanceof JoinError) || !TEMPORARY.includes(error.code)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}
