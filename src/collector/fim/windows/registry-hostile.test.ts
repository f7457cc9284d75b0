import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UNHEARD_MS } from './registry-baseline.ts';
import type { OpenRegistryKey } from './registry-keys.ts';
import { RegistryState, loadRegistryState } from './registry-state.ts';
import { DoubledRegistry } from './testing/doubled-registry.ts';
import { look, rule, RUN, run, separateBaselines, stateFile } from './testing/registry-runs.ts';

/* A user writes to keys of their own that a rule covers; the agent is SYSTEM, and others' keys are to be watched all the same. */

const ANNA = 'HKU\\S-1-5-21-1';
const OWN = `${ANNA}\\SOFTWARE\\Run`;
const BEN = 'HKU\\S-1-5-21-2\\SOFTWARE\\Run';
const RULES = [rule('user', 'HKCU\\SOFTWARE\\Run'), rule('machine', RUN)];
const TOO_MUCH = 'it covers more keys and values than are compared: name less';

separateBaselines();

/** Names of 16,000 characters. */
function fillWithNames(registry: DoubledRegistry, keys: readonly string[]): void {
  for (const key of keys)
    for (let at = 0; at < 40; at += 1)
      registry.set(`${OWN}\\${key}`, `${String(at).padStart(3, '0')}${'n'.repeat(16_000)}`, '');
}

function fillWithValues(registry: DoubledRegistry): void {
  for (let at = 0; at < 10_001; at += 1) registry.set(`${OWN}\\Fill`, `v${String(at)}`, Buffer.alloc(0));
}

describe('registry values of a user who fills keys of their own', () => {
  it('R206 are bounded by what they take of the memory before they are told, and none is told twice', async () => {
    const registry = new DoubledRegistry().set(OWN, 'a', 'x');
    await look(registry, RULES);
    fillWithNames(registry, ['A', 'B', 'C', 'D']);
    const { watch, baseline, events, pass, policy } = run(registry);
    policy.registry = false;
    await watch(RULES);
    expect(events.length).toBeGreaterThan(0);
    expect(events.length * 16_003).toBeLessThan(1024 * 1024);
    expect([baseline.trouble('user'), baseline.trouble('machine')]).toEqual([TOO_MUCH, undefined]);
    events.length = 0;
    await pass(UNHEARD_MS);
    expect([events, baseline.trouble('user')]).toEqual([[], TOO_MUCH]);
    await baseline.stop();
  });

  it('R206 hide no value of others, nor what is known of their own, while there are too many', async () => {
    const registry = new DoubledRegistry().set(OWN, 'a', 'x').set(OWN, 'b', 'x').set(RUN, 'a', 'x');
    registry.set(BEN, 'a', 'x');
    const { watch, baseline, told, pass, policy } = run(registry);
    policy.registry = false;
    await watch(RULES);
    fillWithValues(registry);
    await pass(UNHEARD_MS);
    expect(told().length).toBeLessThanOrEqual(10_000);
    expect(baseline.trouble('user')).toBe(TOO_MUCH);
    registry.set(RUN, 'New', 'evil').set(BEN, 'New', 'x').set(`${OWN}\\Late`, 'New', 'x').set(OWN, 'a', 'y');
    registry.deleteValue(OWN, 'b');
    await pass(UNHEARD_MS);
    expect(told().toSorted()).toEqual([
      `created ${RUN}\\New rescan`,
      `created ${BEN}\\New rescan`,
      `deleted ${OWN}\\b rescan`,
      `updated ${OWN}\\a rescan`,
    ]);
    registry.deleteKey(`${OWN}\\Fill`);
    await pass(UNHEARD_MS);
    await pass(UNHEARD_MS);
    expect(told()).toContain(`created ${OWN}\\Late\\New rescan`);
    expect(baseline.trouble('user')).toBeUndefined();
    await baseline.stop();
  });

  it('R206 hide none of others by the number of their keys', async () => {
    const registry = new DoubledRegistry().set(OWN, 'a', 'x').set(RUN, 'a', 'x').set(BEN, 'a', 'x');
    const rules = [rule('all', 'HKU'), rule('machine', RUN)];
    await look(registry, rules);
    for (let at = 0; at < 20_001; at += 1) registry.set(`${OWN}\\k${String(at)}`, '', Buffer.alloc(0));
    registry.set(BEN, 'New', 'x').set(RUN, 'New', 'x');
    const { watch, baseline, told } = run(registry);
    await watch(rules);
    expect(told().filter((line) => line.includes('New'))).toEqual([
      `created ${BEN}\\New baseline`,
      `created ${RUN}\\New baseline`,
    ]);
    expect([baseline.trouble('all'), baseline.trouble('machine')]).toEqual([TOO_MUCH, undefined]);
    await baseline.stop();
  });
});

