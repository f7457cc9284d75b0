/** What pacing needs of a clock; times in ms. */
export interface PaceClock {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** How much of the rate one slice takes, in ms: small enough that others get their turn on a slow line. */
const SLICE_MS = 100;

/**
 * The bytes of a body in slices that leave no faster than `kbps` KB (1024 bytes) per second, measured from the start, so
 * that a late slice is made up for and the average holds (R145). The first slice leaves at once.
 */
export async function* pacedBody(
  bytes: Uint8Array,
  kbps: number,
  clock: PaceClock,
): AsyncGenerator<Uint8Array, void, undefined> {
  const bytesPerMs = (kbps * 1024) / 1000;
  const slice = Math.max(1, Math.floor(bytesPerMs * SLICE_MS));
  const startedAt = clock.now();
  for (let sent = 0; sent < bytes.length; sent += slice) {
    const wait = startedAt + sent / bytesPerMs - clock.now();
    if (wait > 0) await clock.sleep(wait);
    yield bytes.subarray(sent, sent + slice);
  }
}
