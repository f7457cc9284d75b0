import { readText } from '../files.ts';
import { joinKey } from '../key.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';

/** Kinds of resolv.conf(5). */
const KINDS: Readonly<Record<string, string>> = {
  nameserver: 'nameserver',
  search: 'search',
  domain: 'search',
  options: 'option',
};

/** The stub of systemd-resolved, and where it writes the servers behind it. */
const STUB = /^\s*nameserver\s+127\.0\.0\.53\s*$/m;
const BEHIND_STUB = '/run/systemd/resolve/resolv.conf';

export function resolverRows(text: string): KeyedRow[] {
  const rows = new Map<string, KeyedRow>();
  for (const line of text.split('\n')) {
    const [word = '', ...values] = (line.split(/[#;]/)[0] ?? '').trim().split(/\s+/);
    const kind = KINDS[word];
    if (kind === undefined) continue;
    for (const value of kind === 'nameserver' ? values.slice(0, 1) : values) {
      const key = joinKey(kind, value, null);
      rows.set(key, { key, row: { kind, value, interface: null } });
    }
  }
  return [...rows.values()];
}

function* readDns(context: ReadContext): Generator<KeyedRow> {
  const text = readText(context, '/etc/resolv.conf') ?? '';
  const behind = STUB.test(text) ? readText(context, BEHIND_STUB) : undefined;
  yield* resolverRows(behind ?? text);
}

export const dnsLinux: Reader = {
  source: '/etc/resolv.conf, and what stands behind the stub of systemd-resolved',
  root: 'no',
  read: readDns,
};
