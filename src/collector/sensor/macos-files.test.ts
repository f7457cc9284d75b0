import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { process as esProcess } from '../fim/macos/testing/es-line.ts';
import {
  at,
  ETC,
  rule,
  runOnMac,
  separateMacs,
  started,
  STARTS,
  waitFor,
  written,
} from './testing/macos-sensor.ts';

const REFUSED = 'Failed to create ES client: ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED';

separateMacs();

describe('the files of macOS, through the sensor', () => {
  it('R199 R208 a change that eslogger tells of is looked at, with the actor that it names', async () => {
    const { eslogger, watch, examined, state, pass, of } = await runOnMac();
    await watch([ETC]);
    expect(of('rules')).toMatchObject([{ rules: [{ id: 'etc' }] }]);
    eslogger.say(started('/usr/bin/vim', '/etc/hosts'));
    eslogger.say(written('/private/etc/hosts'), esProcess('/usr/bin/vim', { pidversion: 1_501 }));
    eslogger.say(written('/private/tmp/other'));
    await pass(2_000);
    expect(examined()).toMatchObject([
      {
        path: '/private/etc/hosts',
        provider: 'eslogger',
        by: {
          content: {
            actor: {
              state: 'known',
              process: { pid: 612, executable: '/usr/bin/vim', command_line: '/usr/bin/vim /etc/hosts' },
              user: { id: '501', name: 'joerg' },
            },
          },
        },
      },
    ]);
    expect(state()).toMatchObject({
      fim: { actor: 'known', mounts: [{ mount: '/', method: 'eslogger' }], overflows: 0 },
      problems: [],
    });
    expect(state()?.fim?.canarySeenAt).not.toBeNull();
  });

  it('R208 messages that were dropped have the rules walked again', async () => {
    const { eslogger, watch, of, pass, state } = await runOnMac();
    await watch([ETC]);
    eslogger.drop(7);
    eslogger.say(written('/private/etc/hosts'));
    expect(of('lost')).toEqual([{ kind: 'lost', lost: { reason: 'overflow', below: [], count: 7 } }]);
    await pass(2_000);
    expect(state()).toMatchObject({ fim: { overflows: 1 }, problems: [{ code: 'FIM_OVERFLOW' }] });
  });

  it('R208 eslogger that ends is started again, and the rules are walked for what happened meanwhile', async () => {
    const { eslogger, watch, of, pass, examined, state } = await runOnMac();
    await watch([ETC]);
    eslogger.end('killed');
    expect(eslogger.listening).toHaveLength(1);
    await pass(2_500);
    expect(eslogger.listening).toHaveLength(2);
    expect(of('lost')).toEqual([{ kind: 'lost', lost: { reason: 'restart', below: [] } }]);
    eslogger.say(written('/private/etc/hosts'));
    await pass(2_000);
    expect(examined()).toMatchObject([{ path: '/private/etc/hosts', provider: 'eslogger' }]);
    expect(state()).toMatchObject({ fim: { actor: 'known' }, problems: [] });
  });

  it('R208 rules that come while eslogger is being started again are followed once it speaks', async () => {
    const { eslogger, watch, pass, examined, state } = await runOnMac();
    await watch([ETC]);
    eslogger.isSlow = true;
    eslogger.end('killed');
    await pass(3_000);
    await watch([rule('/Library/LaunchDaemons', 'daemons')]);
    eslogger.say(written('/private/tmp/first'));
    await pass(500);
    eslogger.say(written('/Library/LaunchDaemons/a.plist'));
    await pass(2_000);
    expect(examined()).toMatchObject([{ path: '/Library/LaunchDaemons/a.plist', provider: 'eslogger' }]);
    expect(eslogger.listening.filter(({ ended }) => !ended)).toHaveLength(1);
    expect(state()).toMatchObject({ fim: { actor: 'known' }, problems: [] });
  });

  it('R208 a canary of which eslogger says nothing is noticed, and has it started again', async () => {
    const { eslogger, watch, pass, silence, state, of } = await runOnMac();
    silence();
    await watch([ETC]);
    await pass(15_000);
    expect(state()?.problems).toMatchObject([{ code: 'FIM_SILENT' }]);
    await pass(75_000);
    expect(eslogger.listening.length).toBeGreaterThan(1);
    expect(of('lost').map(({ lost }) => lost.reason)).toEqual(['restart']);
  });

  it('R206 other rules count from then on, without another eslogger', async () => {
    const { eslogger, watch, examined, pass } = await runOnMac();
    await watch([ETC]);
    await watch([rule('/Library/LaunchDaemons', 'daemons')], [STARTS]);
    eslogger.say(written('/private/etc/hosts'));
    eslogger.say(written('/Library/LaunchDaemons/a.plist'));
    await pass(2_000);
    expect(examined().map(({ path }) => path)).toEqual(['/Library/LaunchDaemons/a.plist']);
    expect(eslogger.listening).toHaveLength(1);
    await watch(null);
    expect(eslogger.listening.map(({ ended }) => ended)).toEqual([true]);
  });
});

