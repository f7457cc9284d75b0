import { describe, expect, it } from 'vitest';
import { edrEvent, fimEvent } from '../../../../test/support/sealed-events.ts';
import { EdrEvent, EVENT_LIMITS, FimEvent, type EventProcess } from '../../../shared/host-events.ts';
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

  it('R201 still says which process or file where the rest can not be told', () => {
    const dropped = edrEvent({
      file: { path: '/dev/shm/x', mtime: '+012000-01-01T00:00:00.000Z' },
      wayfarer: { severity: 'high', item: 'ELF' },
    });
    expect(sealed(dropped)).toMatchObject({
      file: { path: '/dev/shm/x' },
      process: { pid: 815 },
      wayfarer: { severity: 'high', reason: expect.stringContaining('file.mtime') as string },
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

describe('the bound of the length of an event', () => {
  it('leaves alone what is within it', () => {
    const event = edrRecord({ id: ID, at: 0, action: 'process_started', provider: 'x', severity: 'low' });
    expect(acceptable(event)).toBe(event);
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
    expect(brief).not.toHaveProperty('registry.data');
  });
});
