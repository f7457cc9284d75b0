import { readText } from '../files.ts';
import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';
import { accounts } from './accounts.ts';

type PasswordState = 'set' | 'locked' | 'none';

/** What the second field of shadow(5) says; the hash itself goes nowhere. */
export function passwordState(field: string): PasswordState {
  if (field === '') return 'none';
  return /^[!*]/.test(field) ? 'locked' : 'set';
}

/** States by account; `undefined` where the file may not be read. */
function shadow(context: ReadContext): Map<string, PasswordState> | undefined {
  try {
    const lines = (readText(context, '/etc/shadow') ?? '').split('\n').map((line) => line.split(':'));
    return new Map(lines.map(([name = '', field = '']) => [name, passwordState(field)]));
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

const NO_LOGIN = /\/(?:nologin|false)$/;

function* readUsers(context: ReadContext): Generator<KeyedRow> {
  const states = shadow(context);
  for (const { name, uid, gid, fullName, home, shell } of accounts(context)) {
    const state = states?.get(name) ?? null;
    const row = {
      name,
      id: String(uid),
      groupId: String(gid),
      fullName: fullName === '' ? null : fullName,
      home,
      shell: shell === '' ? '/bin/sh' : shell,
      disabled: state === 'locked' || NO_LOGIN.test(shell),
      passwordState: state,
    };
    yield { key: name, row };
  }
  if (states === undefined) throw new Unreadable('/etc/shadow: EACCES');
}

export const usersLinux: Reader = {
  source: '/etc/passwd; states of passwords, never hashes, from /etc/shadow',
  root: 'partly',
  read: readUsers,
};
