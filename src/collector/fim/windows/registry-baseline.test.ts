import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FimEvent } from '../../../shared/host-events.ts';
import { CHAIN_START, sealEvent } from '../../../wire/event-chain.ts';
import { UNHEARD_MS } from './registry-baseline.ts';
import { RegistryRules } from './registry-events.ts';
import { MOST_VALUES } from './registry-state.ts';
import { DoubledRegistry } from './testing/doubled-registry.ts';
import { HOUR_MS, ID, look, rule, RUN, run, separateBaselines, stateFile } from './testing/registry-runs.ts';

separateBaselines();

describe('the baseline of registry values', () => {
  it('R206 R207 tells of nothing at the first look, and of what changed until the next run with its reason', async () => {
    const registry = new DoubledRegistry()
      .set(RUN, 'Same', 'a')
      .set(RUN, 'Set', 'b')
      .set(RUN, 'Gone', 'c')
      .set(`${RUN}\\Below`, '', 'd');
    expect(await look(registry, [rule('run', RUN)])).toEqual([]);
    registry.set(RUN, 'Set', 'other').set(RUN, 'New', 'x').set(`${RUN}\\Below`, '', Buffer.of(1, 2));
    registry.deleteValue(RUN, 'Gone');
    const second = run(registry);
    await second.watch([rule('run', RUN)]);
    const updated = second.events.find(({ file }) => file.path.endsWith('Set'));
    expect(updated).toMatchObject({
      event: { module: 'fim', category: ['registry'], type: ['change'], provider: 'walk' },
      rule: { id: 'run' },
      registry: { hive: 'HKLM', key: 'SOFTWARE\\Run', value: 'Set' },
      wayfarer: { before: { size: 4 }, changed: ['content', 'size'], actor: { state: 'unknown' } },
    });
    if (updated === undefined) throw new Error('no event');
    const { body } = sealEvent(updated, { id: ID, sequence: 0, hash: CHAIN_START });
    expect(FimEvent.parse(JSON.parse(body))).toEqual(JSON.parse(body));
    expect(second.told().toSorted()).toEqual([
      'created HKLM\\SOFTWARE\\Run\\New baseline',
      'deleted HKLM\\SOFTWARE\\Run\\Gone baseline',
      'updated HKLM\\SOFTWARE\\Run\\Below\\ baseline',
      'updated HKLM\\SOFTWARE\\Run\\Set baseline',
    ]);
    await second.baseline.stop();
    expect(await look(registry, [rule('run', RUN)])).toEqual([]);
    expect(registry.opened).toBe(0);
  });

  it('R208 looks again by the rescan, and every ten minutes while nothing is audited', async () => {
    const registry = new DoubledRegistry().set(RUN, 'Value', 'a');
    const { watch, told, pass, policy, baseline } = run(registry);
    await watch([rule('run', RUN)], 1);
    registry.set(RUN, 'Value', 'b');
    await pass(UNHEARD_MS);
    expect(told()).toEqual([]);
    await pass(HOUR_MS - UNHEARD_MS);
    expect(told()).toEqual(['updated HKLM\\SOFTWARE\\Run\\Value rescan']);
    policy.registry = false;
    registry.deleteValue(RUN, 'Value');
    await pass(UNHEARD_MS);
    expect(told()).toEqual(['deleted HKLM\\SOFTWARE\\Run\\Value rescan']);
    await baseline.stop();
  });

  it('R208 does not tell what the log has told, before the look or while that waited for it', async () => {
    const registry = new DoubledRegistry().set(RUN, 'Early', 'a').set(RUN, 'Late', 'a').set(RUN, 'Un', 'a');
    await look(registry, [rule('run', RUN)]);
    const first = run(registry, {
      read: () => {
        first.baseline.heard([{ key: 'HKLM\\software\\RUN', value: 'LATE' }]);
        return Promise.resolve();
      },
    });
    registry.set(RUN, 'Early', 'b').set(RUN, 'Late', 'b').set(RUN, 'Un', 'b');
    const rules = new RegistryRules([rule('run', RUN)], () => ID);
    first.baseline.setRules(rules, 24);
    first.baseline.heard([{ key: RUN, value: 'Early' }]);
    await first.pass(0);
    expect(first.told()).toEqual(['updated HKLM\\SOFTWARE\\Run\\Un baseline']);
    registry.deleteValue(RUN, 'Early');
    first.baseline.heard([{ key: RUN, value: 'Early' }]);
    first.baseline.heard([{ key: 'HKLM\\SOFTWARE\\Other', value: 'Early' }]);
    await first.pass(24 * HOUR_MS);
    expect(first.told()).toEqual([]);
    await first.baseline.stop();
  });

  it('a value that the log told of and that changes unheard afterwards is told', async () => {
    const registry = new DoubledRegistry().set(RUN, 'Value', 'a');
    const { watch, baseline, pass, told } = run(registry);
    await watch([rule('run', RUN)], 1);
    registry.set(RUN, 'Value', 'b');
    baseline.heard([{ key: RUN, value: 'Value' }]);
    registry.set(RUN, 'Value', 'c');
    await pass(HOUR_MS);
    expect(told()).toEqual(['updated HKLM\\SOFTWARE\\Run\\Value rescan']);
    await baseline.stop();
  });

  it('R206 a rule that is new or covers more tells nothing of what was there before it', async () => {
    const registry = new DoubledRegistry().set(RUN, 'Value', 'a').set('HKLM\\SOFTWARE\\More', 'Value', 'a');
    await look(registry, [rule('run', RUN)]);
    registry.set(RUN, 'New', 'x').set('HKLM\\SOFTWARE\\More', 'New', 'x');
    const both = [rule('run', RUN), rule('all', 'HKEY_LOCAL_MACHINE\\software')];
    expect(await look(registry, both)).toEqual(['created HKLM\\SOFTWARE\\Run\\New baseline']);
    registry.set('HKLM\\SOFTWARE\\More', 'Newer', 'x');
    expect(await look(registry, both)).toEqual(['created HKLM\\software\\More\\Newer baseline']);
    const fewer = [rule('run', RUN, { include: ['val*'] })];
    registry.deleteValue('HKLM\\SOFTWARE\\More', 'New');
    registry.deleteValue(RUN, 'New');
    registry.deleteValue(RUN, 'Value');
    expect(await look(registry, fewer)).toEqual(['deleted HKLM\\SOFTWARE\\Run\\Value baseline']);
  });

  it.each([
    ['recursive: false', { recursive: false }, ['Run\\New', 'Run\\Other']],
    ['depth: 1', { depth: 1 }, ['Run\\A\\New', 'Run\\New', 'Run\\Other']],
    ['include', { include: ['ne?'] }, ['Run\\A\\B\\New', 'Run\\A\\New', 'Run\\New']],
    ['exclude', { exclude: ['A'] }, ['Run\\New', 'Run\\Other']],
    ['events', { events: ['delete'] }, []],
    ['a value as its path', { path: `${RUN}\\other` }, ['Run\\Other']],
  ])('R206 follows a rule by %s', async (_how, params, expected) => {
    const registry = new DoubledRegistry().set(`${RUN}\\A\\B`, 'x', 'x');
    const rules = [rule('run', RUN, params)];
    await look(registry, rules);
    for (const key of [RUN, `${RUN}\\A`, `${RUN}\\A\\B`]) registry.set(key, 'New', 'x');
    registry.set(RUN, 'Other', 'x');
    const told = await look(registry, rules);
    expect(told.toSorted()).toEqual(expected.map((path) => `created HKLM\\SOFTWARE\\${path} baseline`));
  });
});

