/**
 * The exit code in the event of an end, from a status as wait(2) has it on Linux and macOS alike: what the program gave, or
 * 128 and the number of the signal that ended it, as shells say it (POSIX, "Exit Status for Commands").
 */
export function exitCode(status: number): number {
  const signal = status & 0x7f;
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
}