describe('the files of macOS where eslogger is refused', () => {
  it('R208 are watched by the file watcher, and the condition says what is missing', async () => {
    const { eslogger, watch, trees, examined, state, pass } = await runOnMac();
    eslogger.refuses = REFUSED;
    await watch([rule(at.watched)]);
    await waitFor(() => trees.has(at.watched));
    const hosts = join(at.watched, 'hosts');
    trees.get(at.watched)?.heard([{ type: 'delete', path: hosts }]);
    await pass(6_000);
    expect(examined()).toMatchObject([
      { path: hosts, provider: 'file watcher', by: { presence: { actor: { state: 'unknown' } } } },
    ]);
    expect(state()?.fim?.actor).toBe('unknown');
    expect(state()?.problems).toMatchObject([
      { code: 'FIM_NO_ACTOR', text: expect.stringContaining('allow Full Disk Access') as string },
    ]);
  });

  it('R208 go over to eslogger once it is allowed, with a walk for what fell between', async () => {
    const { eslogger, watch, trees, pass, examined, state, of } = await runOnMac();
    eslogger.refuses = REFUSED;
    await watch([rule(at.watched)]);
    await waitFor(() => trees.has(at.watched));
    await pass(20_000);
    expect(state()?.fim?.actor).toBe('unknown');
    eslogger.refuses = undefined;
    await pass(30_000);
    expect(trees.size).toBe(0);
    expect(of('lost').map(({ lost }) => lost.reason)).toEqual(['restart']);
    eslogger.say(written(join(at.watched, 'hosts')));
    await pass(2_000);
    expect(examined()).toMatchObject([
      { provider: 'eslogger', by: { content: { actor: { state: 'known' } } } },
    ]);
    expect(state()).toMatchObject({ fim: { actor: 'known' }, problems: [] });
  });

  it('R208 are watched by the file watcher also when eslogger is refused later', async () => {
    const { eslogger, watch, trees, pass, state, of } = await runOnMac();
    await watch([rule(at.watched)]);
    eslogger.refuses = REFUSED;
    eslogger.end(REFUSED);
    await pass(3_000);
    await waitFor(() => trees.has(at.watched));
    await pass(6_000);
    expect(of('lost').map(({ lost }) => lost.reason)).toEqual(['restart']);
    expect(state()?.problems).toMatchObject([{ code: 'FIM_NO_ACTOR' }]);
  });

  it('R208 are watched by the file watcher where eslogger runs and says nothing', async () => {
    const { eslogger, watch, trees, pass, state } = await runOnMac();
    eslogger.isMute = true;
    await watch([rule(at.watched)]);
    await pass(5_000);
    await waitFor(() => trees.has(at.watched));
    await pass(8_000);
    expect(state()?.problems).toMatchObject([
      { code: 'FIM_NO_ACTOR', text: expect.stringContaining('eslogger says nothing') as string },
    ]);
    eslogger.isMute = false;
    await pass(120_000);
    expect([trees.size, state()?.fim?.actor]).toEqual([0, 'known']);
  });

  it('R208 have eslogger tried again with ever longer pauses', async () => {
    const { eslogger, watch, pass, trees } = await runOnMac();
    eslogger.refuses = REFUSED;
    await watch([rule(at.watched)]);
    await waitFor(() => trees.has(at.watched));
    await pass(600_000);
    expect(eslogger.listening.length).toBeLessThanOrEqual(6);
  });
});
