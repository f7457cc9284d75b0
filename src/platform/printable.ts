/** Control characters, and the marks that turn the direction of text around. */
// eslint-disable-next-line no-control-regex -- control characters are what has to be found
const STEERING = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/**
 * Text of other machines, fit for one line of a log or a terminal: host names, activities and reasons come from whoever
 * runs an agent, and must neither begin a line of their own nor send the operator's terminal a command.
 */
export const printable = (text: string): string => text.replaceAll(STEERING, '?');

/** JSON text of other machines for a terminal: the same value, with characters that steer it written as escapes. */
export const jsonPrintable = (json: string): string =>
  json.replaceAll(STEERING, (run) =>
    Array.from(run, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  );