describe('registry values of a user who hides them', () => {
  it('R206 by denying a key for a while are told when it can be read again', async () => {
    const registry = new DoubledRegistry().set(OWN, 'a', 'x');
    const { watch, baseline, told, pass, policy } = run(registry);
    policy.registry = false;
    await watch(RULES);
    registry.denied.add(OWN.toLowerCase());
    await pass(UNHEARD_MS);
    expect([told(), baseline.trouble('user')]).toEqual([
      [],
      `one key can't be read, ${OWN}: access is denied`,
    ]);
    registry.denied.clear();
    registry.set(OWN, 'Evil', 'x');
    await pass(UNHEARD_MS);
    expect(told()).toEqual([`created ${OWN}\\Evil rescan`]);
    await baseline.stop();
  });

  it('R206 by writing to the key above all the time are told where they are gone or others, with the reason', async () => {
    const registry = new DoubledRegistry()
      .set(`${ANNA}\\SOFTWARE`, 'c', '0')
      .set(OWN, 'a', 'x')
      .set(OWN, 'b', 'x');
    registry.set(`${OWN}\\Key`, 'a', 'x');
    const rules = [rule('user', 'HKCU\\SOFTWARE')];
    const { watch, baseline, told, pass, policy } = run(registry);
    policy.registry = false;
    await watch(rules);
    let count = 0;
    registry.meanwhile = (key) => {
      if (key === OWN) registry.set(OWN, 'noise', String((count += 1)));
    };
    registry.deleteValue(OWN, 'a');
    registry.deleteKey(`${OWN}\\Key`);
    registry.link(`${OWN}\\Key`, `${ANNA}\\SOFTWARE`);
    await pass(UNHEARD_MS);
    expect(told()).toEqual(
      expect.arrayContaining([`deleted ${OWN}\\a rescan`, `deleted ${OWN}\\Key\\a rescan`]),
    );
    expect(baseline.trouble('user')).toBe(`one key changes all the time, ${OWN}`);
    await baseline.stop();
  });

  it('R206 behind a link that took the place of a key are not what that leads to', async () => {
    const registry = new DoubledRegistry().set(`${OWN}\\Key\\Below`, 'a', 'x').set(`${OWN}\\Shut`, 'a', 'x');
    registry.set('HKLM\\SECRET\\Below', 'a', 'y');
    await look(registry, RULES);
    registry.deleteKey(`${OWN}\\Key`);
    registry.link(`${OWN}\\Key`, 'HKLM\\SECRET').denied.add(OWN.toLowerCase());
    expect(await look(registry, RULES)).toEqual([`deleted ${OWN}\\Key\\Below\\a baseline`]);
  });
});

