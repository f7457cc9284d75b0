import { isUtf8 } from 'node:buffer';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { createTwoFilesPatch } from 'diff';
import type { FimRule } from '../../../shared/file-integrity.ts';
import { EVENT_LIMITS } from '../../../shared/host-events.ts';
import { redact } from '../../linux/redact.ts';
import { glob } from '../glob.ts';

/** Files that hold secrets by their nature: of these no content is kept or shown, whatever a rule says. */
const SECRET_FILES = [
  'shadow',
  'shadow-',
  'gshadow',
  'gshadow-',
  'passwd.lock',
  '*.shadow',
  'opasswd',
  '*.pem',
  '*.key',
  '*.p12',
  '*.pfx',
  '*.jks',
  '*.keystore',
  '*.kdb',
  '*.kdbx',
  '*.gpg',
  '*.asc',
  '*.ppk',
  '*.keytab',
  'id_rsa*',
  'id_dsa*',
  'id_ecdsa*',
  'id_ed25519*',
  'id_*_sk',
  'ssh_host_*_key',
  '*.age',
  '*.ovpn',
  '.netrc',
  '_netrc',
  '.pgpass',
  '.my.cnf',
  '.git-credentials',
  '.npmrc',
  '.pypirc',
  '.htpasswd',
  'htpasswd',
  'credentials',
  'credentials.*',
  '*.credentials',
  'secrets',
  'secrets.*',
  '*.secret',
  '*.secrets',
  '.env',
  '.env.*',
  '*.env',
  'sasldb2',
  'krb5.keytab',
  'wpa_supplicant*.conf',
  '*.nmconnection',
  'authorized_keys.private',
  'chap-secrets',
  'pap-secrets',
  'master.key',
  'kubeconfig',
  'token',
  '*.token',
  '.vault-token',
  'cookies.sqlite',
  'logins.json',
  'key4.db',
  'SAM',
  'SECURITY',
].map((pattern) => glob(pattern.toLowerCase(), '/'));

/** Lines around a change that are shown with it. */
const CONTEXT_LINES = 3;
/** Files that differ in more lines than this are too different to be shown. */
const MOST_EDITS = 4_000;
/** Longest time that one comparison may take, ms. */
const TIME_LIMIT_MS = 50;
/** A kept text never grows beyond this, however it was compressed. */
const MOST_TEXT_BYTES = 1024 * 1024;

/** A difference to be shown, or why there is none. */
export type Shown = { readonly diff: string } | { readonly noDiff: string };

/** The rule that wants differences of this path, if one does: the one that shows most. Host text; `name` is its last part. */
export function diffRule(rules: readonly FimRule[]): FimRule | undefined {
  return rules
    .filter(({ diff }) => diff)
    .sort((a, b) => b.diffMaxKb - a.diffMaxKb)
    .at(0);
}

/** Whether content of this file is never shown: by the built-in names, or by any rule that covers it. */
export function holdsSecrets(path: string, name: string, rules: readonly FimRule[]): boolean {
  const lower = name.toLowerCase();
  if (SECRET_FILES.some((matches) => matches(lower))) return true;
  return rules.some(({ secrets }) =>
    secrets.some((pattern) => glob(pattern, '/')(/[/\\]/.test(pattern) ? path : name)),
  );
}

const BEGIN_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY/;
const END_KEY = /-----END [A-Z ]*PRIVATE KEY/;

/** The text with secrets blanked, line by line; private keys as a whole. */
function redacted(text: string): string {
  let inKey = false;
  return text
    .split('\n')
    .map((line) => {
      if (BEGIN_KEY.test(line)) inKey = true;
      const blank = inKey;
      if (END_KEY.test(line)) inKey = false;
      return blank ? '[redacted]' : redact(line);
    })
    .join('\n');
}

/** The text of a file as it is kept, compressed and without secrets; a reason where it has none. */
export function keptText(content: Buffer): Buffer | string {
  if (content.includes(0) || !isUtf8(content)) return 'not a text';
  return deflateRawSync(redacted(content.toString('utf8')), { level: 6 });
}

const textOf = (kept: Uint8Array): string =>
  inflateRawSync(kept, { maxOutputLength: MOST_TEXT_BYTES }).toString('utf8');

/**
 * Which lines differ between two kept texts, as a unified diff of at most `EVENT_LIMITS.diff` characters; `name` as it stands
 * in its head. Lines whose secret differs look the same, so that there may be none.
 */
export function difference(before: Uint8Array, after: Uint8Array, name: string): Shown {
  const [old, now] = [textOf(before), textOf(after)];
  if (old === now) return { noDiff: 'what differs is redacted' };
  const patch = createTwoFilesPatch(name, name, old, now, undefined, undefined, {
    context: CONTEXT_LINES,
    maxEditLength: MOST_EDITS,
    timeout: TIME_LIMIT_MS,
  });
  if (patch === undefined) return { noDiff: 'too many lines differ' };
  return { diff: shortened(patch) };
}

const CUT = '\n[cut]\n';

/** Cut at the end of a line, so that no character is halved. */
function shortened(patch: string): string {
  if (patch.length <= EVENT_LIMITS.diff) return patch;
  const room = patch.slice(0, EVENT_LIMITS.diff - CUT.length);
  const end = room.lastIndexOf('\n');
  return (end > 0 ? room.slice(0, end) : '') + CUT;
}
