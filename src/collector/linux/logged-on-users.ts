import { readBytes } from '../files.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { decodeHostText } from '../text.ts';
import { namesIn, textOf } from './tolerant.ts';

/** Layout of a record of utmp(5) on Linux with glibc: size, type, and the field of the user's name. */
const RECORD = 384;
const USER_AT = 44;
const USER_LENGTH = 32;
const USER_PROCESS = 7;

/** Names in the sessions of utmp. */
export function utmpUsers(bytes: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at + RECORD <= bytes.length; at += RECORD) {
    if (bytes.readInt16LE(at) !== USER_PROCESS) continue;
    const field = bytes.subarray(at + USER_AT, at + USER_AT + USER_LENGTH);
    const end = field.indexOf(0);
    names.push(decodeHostText(end < 0 ? field : field.subarray(0, end)));
  }
  return names.filter((name) => name !== '');
}

/** Names that logind knows with a session that is not only lingering or closing. */
function logindUsers(context: ReadContext): string[] {
  return namesIn(context, '/run/systemd/users').flatMap((uid) => {
    const text = textOf(context, `/run/systemd/users/${uid}`) ?? '';
    const name = /^NAME=(.+)$/m.exec(text)?.[1];
    return name !== undefined && /^STATE=(?:active|online)$/m.test(text) ? [name] : [];
  });
}

function* readLoggedOnUsers(context: ReadContext): Generator<KeyedRow> {
  const utmp = readBytes(context, '/run/utmp', { maxBytes: 16 * 1024 * 1024 }) ?? Buffer.alloc(0);
  const names = new Set([...utmpUsers(utmp), ...logindUsers(context)]);
  for (const user of [...names].sort()) yield { key: user, row: { user } };
}

export const loggedOnUsersLinux: Reader = {
  source: '/run/utmp, /run/systemd/users',
  root: 'no',
  read: readLoggedOnUsers,
};
