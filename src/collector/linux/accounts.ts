import { isDirectory, listNames, readText } from '../files.ts';
import type { Place } from '../open-file.ts';

/** An account of /etc/passwd (passwd(5)). */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly fullName: string;
  readonly home: string;
  readonly shell: string;
}

/** A group of /etc/group (group(5)); members sorted. */
export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const ID = /^\d{1,10}$/;

/** Lines of a colon-separated file that have at least `count` fields. */
function records(text: string | undefined, count: number): string[][] {
  return (text ?? '')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= count && fields[0] !== '');
}

/** Local accounts, one per name: the first line wins, as it does for getpwnam(3). Throws `Unreadable`. */
export function accounts(place: Place): Account[] {
  const byName = new Map<string, Account>();
  for (const fields of records(readText(place, '/etc/passwd'), 7)) {
    const [name = '', , uid = '', gid = '', gecos = '', home = '', shell = ''] = fields;
    if (!ID.test(uid) || !ID.test(gid) || byName.has(name)) continue;
    const fullName = gecos.split(',')[0] ?? '';
    byName.set(name, { name, uid: Number(uid), gid: Number(gid), fullName, home, shell });
  }
  return [...byName.values()];
}

/** Local groups, one per name. Throws `Unreadable`. */
export function groups(place: Place): Group[] {
  const byName = new Map<string, Group>();
  for (const [name = '', , gid = '', members = ''] of records(readText(place, '/etc/group'), 4)) {
    if (!ID.test(gid) || byName.has(name)) continue;
    const list = members.split(',').filter((member) => member !== '');
    byName.set(name, { name, gid: Number(gid), members: [...new Set(list)].sort() });
  }
  return [...byName.values()];
}

/** Names by uid; an id that no account has is its own name. */
export function userNames(place: Place): (uid: number) => string {
  const names = new Map<number, string>();
  for (const account of accounts(place)) if (!names.has(account.uid)) names.set(account.uid, account.name);
  return (uid) => names.get(uid) ?? String(uid);
}

/** Names by gid; an id that no group has is its own name. */
export function groupNames(place: Place): (gid: number) => string {
  const names = new Map<number, string>();
  for (const group of groups(place)) if (!names.has(group.gid)) names.set(group.gid, group.name);
  return (gid) => names.get(gid) ?? String(gid);
}

/** A person's home directory. */
export interface Home {
  readonly user: string;
  readonly path: string;
}

/** First uid of people (login.defs(5), UID_MIN), and `nobody`. */
const FIRST_UID = 1_000;
const NOBODY = 65_534;

/** Homes taken at most; a file server with more is no laptop. */
const MAX_HOMES = 200;

/** Homes of root and of people, and what stands in /home without a local account (directory users). */
export function homes(place: Place): Home[] {
  const found = new Map<string, Home>();
  for (const { name, uid, home } of accounts(place)) {
    const person = uid === 0 || (uid >= FIRST_UID && uid !== NOBODY) || home.startsWith('/home/');
    if (person && home.startsWith('/') && home !== '/' && !home.split('/').includes('..')) {
      const path = home.replace(/\/+$/, '');
      if (!found.has(path)) found.set(path, { user: name, path });
    }
  }
  for (const name of listNames(place, '/home')) {
    const path = `/home/${name}`;
    if (!found.has(path)) found.set(path, { user: name, path });
  }
  return [...found.values()].filter(({ path }) => isDirectory(place, path)).slice(0, MAX_HOMES);
}
