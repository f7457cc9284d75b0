import { describe, expect, it } from 'vitest';
import { BusReader, MATCH_RULES, type MethodCall } from './bus-reader.ts';
import { settled } from './testing/fake-time.ts';

const BUS = 'org.freedesktop.DBus';
const LOGIND = 'org.freedesktop.login1';
const NM = 'org.freedesktop.NetworkManager';

/** A bus with these owners of names, on which NetworkManager says this of metering. */
class FakeBus {
  readonly owners = new Map([
    [LOGIND, ':1.5'],
    [NM, ':1.7'],
  ]);
  metered: unknown = 4;
  readonly calls: MethodCall[] = [];

  readonly invoke = (call: MethodCall): Promise<unknown> => {
    this.calls.push(call);
    if (call.member === 'Get') return Promise.resolve(this.metered);
    const owner = this.owners.get(call.body[0] ?? '');
    const none = Object.assign(new Error('no owner'), { dbusName: `${BUS}.Error.NameHasNoOwner` });
    return owner === undefined ? Promise.reject(none) : Promise.resolve(owner);
  };
}

interface Rig {
  readonly bus: FakeBus;
  readonly reader: BusReader;
  readonly told: unknown[];
}

function rig(): Rig {
  const bus = new FakeBus();
  const told: unknown[] = [];
  const reader = new BusReader(bus.invoke, {
    suspending: () => told.push('suspending'),
    woke: () => told.push('woke'),
    metered: (metered) => told.push(['metered', metered]),
    logind: (present) => told.push(['logind', present]),
  });
  return { bus, reader, told };
}

async function begun(): Promise<Rig> {
  const all = rig();
  await all.reader.begin();
  all.told.length = 0;
  return all;
}

const prepare = (before: unknown, changes: Record<string, unknown> = {}): unknown => ({
  type: 4,
  sender: ':1.5',
  path: '/org/freedesktop/login1',
  interface: 'org.freedesktop.login1.Manager',
  member: 'PrepareForSleep',
  body: [before],
  ...changes,
});
const properties = (
  changed: unknown,
  invalidated: unknown = [],
  changes: Record<string, unknown> = {},
): unknown => ({
  type: 4,
  sender: ':1.7',
  path: '/org/freedesktop/NetworkManager',
  interface: 'org.freedesktop.DBus.Properties',
  member: 'PropertiesChanged',
  body: [NM, changed, invalidated],
  ...changes,
});
const owner = (name: string, now: string, sender = BUS): unknown => ({
  type: 4,
  sender,
  path: '/org/freedesktop/DBus',
  interface: BUS,
  member: 'NameOwnerChanged',
  body: [name, '', now],
});

