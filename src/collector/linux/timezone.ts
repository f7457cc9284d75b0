import { linkTarget, readValue } from '../files.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';

/** Name by localtime(5): the link into the zone database; without the link Debian's file; without both UTC. */
function* readTimezone(context: ReadContext): Generator<KeyedRow> {
  const linked = linkTarget(context, '/etc/localtime')?.split('/zoneinfo/')[1];
  yield { key: 'timezone', row: { name: linked ?? readValue(context, '/etc/timezone') ?? 'UTC' } };
}

export const timezoneLinux: Reader = {
  source: '/etc/localtime, /etc/timezone',
  root: 'no',
  read: readTimezone,
};
