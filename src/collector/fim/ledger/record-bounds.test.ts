import { describe, expect, it } from 'vitest';
import { ALICE, edrEvent, fimEvent } from '../../../../test/support/sealed-events.ts';
import {
  EdrEvent,
  EVENT_LIMITS,
  FimEvent,
  type EventActor,
  type EventProcess,
} from '../../../shared/host-events.ts';
import { CHAIN_START, sealEvent } from '../../../wire/event-chain.ts';
import { edrRecord } from '../../edr/record.ts';
import { ruleWith } from '../testing/fim-rules.ts';
import { RegistryRules } from '../windows/registry-events.ts';
import { acceptable } from './record-bounds.ts';

/** The record as it leaves, which the platform's schema has to take. */
function sealed(record: Parameters<typeof acceptable>[0]): FimEvent | EdrEvent {
  const head = { id: '11111111-1111-4111-8111-111111111111', sequence: 2 ** 40, hash: CHAIN_START };
  const { body } = sealEvent(acceptable(record), head);
  expect(Buffer.byteLength(body, 'utf8')).toBeLessThanOrEqual(EVENT_LIMITS.bytes);
  const schema = record.event.module === 'fim' ? FimEvent : EdrEvent;
  return schema.parse(JSON.parse(body));
}

describe('a record on its way into the chain', () => {
  it('stays as it is while the platform will take it', () => {
    for (const record of [fimEvent(), edrEvent()]) expect(acceptable(record)).toBe(record);
  });

  it.each([
    ['a size beyond what JSON can say exactly', fimEvent({ size: 2 ** 60 }), 'file.size'],
    ['a time in the year 12000', fimEvent({ mtime: '+012000-01-01T00:00:00.000Z' }), 'file.mtime'],
    ['no number of bytes', fimEvent({ size: NaN }), 'file.size'],
    [
      'a state before it that can not be',
      fimEvent({ wayfarer: { before: { type: 'file', size: -1 } } }),
      'before.size',
    ],
  ])('R200 still says what changed and who did it where it has %s', (_what, record, field) => {
    const { file, wayfarer, event } = sealed(record) as FimEvent;
    expect(file).toEqual({
      path: '/etc/hosts',
      type: 'file',
      unhashed: expect.stringContaining(field) as string,
    });
    expect([event.action, wayfarer.changed, wayfarer.actor]).toEqual([
      'updated',
      record.wayfarer.changed,
      record.wayfarer.actor,
    ]);
  });

  it('R200 still says what changed where who did it can not be told', () => {
    const process = { pid: 7, command_line: 'x'.repeat(8_193) };
    const { file, wayfarer } = sealed(
      fimEvent({ wayfarer: { actor: { state: 'known', process } } }),
    ) as FimEvent;
    expect(file.path).toBe('/etc/hosts');
    expect(wayfarer.actor).toMatchObject({
      state: 'unknown',
      reason: expect.stringContaining('command_line') as string,
    });
  });

  it('is cut where it is longer than an event may be, whatever of it is long', () => {
    const long = Array.from(
      { length: 8 },
      () => ({ state: 'known', process: { pid: 1, executable: 'ü'.repeat(16_384) } }) as const,
    );
    const { wayfarer } = sealed(
      fimEvent({ path: `/${'x'.repeat(20_000)}`, wayfarer: { other_actors: long } }),
    ) as FimEvent;
    expect(wayfarer.other_actors).toBeUndefined();
  });

  it('R200 has what it is about in whole characters, wherever a path or a name of it was cut', () => {
    const path = `/${'😀'.repeat(17_000)}`;
    expect((sealed(fimEvent({ path })) as FimEvent).file.path).toBe(path.slice(0, 16_383));
    const user = { id: 'S-1', name: 'C:\\ud83d 😀 and half: \ud83d' };
    expect((sealed(edrEvent({ user })) as EdrEvent).user?.name).toBe('C:\\ud83d 😀 and half: \ufffd');
  });

  it('R201 still says which process or file where the rest can not be told', () => {
    const dropped = edrEvent({
      file: { path: '/dev/shm/x', mtime: '+012000-01-01T00:00:00.000Z' },
      wayfarer: { severity: 'high', item: 'ELF', lost: 3 },
    });
    const { event, rule, process, file, wayfarer } = sealed(dropped) as EdrEvent;
    expect({ action: event.action, rule, process, file }).toEqual({
      action: 'process_started',
      rule: dropped.rule,
      process: { pid: 815 },
      file: { path: '/dev/shm/x' },
    });
    expect(wayfarer).toMatchObject({
      severity: 'high',
      lost: 3,
      reason: expect.stringContaining('file.mtime') as string,
    });
  });

  it.each([
    ['of a user alone', { user: { id: 'x'.repeat(185) } }],
    ['of a file alone', { file: { path: `/${'x'.repeat(20_000)}` } }],
  ] as const)(
    'R201 names no process, file or rule in brief that it did not name at length: %s',
    (_what, odd) => {
      const { '@timestamp': at, event, wayfarer } = edrEvent();
      const whole = acceptable({ '@timestamp': at, event, wayfarer, ...odd });
      const path = 'x'.repeat(16_383);
      expect(whole).toStrictEqual({
        '@timestamp': at,
        event,
        ...('file' in odd && { file: { path: `/${path}` } }),
        wayfarer: { severity: 'low', reason: expect.stringContaining('out of bounds') as string },
      });
    },
  );

  it('R200 tells of a file in brief without a type where it had none', () => {
    const { type: _type, ...file } = fimEvent({ size: -1 }).file;
    expect(acceptable({ ...fimEvent(), file }).file).toStrictEqual({
      path: '/etc/hosts',
      unhashed: 'left out, since it is out of bounds: file.size',
    });
  });
});

