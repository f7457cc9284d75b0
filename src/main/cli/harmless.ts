import { STEERING } from '../host/redact.ts';

/** A line for a terminal: control characters, and those that turn the direction of reading, are shown as `?`. */
export const harmless = (line: string): string => line.replace(STEERING, '?');
