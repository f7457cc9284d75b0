import { harmless } from './harmless.ts';

/** Every command that answers something has it: what it prints is one JSON object then. */
export interface JsonOption {
  readonly json?: boolean;
}

/** Prints an answer: as one JSON object for programs, else as lines that can't steer a terminal. */
export function print({ json }: JsonOption, value: object, lines: () => readonly string[]): void {
  process.stdout.write(
    json === true ? `${JSON.stringify(value, null, 2)}\n` : `${lines().map(harmless).join('\n')}\n`,
  );
}