describe('what a look can not read', () => {
  it('R206 is named with its rule; what was known below it is not gone, and what comes to be seen is not new', async () => {
    const registry = new DoubledRegistry().set(`${RUN}\\Shut\\Below`, 'v', 'a').set(`${RUN}\\Dark`, 'v', 'a');
    registry.denied.add(`${RUN}\\Dark`.toLowerCase());
    const rules = [rule('run', RUN), rule('other', 'HKLM\\SOFTWARE\\Other')];
    await look(registry, rules);
    registry.denied.add(`${RUN}\\Shut`.toLowerCase());
    const second = run(registry);
    await second.watch(rules);
    expect(second.told()).toEqual([]);
    expect(second.baseline.trouble('run')).toBe(
      "2 keys can't be read, one of them HKLM\\SOFTWARE\\Run\\Shut: access is denied",
    );
    expect(second.baseline.trouble('other')).toBeUndefined();
    await second.baseline.stop();
    registry.denied.clear();
    registry.set(`${RUN}\\Shut\\Below`, 'v', 'b');
    expect(await look(registry, rules)).toEqual(['updated HKLM\\SOFTWARE\\Run\\Shut\\Below\\v baseline']);
    registry.set(`${RUN}\\Dark`, 'n', 'x');
    expect(await look(registry, rules)).toEqual(['created HKLM\\SOFTWARE\\Run\\Dark\\n baseline']);
  });

  it('R206 keys whose name holds a null are named, since the calls would open another one', async () => {
    const registry = new DoubledRegistry().set(`${RUN}\\a\0b`, 'v', 'a').set(`${RUN}\\a`, 'v', 'a');
    const { watch, baseline } = run(registry);
    await watch([rule('run', RUN)]);
    expect(baseline.trouble('run')).toBe(
      "one key can't be read, HKLM\\SOFTWARE\\Run\\a%00b: its name holds a null character",
    );
    await baseline.stop();
  });

  it('R206 too many values are said to be too many; those that are known are compared all the same', async () => {
    const registry = new DoubledRegistry().set(RUN, 'First', 'a');
    for (let at = 0; at < MOST_VALUES; at += 1) registry.set('HKLM\\SOFTWARE\\Many', `v${String(at)}`, '');
    const rules = [rule('run', RUN), rule('many', 'HKLM\\SOFTWARE\\Many')];
    const first = run(registry);
    await first.watch(rules);
    expect([first.baseline.trouble('run'), first.baseline.trouble('many')]).toEqual([
      undefined,
      'it covers more keys and values than are compared: name less',
    ]);
    await first.baseline.stop();
    registry.set('HKLM\\SOFTWARE\\Many', 'v7', 'x').set(RUN, 'First', 'b');
    registry.deleteValue('HKLM\\SOFTWARE\\Many', 'v3');
    expect(await look(registry, rules)).toEqual([
      'updated HKLM\\SOFTWARE\\Run\\First baseline',
      'updated HKLM\\SOFTWARE\\Many\\v7 baseline',
      'deleted HKLM\\SOFTWARE\\Many\\v3 baseline',
    ]);
  });

  it('R206 long names are bounded by what they take of the memory', async () => {
    const registry = new DoubledRegistry();
    for (let at = 0; at < 600; at += 1)
      registry.set(RUN, `${String(at).padStart(4, '0')}${'n'.repeat(16_000)}`, '');
    const { watch, baseline } = run(registry);
    await watch([rule('run', RUN)]);
    expect(baseline.trouble('run')).toMatch(/^it covers more/);
    await baseline.stop();
  });

  it('a key that changes while it is read is read anew, so that no value is passed over', async () => {
    const registry = new DoubledRegistry().set(RUN, 'A', 'a').set(RUN, 'B', 'b').set(RUN, 'C', 'c');
    const rules = [rule('run', RUN)];
    await look(registry, rules);
    let isDone = false;
    registry.meanwhile = (key, index) => {
      if (isDone || key !== RUN || index !== 1) return;
      isDone = true;
      registry.deleteValue(RUN, 'A');
    };
    expect(await look(registry, rules)).toEqual(['deleted HKLM\\SOFTWARE\\Run\\A baseline']);
  });

  it('R206 is said where there is no registry to be had', async () => {
    const registry = new DoubledRegistry();
    const { baseline, watch, told } = run(registry, {
      registry: () => {
        throw new Error('no such library');
      },
    });
    await watch([rule('run', RUN)]);
    expect([baseline.unavailable, told()]).toEqual(['no such library', []]);
    await baseline.stop();
  });
});

