import { bindCall } from '../native/libc.ts';

/** clock_gettime(2). */
const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_BOOTTIME = 7;

/** How long one clock tick of /proc/PID/stat is, ms: USER_HZ is 100 on every architecture that Node runs on (proc(5)). */
const TICK_MS = 10;

/** The clocks of a host, ms: what the kernel stamps process events with, and how that is said to people. */
export interface HostClock {
  /** CLOCK_MONOTONIC: stands still while the host sleeps. */
  readonly monotonic: () => number;
  /** Start of a process in ticks since the boot, as /proc/PID/stat has it, for a moment of CLOCK_MONOTONIC that is just past. */
  readonly ticksAt: (monotonic: number) => number;
  /** Ms since the epoch, for a moment of CLOCK_MONOTONIC that is just past. */
  readonly wallAt: (monotonic: number) => number;
  /**
   * Ms since the epoch for ticks since the boot, by the wall clock as it was when this began: the start of one process is
   * always said the same.
   */
  readonly wallOfTicks: (ticks: number) => number;
}

/** The clocks of this host. Throws off Linux. */
export function hostClock(): HostClock {
  const gettime = bindCall('clock_gettime', 'int', ['int', 'void *']);
  const time = Buffer.alloc(16);
  const read = (clock: number): number => {
    gettime(clock, time);
    return Number(time.readBigInt64LE(0)) * 1_000 + Number(time.readBigInt64LE(8)) / 1_000_000;
  };
  const bootWall = read(CLOCK_REALTIME) - read(CLOCK_BOOTTIME);
  const monotonic = (): number => read(CLOCK_MONOTONIC);
  return {
    monotonic,
    ticksAt: (at) => Math.floor((read(CLOCK_BOOTTIME) - monotonic() + at) / TICK_MS),
    wallAt: (at) => read(CLOCK_REALTIME) - monotonic() + at,
    wallOfTicks: (ticks) => Math.round(bootWall + ticks * TICK_MS),
  };
}
