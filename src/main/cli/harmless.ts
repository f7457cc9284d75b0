/** A line for a terminal: control characters, and those that turn the direction of reading, are shown as `?`. */
export function harmless(line: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return line.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '?');
}