describe('events of registry values that a look found', () => {
  it('show what the value is where a rule has that shown, of secrets not even the hash', async () => {
    const registry = new DoubledRegistry().set(RUN, 'Old', 'x');
    const rules = [rule('run', RUN, { diff: true })];
    await look(registry, rules);
    registry.set(RUN, 'Line', 'a.exe --password=hunter2').set(RUN, 'DefaultPassword', 'hunter2');
    registry
      .set(RUN, 'Many', Buffer.from('a\0b\0\0', 'utf16le'), 7)
      .set(RUN, 'Number', Buffer.of(1, 1, 0, 0), 4);
    registry.set(RUN, 'Bytes', Buffer.of(1)).set(RUN, 'Long', 'x '.repeat(40_000));
    registry.set(RUN, 'Arguments', Buffer.from('prog\0--password\0hunter2\0\0', 'utf16le'), 7);
    const { watch, events, baseline } = run(registry);
    await watch(rules);
    const shown = events.map(({ registry: value, file }) => [
      value?.value,
      value?.data?.strings,
      file.hash !== undefined,
    ]);
    expect(shown).toEqual([
      ['Line', ['a.exe --password=[redacted]'], false],
      ['DefaultPassword', undefined, false],
      ['Many', ['a', 'b'], true],
      ['Number', ['257'], true],
      ['Bytes', undefined, true],
      ['Long', undefined, true],
      ['Arguments', ['prog', '--password', '[redacted]'], false],
    ]);
    expect(JSON.stringify(events)).not.toContain('hunter2');
    expect(events.map(({ wayfarer }) => wayfarer.no_diff).filter((why) => why !== undefined)).toEqual([
      'a value that holds secrets',
      'longer than is shown',
    ]);
    await baseline.stop();
  });

  it('R207 are told again after a kill that came before they can have been durable, and not after that', async () => {
    const registry = new DoubledRegistry().set(RUN, 'Value', 'a');
    await look(registry, [rule('run', RUN)]);
    registry.set(RUN, 'Value', 'b');
    const killed = run(registry);
    await killed.watch([rule('run', RUN)]);
    expect(killed.told()).toHaveLength(1);
    const again = run(registry);
    await again.watch([rule('run', RUN)]);
    expect(again.told()).toHaveLength(1);
    await again.pass(30_000);
    expect(await look(registry, [rule('run', RUN)])).toEqual([]);
  });

  it('R207 a baseline that is damaged or can not be kept is said, and the next look only remembers', async () => {
    const registry = new DoubledRegistry().set(RUN, 'Value', 'a');
    await look(registry, [rule('run', RUN)]);
    writeFileSync(
      stateFile(),
      '{"version":1,"established":[],"unread":[],"keys":[["HKLM",[["v",1,-1,null]]]]}',
    );
    registry.set(RUN, 'Value', 'b');
    const damaged = run(registry);
    await damaged.watch([rule('run', RUN)]);
    await damaged.baseline.stop();
    expect([damaged.told(), damaged.warnings]).toEqual([
      [],
      ['the baseline of registry values of the run before is not taken: it is damaged'],
    ]);
    rmSync(stateFile());
    mkdirSync(`${stateFile()}/in the way`, { recursive: true });
    const { watch, baseline, warnings } = run(registry);
    await watch([rule('run', RUN)]);
    await baseline.stop();
    expect(warnings).toEqual([
      'the baseline of registry values of the run before is not taken: read: EISDIR',
      expect.stringMatching(/^the baseline of registry values is not kept: /),
    ]);
  });
});
