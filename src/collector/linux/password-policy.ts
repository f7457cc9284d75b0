import { joinKey } from '../key.ts';
import { readText } from '../files.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { namesIn } from './tolerant.ts';

/** Settings of login.defs(5) that concern passwords. */
const LOGIN_DEFS =
  /^(?:PASS_\w+|ENCRYPT_METHOD|SHA_CRYPT_\w+|YESCRYPT_COST_FACTOR|BCRYPT_\w+|LOGIN_RETRIES|LOGIN_TIMEOUT|FAILLOG_ENAB|UMASK)$/;

const FOLDER = '/etc/security';

/** Settings of a file, `name value` or `name = value`; the last of a name wins, a name alone is `yes`. */
export function settingsOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Za-z]\w*)(?:\s*=\s*|\s+|$)(.*?)\s*$/.exec(line.split('#')[0] ?? '');
    if (match?.[1] !== undefined)
      found.set(match[1], match[2] === undefined || match[2] === '' ? 'yes' : match[2]);
  }
  return found;
}

function* rowsOf(context: ReadContext, source: string, wanted?: RegExp): Generator<KeyedRow> {
  for (const [setting, value] of settingsOf(readText(context, source) ?? '')) {
    if (wanted?.test(setting) === false) continue;
    yield { key: joinKey(source, setting), row: { source, setting, value } };
  }
}

function* readPasswordPolicy(context: ReadContext): Generator<KeyedRow> {
  yield* rowsOf(context, '/etc/login.defs', LOGIN_DEFS);
  const extra = namesIn(context, `${FOLDER}/pwquality.conf.d`).filter((name) => name.endsWith('.conf'));
  const files = [
    'pwquality.conf',
    ...extra.map((name) => `pwquality.conf.d/${name}`),
    'pwhistory.conf',
    'faillock.conf',
  ];
  for (const file of files) yield* rowsOf(context, `${FOLDER}/${file}`);
}

export const passwordPolicyLinux: Reader = {
  source: '/etc/login.defs, /etc/security/{pwquality,pwhistory,faillock}.conf',
  root: 'no',
  read: readPasswordPolicy,
};
