// What was thrown, for people.

/**
 * The message of an error. Anything can be thrown, so it may not be one.
 * @param {unknown} error
 */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));
