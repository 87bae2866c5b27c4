// Joins again without asking the user, after the server process that hosted the room has ended.

import { sleep } from "./clock.js";
import { JoinError } from "./signalling.js";

/** The WebSocket's close code for it (RFC 6455 and its registry: "Service Restart"). */
export const SERVICE_RESTART = 1012;
/** About a minute in all. The first attempt is almost immediate, but not at the same moment on all pages. */
const DELAYS_S = [0.2, 0.5, 1, 2, 4, 8, 15, 30];
/** The codes of refusals that may be temporary. */
const TEMPORARY = ["unreachable", "restarting", "timeout", "full", "crowded"];

/**
 * Return the result of `join` when it succeeds, or null when it is no longer `wanted`. Throws the error to show.
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
