import { readlinkSync, statSync } from 'node:fs';
import type { OffsetAt } from '../../shared/weekly-windows.ts';

/** The clock on the wall of this host. */
export interface LocalTime {
  /** How far it is ahead of UTC at a moment, ms. Follows a change of the host's zone within a minute. */
  readonly offsetAt: OffsetAt;
}

/** Where Unix keeps its zone; a laptop that travels has another one behind it (localtime(5)). */
const LOCALTIME = '/etc/localtime';

/** How often is looked whether the zone is still the same, ms of the moments that are asked for. */
const LOOK_EVERY_MS = 60_000;

/**
 * Local time as Node computes it. Its zone is read once and kept, so a host that changes zones would keep its old windows
 * until the next start: touching `TZ` makes Node read it again (node: src/node_env_var.cc, DateTimeConfigurationChange).
 * A `TZ` that was given to the process stays what counts. `now` in ms since the epoch.
 */
export function openLocalTime(
  environment: NodeJS.ProcessEnv,
  now: () => number,
  zoneFile = LOCALTIME,
): LocalTime {
  const given = environment['TZ'] !== undefined;
  let known = zoneOf(zoneFile);
  let lookedAt = now();
  const follow = (): void => {
    if (given || Math.abs(now() - lookedAt) < LOOK_EVERY_MS) return;
    lookedAt = now();
    const found = zoneOf(zoneFile);
    if (found === known) return;
    known = found;
    environment['TZ'] = 'UTC';
    delete environment['TZ'];
  };
  return {
    offsetAt: (ms) => {
      follow();
      return 0 - new Date(ms).getTimezoneOffset() * 60_000;
    },
  };
}

/** What tells one zone from another: the name behind the link, else the file itself. */
function zoneOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return stampOf(file);
  }
}

function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs}`;
}