describe('registry values that change while many are told', () => {
  it('R208 are told once where the log tells of one between two batches', async () => {
    const registry = new DoubledRegistry();
    for (let at = 0; at < 300; at += 1) registry.set(RUN, `v${String(at)}`, 'a');
    let isHeard = false;
    const one = run(registry, {
      breathe: () => {
        if (isHeard || one.events.length < 200) return Promise.resolve();
        isHeard = true;
        registry.set(RUN, 'v299', 'c');
        one.baseline.heard([{ key: RUN, value: 'v299' }]);
        return Promise.resolve();
      },
    });
    one.policy.registry = false;
    await one.watch([rule('machine', RUN)]);
    for (let at = 0; at < 300; at += 1) registry.set(RUN, `v${String(at)}`, 'b');
    await one.pass(UNHEARD_MS);
    expect(isHeard).toBe(true);
    expect(one.told().filter((line) => line.includes('v299'))).toEqual([]);
    await one.pass(UNHEARD_MS);
    expect(one.told()).toEqual([]);
    await one.baseline.stop();
  });

  it('R208 are read once for all records of one reading of the log, and with pauses', async () => {
    const registry = new DoubledRegistry().set(OWN, 'v', Buffer.alloc(1024 * 1024)).set(OWN, 'w', 'x');
    let [reads, pauses] = [0, 0];
    const counted: OpenRegistryKey = (key, follow) => {
      if (key === OWN) reads += 1;
      return registry.open(key, follow);
    };
    const { watch, baseline, pass } = run(registry, {
      registry: () => counted,
      breathe: () => Promise.resolve(void (pauses += 1)),
    });
    await watch(RULES);
    [reads, pauses] = [0, 0];
    baseline.heard(Array.from({ length: 1_000 }, (_, at) => ({ key: OWN, value: at % 2 === 0 ? 'v' : 'W' })));
    expect([reads, pauses]).toEqual([1, 1]);
    await pass(0);
    expect(reads).toBe(2);
    await baseline.stop();
  });

  it('R207 are kept within five minutes, however often there are more', async () => {
    const registry = new DoubledRegistry().set(RUN, 'v', '0');
    const { watch, baseline, pass } = run(registry);
    await watch([rule('machine', RUN)]);
    for (let at = 1; at <= 11; at += 1) {
      registry.set(RUN, 'v', String(at));
      baseline.heard([{ key: RUN, value: 'v' }]);
      await pass(25_000);
    }
    expect(statSync(stateFile()).size).toBeGreaterThan(0);
    await baseline.stop();
  });

  it('R208 are not looked at once more while a look is under way', async () => {
    const registry = new DoubledRegistry().set(RUN, 'v', '0');
    let looks = 0;
    const counted: OpenRegistryKey = (key, follow) => {
      if (key === 'HKU') looks += 1;
      return registry.open(key, follow);
    };
    let goOn: (() => void) | undefined;
    const { watch, baseline, pass, policy } = run(registry, {
      registry: () => counted,
      breathe: () => (looks === 2 ? new Promise((resolve) => (goOn = resolve)) : Promise.resolve()),
    });
    policy.registry = false;
    await watch([rule('machine', RUN)]);
    await pass(UNHEARD_MS);
    await pass(UNHEARD_MS);
    await pass(UNHEARD_MS);
    expect(looks).toBe(2);
    looks = 3;
    goOn?.();
    await pass(0);
    expect(looks).toBe(3);
    await baseline.stop();
  });
});

describe('the file of registry values', () => {
  it('R207 can always be read back, whatever the names are made of', () => {
    const folder = mkdtempSync(join(tmpdir(), 'wf-registry-state-'));
    const path = join(folder, 'state.json');
    const state = new RegistryState();
    const name = (at: number): string => `${String(at)}${'\u0001'.repeat(16_000)}`;
    const kept = { kind: 4_294_967_295, size: 4_294_967_295, sha256: '0'.repeat(64), isSecret: false };
    for (let hive = 0; hive < 6; hive += 1)
      for (let at = 0; at < 60; at += 1)
        state.put({ key: `HKU\\S-${String(hive)}`, value: name(at), state: kept });
    for (let at = 0; at < 60; at += 1) state.put({ key: 'HKLM\\SOFTWARE', value: name(at), state: kept });
    expect(state.put({ key: `HKLM\\${'k'.repeat(40_000)}`, value: '', state: kept })).toBe(false);
    state.unread = Array.from({ length: 1_000 }, (_, at) => `hku\\s-1\\${name(at)}`);
    state.established = [`rule|hku\\${'\u0001'.repeat(30_000)}`, `rule|${'k'.repeat(40_001)}`, 'rule|hklm'];
    state.save(path);
    expect(statSync(path).size).toBeLessThan(24 * 1024 * 1024);
    const warnings: string[] = [];
    const loaded = loadRegistryState(path, (message) => warnings.push(message));
    expect(warnings).toEqual([]);
    expect([...loaded.rows()]).toEqual([...state.rows()]);
    expect([...loaded.unread]).toEqual([...state.unread]);
    expect([...loaded.established]).toEqual([`rule|hku\\${'\u0001'.repeat(30_000)}`, 'rule|hklm']);
    rmSync(folder, { recursive: true });
  });
});