const ID = '00000000-0000-4000-8000-000000000001';
const LONG = 'C:\\' + '漢'.repeat(16_000);
const process: EventProcess = {
  pid: 7,
  executable: LONG,
  command_line: '漢'.repeat(8_000),
  parent: { pid: 1, executable: LONG },
};
const bytes = (event: unknown): number => Buffer.byteLength(JSON.stringify(event), 'utf8');

const MOST_BYTES = EVENT_LIMITS.bytes - 2_048;
/** Somebody with a path of 15,000 bytes and a command line of 24,000. */
const someone = (pid: number): EventActor => ({
  state: 'known',
  process: { pid, executable: '漢'.repeat(5_000), command_line: '漢'.repeat(8_000) },
});
const NOBODY: EventActor = { state: 'unknown', reason: 'gone' };

/** A change whose shown content makes it as long as this, in bytes. */
function changeOf(length: number): ReturnType<typeof fimEvent> {
  const room = length - bytes(fimEvent({ wayfarer: { diff: '' } }));
  return fimEvent({ wayfarer: { diff: '漢'.repeat(room / 3) + 'x'.repeat(room % 3) } });
}

describe('the bound of the length of an event', () => {
  it('leaves alone what is within it, to the last byte', () => {
    const started = edrRecord({ id: ID, at: 0, action: 'process_started', provider: 'x', severity: 'low' });
    for (const event of [started, changeOf(MOST_BYTES)]) expect(acceptable(event)).toBe(event);
    expect(acceptable(changeOf(MOST_BYTES + 1))).toMatchObject({ wayfarer: { no_diff: 'too long' } });
  });

  it('R208 takes shown content first, and leaves who did it as it is', () => {
    const { wayfarer } = sealed(
      fimEvent({ wayfarer: { diff: '漢'.repeat(32_000), other_actors: [someone(8)] } }),
    ) as FimEvent;
    expect(wayfarer).toMatchObject({ actor: ALICE, other_actors: [someone(8)], no_diff: 'too long' });
    expect(wayfarer).not.toHaveProperty('diff');
  });

  it('R208 then takes the command lines of others, and says of no content that it was too long', () => {
    const { wayfarer } = sealed(
      fimEvent({ wayfarer: { other_actors: [...[8, 9, 10].map(someone), NOBODY] } }),
    ) as FimEvent;
    expect(wayfarer).toMatchObject({ actor: ALICE });
    const named = [8, 9, 10].map((pid) => ({
      state: 'known',
      process: { pid, executable: '漢'.repeat(5_000) },
    }));
    expect(wayfarer.other_actors).toEqual([...named, NOBODY]);
    expect(wayfarer).not.toHaveProperty('no_diff');
  });

  it('R208 then takes the others, and says in full who did it', () => {
    const others = [1, 2, 3, 4, 5, 6, 7, 8].map(someone);
    const { wayfarer } = sealed(fimEvent({ wayfarer: { other_actors: others } })) as FimEvent;
    expect(wayfarer.actor).toEqual(ALICE);
    expect(wayfarer).not.toHaveProperty('other_actors');
  });

  it.each([
    ['when it began and how it ended', { start: '2026-01-01T00:00:00.000Z', exit_code: 137 }],
    ['nothing that was not known', {}],
  ])(
    'R208 last takes what the actor was called, and leaves its number, the end of its path, and %s',
    (_what, known) => {
      const long = { ...process, ...known, executable: `${LONG}😀` };
      const twice = {
        path: '漢'.repeat(16_000),
        wayfarer: { actor: { state: 'known', process: long } },
      } as const;
      expect((sealed(fimEvent(twice)) as FimEvent).wayfarer.actor).toStrictEqual({
        state: 'known',
        process: { pid: 7, executable: `${'漢'.repeat(1_022)}😀`, ...known },
      });
      const nameless = { pid: 7, ...known, command_line: '漢'.repeat(33_000) };
      expect((acceptable(edrEvent({ process: nameless })) as EdrEvent).process).toStrictEqual({
        pid: 7,
        ...known,
      });
    },
  );

  it('cuts the path of a program between two characters', () => {
    const long = { ...process, executable: `${LONG}${'😀'.repeat(600)}x` };
    expect(acceptable(edrEvent({ process: long }))).toHaveProperty(
      'process.executable',
      '😀'.repeat(511) + 'x',
    );
  });

  it.each([
    ['somebody', ALICE],
    ['nobody', NOBODY],
  ])('R200 tells in brief of a move by %s between two of the longest paths there can be', (_who, actor) => {
    const longest = '漢'.repeat(16_384);
    const { file, wayfarer } = sealed(
      fimEvent({ path: longest, previous_path: longest, wayfarer: { actor } }),
    ) as FimEvent;
    expect(file).toEqual({
      path: longest,
      type: 'file',
      unhashed: expect.stringContaining('length') as string,
    });
    expect(wayfarer.actor.state).toBe(actor.state);
  });

  it('R201 tells in brief of a value of the registry whose file and key are as long as can be', () => {
    const longest = '漢'.repeat(16_384);
    const { '@timestamp': at, event, wayfarer } = edrEvent();
    const set = { file: { path: longest }, registry: { hive: 'HKLM', key: longest, value: '' } };
    expect(sealed({ '@timestamp': at, event, wayfarer, ...set })).toMatchObject({
      file: { path: longest },
      wayfarer: { reason: expect.stringContaining('length') as string },
    });
  });

  it('holds for process events with the longest names', () => {
    const parts = { id: ID, at: 0, provider: 'x', severity: 'low' as const, process };
    const event = edrRecord({ ...parts, action: 'process_started' });
    expect(bytes(event)).toBeGreaterThan(EVENT_LIMITS.bytes);
    const brief = acceptable(event);
    expect(bytes(brief)).toBeLessThan(EVENT_LIMITS.bytes / 2);
    expect(brief).toMatchObject({ process: { pid: 7, executable: '漢'.repeat(1_024) } });
  });

  it('holds for values of the registry with the longest names and data', () => {
    const rule = ruleWith({ kind: 'registry', path: 'HKLM', diff: true, diffMaxKb: 64 });
    const change = {
      kind: 'registry',
      at: 0,
      key: `HKLM\\${'漢'.repeat(16_000)}`,
      value: '漢'.repeat(16_000),
      operation: 'change',
      before: '',
      after: '漢'.repeat(10_000),
      process,
    } as const;
    const event = new RegistryRules([rule], () => ID).event(change, false);
    if (event === undefined) throw new Error('no event');
    const brief = acceptable(event);
    expect(bytes(brief)).toBeLessThan(EVENT_LIMITS.bytes - 2_048);
    expect(brief).toMatchObject({ wayfarer: { no_diff: 'too long', actor: { process: { pid: 7 } } } });
    expect(brief).toHaveProperty('registry', {
      hive: 'HKLM',
      key: '漢'.repeat(4_096),
      value: '漢'.repeat(1_024),
    });
  });
});