describe('the system bus', () => {
  it('is asked for few signals only, each of one sender', () => {
    expect(MATCH_RULES).toHaveLength(4);
    for (const rule of MATCH_RULES) expect(rule).toMatch(/^type='signal',sender='[\w.]+',.*member='\w+'/);
  });

  it('tells at the beginning whether logind is there and whether the network is metered', async () => {
    const { reader, told } = rig();
    await reader.begin();
    expect(told).toEqual([
      ['logind', true],
      ['metered', false],
    ]);
  });

  it('tells that nothing is known where neither service runs, and starts none', async () => {
    const { bus, reader, told } = rig();
    bus.owners.clear();
    await reader.begin();
    expect(told).toEqual([
      ['logind', false],
      ['metered', 'unknown'],
    ]);
    expect(bus.calls.map((call) => call.member)).toEqual(['GetNameOwner', 'GetNameOwner']);
  });

  it('fails at the beginning when the bus gives no answer', async () => {
    const { reader } = rig();
    const silent = new BusReader(() => Promise.reject(new Error('timed out')), {
      suspending: () => undefined,
      woke: () => undefined,
      metered: () => undefined,
      logind: () => undefined,
    });
    await expect(silent.begin()).rejects.toThrow('timed out');
    await expect(reader.begin()).resolves.toBeUndefined();
  });

  it('announces sleep and waking', async () => {
    const { reader, told } = await begun();
    reader.receive(prepare(true));
    reader.receive(prepare(false));
    expect(told).toEqual(['suspending', 'woke']);
  });

  it.each([
    ['another sender', prepare(true, { sender: ':1.66' })],
    ['the name instead of its owner', prepare(true, { sender: LOGIND })],
    ['another object', prepare(true, { path: '/org/freedesktop/login2' })],
    ['another interface', prepare(true, { interface: 'org.freedesktop.login1.Session' })],
    ['a method call', prepare(true, { type: 1 })],
    ['a body that is none', prepare('yes')],
    ['an empty body', prepare(true, { body: [] })],
    ['nothing', undefined],
    ['metering from another sender', properties({ Metered: 1 }, [], { sender: ':1.5' })],
    ['properties that are none', properties('Metered')],
    ['properties of another interface', properties({}, [], { body: ['x', { Metered: 1 }, []] })],
    ['a new owner that the bus did not name', owner(LOGIND, ':1.66', ':1.66')],
    ['an owner that is none', { ...(owner(LOGIND, '') as object), body: [LOGIND] }],
  ])('is not believed in a signal with %s', async (_, message) => {
    const { reader, told } = await begun();
    reader.receive(message);
    await settled();
    expect(told).toEqual([]);
    reader.receive(prepare(true));
    expect(told).toEqual(['suspending']);
  });

  it.each([
    [0, 'unknown'],
    [1, true],
    [2, false],
    [3, true],
    [4, false],
    [99, 'unknown'],
    ['1', 'unknown'],
  ])('says of metering %j that it is %s', async (value, metered) => {
    const { reader, told } = await begun();
    reader.receive(properties({ Metered: value, State: 70 }));
    expect(told).toEqual([['metered', metered]]);
  });

  it('is asked for metering when it only says that it changed, and not for anything else', async () => {
    const { bus, reader, told } = await begun();
    bus.calls.length = 0;
    bus.metered = 1;
    reader.receive(properties({ State: 70 }, ['Connectivity']));
    expect(bus.calls).toEqual([]);
    reader.receive(properties({}, ['Metered']));
    await settled();
    expect(told).toEqual([['metered', true]]);
    expect(bus.calls.map((call) => call.destination)).toEqual([':1.7']);
  });

  it('follows services that restart, and believes the old connection no longer', async () => {
    const { reader, told } = await begun();
    reader.receive(owner(LOGIND, ''));
    reader.receive(prepare(true));
    reader.receive(owner(LOGIND, ':1.9'));
    reader.receive(prepare(true));
    reader.receive(prepare(true, { sender: ':1.9' }));
    expect(told).toEqual([['logind', false], ['logind', true], 'suspending']);
  });

  it('forgets what NetworkManager said when that ends, and asks again when it is back', async () => {
    const { bus, reader, told } = await begun();
    reader.receive(owner(NM, ''));
    await settled();
    bus.metered = 1;
    reader.receive(owner(NM, ':1.11'));
    await settled();
    expect(told).toEqual([
      ['metered', 'unknown'],
      ['metered', true],
    ]);
  });

  it('drops the answer of a NetworkManager that ended while it was asked', async () => {
    const { bus, reader, told } = await begun();
    let answer: (metered: number) => void = () => undefined;
    bus.metered = new Promise((resolve) => (answer = resolve));
    reader.receive(properties({}, ['Metered']));
    reader.receive(owner(NM, ''));
    answer(1);
    await settled();
    expect(told).toEqual([['metered', 'unknown']]);
  });

  it('takes a NetworkManager that does not know the property for one that does not know', async () => {
    const { bus, told, reader } = rig();
    bus.metered = undefined;
    await reader.begin();
    expect(told).toContainEqual(['metered', 'unknown']);
  });
});
