/** Pause between two looks, ms. */
const LOOK_EVERY_MS = 100;

/**
 * Polls until `attempt` gives something; a rejection counts as not yet. Rejects at the deadline with what stood in the
 * way last. Tests wait for conditions, never for a time: the machine may be busy.
 */
export async function until<T>(
  what: string,
  attempt: () => T | undefined | Promise<T | undefined>,
  deadlineMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await attempt();
      if (found !== undefined) return found;
      last = 'nothing yet';
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline)
      throw new Error(`${what}: not within ${String(deadlineMs)} ms`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
