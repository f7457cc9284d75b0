import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EdrEvent, FimEvent } from '../shared/host-events.ts';
import {
  chainFault,
  CHAIN_START,
  hashHolds,
  headOf,
  sealEvent,
  type ChainHead,
  type UnsealedEdrEvent,
  type UnsealedFimEvent,
} from './event-chain.ts';

const START: ChainHead = { id: '11111111-1111-4111-8111-111111111111', sequence: 0, hash: CHAIN_START };

const record = (path = '/etc/passwd'): UnsealedFimEvent => ({
  '@timestamp': '2026-11-28T01:02:03.000Z',
  event: {
    id: '22222222-2222-4222-8222-222222222222',
    kind: 'event',
    module: 'fim',
    category: ['file'],
    type: ['change'],
    action: 'updated',
    severity: 3,
    provider: 'fanotify',
  },
  rule: { id: 'etc' },
  file: { path, type: 'file', size: 12, mode: '0644' },
  wayfarer: {
    detected: 'live',
    severity: 'high',
    changed: ['content'],
    actor: {
      state: 'known',
      process: { pid: 42, executable: '/usr/bin/vi' },
      user: { id: '0', name: 'root' },
    },
  },
});

/** Seals records one after the other. */
function chainOf(records: readonly UnsealedFimEvent[]): FimEvent[] {
  let head = START;
  return records.map((one) => {
    const sealed = sealEvent(one, head);
    head = sealed.head;
    return FimEvent.parse(JSON.parse(sealed.body));
  });
}

/** Places of the first fault when a chain is read from its start. */
function firstFault(events: readonly FimEvent[]): string | undefined {
  let head = START;
  for (const [n, event] of events.entries()) {
    const fault = chainFault(event, head);
    if (fault !== undefined) return `${n} ${fault}`;
    head = headOf(event);
  }
  return undefined;
}

/** Every way to a leaf of a JSON value. */
function leaves(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

function changedAt(event: FimEvent, path: readonly (string | number)[]): FimEvent {
  const copy = structuredClone(event) as unknown as Record<string | number, unknown>;
  let at = copy;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  const key = path.at(-1) ?? '';
  at[key] = typeof at[key] === 'number' ? at[key] + 1 : `${String(at[key])}x`;
  return copy as unknown as FimEvent;
}

describe('a chain of events', () => {
  it('gives the same bytes and hash for the same record, on every machine', () => {
    const { body, head } = sealEvent(record(), START);
    expect(head).toEqual({
      id: START.id,
      sequence: 1,
      hash: '8c03e156813251b560232b2d6686c285653b82d21013045ff3189a52ae6174ad',
    });
    expect(body.startsWith('{"@timestamp":"2026-11-28T01:02:03.000Z","event":{"action":"updated"')).toBe(
      true,
    );
    const shuffled = {
      ...record(),
      file: { mode: '0644', size: 12, type: 'file' as const, path: '/etc/passwd' },
    };
    expect(sealEvent(shuffled, START).body).toBe(body);
  });

  it('holds from its first record to its last', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 20 }), (paths) => {
        const events = chainOf(paths.map((path) => record(path)));
        expect(firstFault(events)).toBeUndefined();
        expect(events.map(({ wayfarer }) => wayfarer.chain.sequence)).toEqual(paths.map((_, n) => n + 1));
      }),
    );
  });

  it('shows a change of any single field', () => {
    const [first, second] = chainOf([record(), record('/b')]);
    for (const path of leaves(second)) {
      const forged = changedAt(second!, path);
      expect([path, chainFault(forged, headOf(first!))]).not.toEqual([path, undefined]);
    }
  });

  it('shows a record that was taken out, put in, doubled or put elsewhere', () => {
    const events = chainOf(['/a', '/b', '/c', '/d'].map((path) => record(path)));
    const [a, b, c, d] = events as [FimEvent, FimEvent, FimEvent, FimEvent];
    expect(firstFault([a, c, d])).toBe('1 sequence');
    expect(firstFault([b, c, d])).toBe('0 sequence');
    expect(firstFault([a, b, b, c])).toBe('2 sequence');
    expect(firstFault([a, c, b, d])).toBe('1 sequence');
    const forged = FimEvent.parse(JSON.parse(sealEvent(record('/x'), headOf(a)).body));
    expect(firstFault([a, forged, c, d])).toBe('2 previous');
    const other = FimEvent.parse(JSON.parse(sealEvent(record('/x'), { ...START, id: a.event.id }).body));
    expect(firstFault([other])).toBe('0 chain');
  });

  it('shows a byte of a body that was changed, unless it is no event any more', () => {
    const { body } = sealEvent(record(), START);
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 32, max: 126 }), (at, code) => {
        const forged = body.slice(0, at) + String.fromCharCode(code) + body.slice(at + 1);
        if (forged === body) return;
        let event: FimEvent;
        try {
          event = FimEvent.parse(JSON.parse(forged));
        } catch {
          return;
        }
        expect(chainFault(event, START)).toBeDefined();
      }),
      { numRuns: 2_000 },
    );
  });

  it('ties process events the same way, and refuses what JSON can\u2019t say', () => {
    const event: UnsealedEdrEvent = {
      '@timestamp': '2026-11-28T01:02:03.000Z',
      event: {
        ...record().event,
        module: 'edr',
        category: ['process'],
        type: ['start'],
        action: 'process_started',
      },
      wayfarer: { severity: 'low' },
    };
    const sealed = sealEvent(event, START);
    expect(hashHolds(EdrEvent.parse(JSON.parse(sealed.body)))).toBe(true);
    expect(() => sealEvent(record('\ud800'), START)).toThrow(TypeError);
  });
});
