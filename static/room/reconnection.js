// Coming back by itself, after the server's process that had the meeting ended.

/** The WebSocket's close code for it (RFC 6455 and its registry: "Service Restart"). */
export const SERVICE_RESTART = 1012;
/** About a minute in all; the first comes at once, but not from all pages at the same moment. */
const WAITS_S = [0.2, 0.5, 1, 2, 4, 8, 15, 30];
/** Refusals that a little patience helps against. */
const PASSING = ["unreachable", "restarting", "timeout", "full"];

const seconds = (count) => new Promise((resolve) => setTimeout(resolve, count * 1000));

/** What `join` gives once it succeeds, or nothing once it is not `wanted` any more; throws what is to be told. */
export async function rejoin(join, wanted) {
  let refusal = null;
  for (const wait of WAITS_S) {
    await seconds(wait * (0.5 + Math.random()));
    if (!wanted()) return null;
    try {
      return await join();
    } catch (error) {
      if (!PASSING.includes(error.code)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}
