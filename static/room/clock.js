// Time on this page, in seconds.

/** Seconds since the page was opened. */
export const clock = () => performance.now() / 1000;

/**
 * @param {number} seconds
 * @returns {Promise<void>}
 */
export const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
