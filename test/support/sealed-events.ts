import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { EventStream, FimEvent } from '../../src/shared/host-events.ts';
import {
  CHAIN_START,
  sealEvent,
  type ChainHead,
  type UnsealedEdrEvent,
  type UnsealedFimEvent,
} from '../../src/wire/event-chain.ts';
import type { PlatformClient, Reply } from './platform-client.ts';

/* Events of hosts as a sensor makes them, and payloads as an agent sends them. */

type FimChanges = Partial<FimEvent['file']> & {
  readonly at?: string;
  readonly id?: string;
  readonly action?: FimEvent['event']['action'];
  readonly severity?: 1 | 2 | 3 | 4;
  readonly rule?: string;
  readonly wayfarer?: Partial<UnsealedFimEvent['wayfarer']>;
};

export const ALICE: UnsealedFimEvent['wayfarer']['actor'] = {
  state: 'known',
  process: { pid: 4711, name: 'vim', executable: '/usr/bin/vim.basic', command_line: 'vim /etc/hosts' },
  user: { id: '0', name: 'root' },
  login_user: { id: '1000', name: 'alice' },
};

/** A change of a file, by root who had logged in as alice, unless `changes` says otherwise. */
export function fimEvent({
  at = '2026-11-20T11:59:00.000Z',
  id = randomUUID(),
  action = 'updated',
  severity = 2,
  rule = 'etc',
  wayfarer = {},
  ...file
}: FimChanges = {}): UnsealedFimEvent {
  return {
    '@timestamp': at,
    event: {
      id,
      kind: 'event',
      module: 'fim',
      category: ['file'],
      type: ['change'],
      action,
      severity,
      provider: 'fanotify',
    },
    rule: { id: rule },
    file: { path: '/etc/hosts', type: 'file', size: 7, ...file },
    wayfarer: {
      detected: 'live',
      severity: (['low', 'medium', 'high', 'critical'] as const)[severity - 1] ?? 'medium',
      changed: ['content', 'size'],
      actor: ALICE,
      ...wayfarer,
    },
  };
}

/** A process that started. */
export function edrEvent(
  changes: Partial<UnsealedEdrEvent> = {},
  id: string = randomUUID(),
): UnsealedEdrEvent {
  return {
    '@timestamp': '2026-11-20T11:59:30.000Z',
    event: {
      id,
      kind: 'event',
      module: 'edr',
      category: ['process'],
      type: ['start'],
      action: 'process_started',
      severity: 1,
      provider: 'process connector',
    },
    rule: { id: 'process-events' },
    process: {
      pid: 815,
      name: 'curl',
      executable: '/usr/bin/curl',
      command_line: 'curl https://example.org',
      parent: { pid: 1, name: 'systemd' },
    },
    user: { id: '1000', name: 'alice' },
    wayfarer: { severity: 'low' },
    ...changes,
  };
}

/** Seals events one behind the other. */
export class Chain {
  head: ChainHead = { id: randomUUID(), sequence: 0, hash: CHAIN_START };

  /** The record as canonical JSON. */
  seal(event: UnsealedFimEvent | UnsealedEdrEvent): string {
    const sealed = sealEvent(event, this.head);
    this.head = sealed.head;
    return sealed.body;
  }

  /** `count` records of changes of `/etc/file-N`. */
  files(count: number): string[] {
    return Array.from({ length: count }, () =>
      this.seal(fimEvent({ path: `/etc/file-${this.head.sequence + 1}` })),
    );
  }

  /** Passes over records that never leave the host; returns the line of the gap in their place. */
  lose(count: number, stream: EventStream = 'fim'): string {
    for (let n = 0; n < count; n += 1) this.seal(stream === 'fim' ? fimEvent() : edrEvent());
    return gapLine(count, stream);
  }
}

export const gapLine = (count: number, stream: EventStream = 'fim', id: string = randomUUID()): string =>
  JSON.stringify({
    gap: {
      id,
      stream,
      count,
      bytes: count * 1_000,
      firstAt: '2026-11-20T11:00:00.000Z',
      lastAt: '2026-11-20T11:30:00.000Z',
    },
  });

/** The body of a payload. */
export const payloadOf = (
  agent: string,
  lines: readonly string[],
  header: Readonly<Record<string, unknown>> = {},
): Buffer =>
  Buffer.from(
    [JSON.stringify({ kind: 'fim', agent, count: lines.length, ...header }), ...lines, ''].join('\n'),
  );

/** Sends lines as one payload. */
export function sendEvents(
  client: PlatformClient,
  lines: readonly string[],
  kind: EventStream = 'fim',
  header: Readonly<Record<string, unknown>> = {},
): Promise<Reply> {
  const raw = payloadOf(client.agentId, lines, { kind, ...header });
  return client.send({ kind, encoding: 'gzip', rawBytes: raw.length }, gzipSync(raw));
}

/** What a record says. */
export const recordOf = (line: string): FimEvent => JSON.parse(line) as FimEvent;
