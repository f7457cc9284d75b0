import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { groups } from './accounts.ts';

function* readGroups(context: ReadContext): Generator<KeyedRow> {
  for (const { name, gid, members } of groups(context)) {
    yield { key: name, row: { name, id: String(gid), members: [...members] } };
  }
}

export const groupsLinux: Reader = { source: '/etc/group', root: 'no', read: readGroups };
