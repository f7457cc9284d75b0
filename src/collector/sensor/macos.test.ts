import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Task } from '../../shared/manifest.ts';
import type { FromSensor } from '../../shared/sensor.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import type { Examination, ToLedger } from '../fim/ledger/messages.ts';
import { file, process as esProcess } from '../fim/macos/testing/es-line.ts';
import { FakeEslogger } from '../fim/macos/testing/fake-eslogger.ts';
import type { Hear, WatchPort } from '../fim/watcher/subscribe.ts';
import { MAC_FILES, sampleMac } from '../macos/testing/sample-mac.ts';
import { sampleContext } from '../testing/sample-host.ts';
import { SteppedTimers } from '../testing/timers.ts';
import { macosSources } from './macos.ts';
import { Sensor } from './session.ts';

/* The real sensor over a stand-in for eslogger (fim/macos/testing/fake-eslogger.ts) and a laid-out Mac; the ledger is the test's. */

const REFUSED = 'Failed to create ES client: ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED';
const rule = (path: string, id = 'etc'): Task => ({
  id,
  table: 'file_integrity',
  params: { kind: 'directory', path },
});
const ETC = rule('/private/etc');
const edr = (table: string, params: Task['params'] = {}): Task => ({
  id: table,
  table,
  params: { severity: 'low', ...params },
});
const STARTS = edr('process_events', { hash: false, exclude: ['nobody'] });

let folder: string;
let dataDir: string;
let watched: string;
let sensors: Sensor[] = [];
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'wf-macos-')));
  [dataDir, watched] = [join(folder, 'own'), join(folder, 'watched')];
  for (const directory of [dataDir, watched]) mkdirSync(directory);
});
afterEach(async () => {
  await Promise.all(sensors.map((sensor) => sensor.end(0)));
  sensors = [];
  rmSync(folder, { recursive: true });
});

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
};

/** One run of the sensor on a Mac; `folder` stirs the folders that are watched for what starts programs. */
async function run() {
  const timers = new SteppedTimers(Date.parse('2026-11-28T01:02:04.987Z'));
  const eslogger = new FakeEslogger();
  const sent: FromSensor[] = [];
  const posted: ToLedger[] = [];
  const trees = new Map<string, Hear>();
  const folders = new Map<string, () => void>();
  const entries = new Map<string, (name: string, renamed: boolean) => void>();
  const canary = join(dataDir, 'canary');
  const context = {
    ...sampleContext({ os: 'darwin', files: MAC_FILES, run: sampleMac }),
    now: timers.now,
  };
  const port: WatchPort = {
    tree: (directory, _ignored, hear) => {
      trees.set(directory, hear);
      return Promise.resolve(() => {
        trees.delete(directory);
        return Promise.resolve();
      });
    },
    entries: (directory, heard) => {
      entries.set(directory, heard);
      return () => entries.delete(directory);
    },
  };
  let receive: (message: unknown) => void = () => undefined;
  let isSilent = false;
  let ids = 0;
  const sensor = new Sensor({
    port: {
      send: (message) => void sent.push(message),
      onMessage: (receiver) => (receive = receiver),
      onClose: () => undefined,
    },
    os: 'darwin',
    pid: 4_242,
    now: timers.now,
    startTimer: timers.start,
    rssBytes: () => 1,
    openLedger: () => ({ post: (message) => void posted.push(message), stop: () => Promise.resolve() }),
    ...macosSources(dataDir, () => undefined, {
      context,
      startTimer: timers.start,
      monotonic: timers.now,
      newId: () => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, '0')}`,
      hashThread: new URL('../edr/image-hash-thread.ts', import.meta.url),
      startEslogger: eslogger.start,
      port,
      watchFolder: (folder, stirred) => {
        folders.set(folder.slice(context.root.length), stirred);
        return () => folders.delete(folder.slice(context.root.length));
      },
    }),
    realPath: ({ path }) => path,
    canaryPath: canary,
    touchCanary: () => {
      writeFileSync(canary, '');
      if (isSilent) return;
      queueMicrotask(() => {
        eslogger.say({ close: { modified: true, target: file(canary) } });
        entries.get(dataDir)?.('canary', false);
      });
    },
    onEnd: () => undefined,
  });
  sensors.push(sensor);
  await sensor.start();
  const of = <K extends ToLedger['kind']>(kind: K) =>
    posted.filter((message): message is Extract<ToLedger, { kind: K }> => message.kind === kind);
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 500) {
      timers.pass(Math.min(500, left));
      await settle();
    }
  };
  const logs = () => sent.flatMap((message) => (message.kind === 'log' ? [message.message] : []));
  return {
    ...{ eslogger, timers, posted, of, pass, sensor, trees, folders, logs, root: context.root },
    silence: () => (isSilent = true),
    watch: async (fim: readonly Task[] | null, tasks: readonly Task[] | null = null) => {
      receive({
        kind: 'watch',
        fim: fim === null ? null : { tasks: [...fim], rescanHours: 24 },
        edr: tasks === null ? null : { tasks: [...tasks] },
        own: [dataDir],
        sharePct: 50,
      });
      await settle();
    },
    examined: (): Examination[] => of('examine').flatMap(({ items }) => items),
    appended: () => of('append').flatMap(({ events }) => events as readonly UnsealedEdrEvent[]),
    state: () => sent.findLast((message) => message.kind === 'state')?.state,
  };
}

const written = (path: string) => ({ close: { modified: true, target: file(path) } });
const started = (path: string, ...args: string[]) => ({
  exec: { target: esProcess(path, { pidversion: 1_501 }), args: [path, ...args] },
});

describe('the files of macOS, through the sensor', () => {
  it('R199 R208 a change that eslogger tells of is looked at, with the actor that it names', async () => {
    const { eslogger, watch, examined, state, pass, of } = await run();
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
    const { eslogger, watch, of, pass, state } = await run();
    await watch([ETC]);
    eslogger.drop(7);
    eslogger.say(written('/private/etc/hosts'));
    expect(of('lost')).toEqual([{ kind: 'lost', lost: { reason: 'overflow', below: [], count: 7 } }]);
    await pass(2_000);
    expect(state()).toMatchObject({ fim: { overflows: 1 }, problems: [{ code: 'FIM_OVERFLOW' }] });
  });

  it('R208 eslogger that ends is started again, and the rules are walked for what happened meanwhile', async () => {
    const { eslogger, watch, of, pass, examined, state } = await run();
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

  it('R208 a canary of which eslogger says nothing is noticed, and has it started again', async () => {
    const { eslogger, watch, pass, silence, state, of } = await run();
    silence();
    await watch([ETC]);
    await pass(15_000);
    expect(state()?.problems).toMatchObject([{ code: 'FIM_SILENT' }]);
    await pass(75_000);
    expect(eslogger.listening.length).toBeGreaterThan(1);
    expect(of('lost').map(({ lost }) => lost.reason)).toEqual(['restart']);
  });

  it('R206 other rules count from then on, without another eslogger', async () => {
    const { eslogger, watch, examined, pass } = await run();
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
    const { eslogger, watch, trees, examined, state, pass } = await run();
    eslogger.refuses = REFUSED;
    await watch([rule(watched)]);
    await waitFor(() => trees.has(watched));
    const hosts = join(watched, 'hosts');
    trees.get(watched)?.heard([{ type: 'delete', path: hosts }]);
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
    const { eslogger, watch, trees, pass, examined, state, of } = await run();
    eslogger.refuses = REFUSED;
    await watch([rule(watched)]);
    await waitFor(() => trees.has(watched));
    await pass(20_000);
    expect(state()?.fim?.actor).toBe('unknown');
    eslogger.refuses = undefined;
    await pass(30_000);
    expect(trees.size).toBe(0);
    expect(of('lost').map(({ lost }) => lost.reason)).toEqual(['restart']);
    eslogger.say(written(join(watched, 'hosts')));
    await pass(2_000);
    expect(examined()).toMatchObject([
      { provider: 'eslogger', by: { content: { actor: { state: 'known' } } } },
    ]);
    expect(state()).toMatchObject({ fim: { actor: 'known' }, problems: [] });
  });

  it('R208 are watched by the file watcher also when eslogger is refused later', async () => {
    const { eslogger, watch, trees, pass, state, of } = await run();
    await watch([rule(watched)]);
    eslogger.refuses = REFUSED;
    eslogger.end(REFUSED);
    await pass(3_000);
    await waitFor(() => trees.has(watched));
    await pass(6_000);
    expect(of('lost').map(({ lost }) => lost.reason)).toEqual(['restart']);
    expect(state()?.problems).toMatchObject([{ code: 'FIM_NO_ACTOR' }]);
  });

  it('R208 have eslogger tried again with ever longer pauses', async () => {
    const { eslogger, watch, pass, trees } = await run();
    eslogger.refuses = REFUSED;
    await watch([rule(watched)]);
    await waitFor(() => trees.has(watched));
    await pass(600_000);
    expect(eslogger.listening.length).toBeLessThanOrEqual(6);
  });
});

describe('the processes of macOS, through the sensor', () => {
  it('R201 R208 a start is a record of the rule that wants it, with parent, user and command line', async () => {
    const { eslogger, watch, appended, pass, state } = await run();
    await watch(null, [STARTS]);
    expect(eslogger.listening[0]?.args.slice(2)).toEqual(['exec', 'fork', 'exit']);
    eslogger.say(started('/bin/ls', '-l', '--token=geheim'));
    eslogger.say({ exit: { stat: 256 } }, esProcess('/bin/ls', { pidversion: 1_501 }));
    await pass(1_000);
    expect(appended()).toMatchObject([
      {
        event: { action: 'process_started', module: 'edr', provider: 'eslogger', severity: 1 },
        rule: { id: 'process_events' },
        process: {
          pid: 612,
          executable: '/bin/ls',
          command_line: '/bin/ls -l --token=[redacted]',
          parent: { pid: 600 },
        },
        user: { id: '501', name: 'joerg' },
        wayfarer: { severity: 'low', login_user: { id: '501' } },
      },
      { event: { action: 'process_ended' }, process: { executable: '/bin/ls', exit_code: 1 } },
    ]);
    expect(state()).toMatchObject({ fim: null, edr: { method: 'eslogger', lost: 0 }, problems: [] });
  });

  it('R201 a start has the hash of its image, read in a thread of its own', async () => {
    const { eslogger, watch, appended, pass } = await run();
    const program = join(dataDir, 'program');
    writeFileSync(program, '#!/bin/sh\n');
    await watch(null, [edr('process_events', { exclude: ['nobody'] })]);
    const gone = join(dataDir, 'gone');
    eslogger.say(started(gone));
    eslogger.say({
      exec: {
        target: esProcess(program, {}, { executable: { path: program } }),
        args: [program],
      },
    });
    for (let tries = 0; tries < 100 && appended().length < 2; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await pass(50);
    }
    expect(appended()).toMatchObject([
      { wayfarer: { reason: 'the image was gone or replaced before it could be hashed' } },
      { process: { hash: { sha256: createHash('sha256').update('#!/bin/sh\n').digest('hex') } } },
    ]);
    expect(appended()[0]?.process?.hash).toBeUndefined();
  });

  it('R201 a rule leaves out programs and users, and other rules count from then on', async () => {
    const { eslogger, watch, appended, pass } = await run();
    const starts = (params: Task['params']) => [
      edr('process_events', { hash: false, exclude: ['nobody'], ...params }),
    ];
    await watch(null, starts({ exclude: ['nobody', '/tmp/*'] }));
    eslogger.say(started('/private/tmp/x'));
    eslogger.say(started('/bin/a'));
    await watch(null, starts({ excludeUsers: ['joerg'] }));
    eslogger.say(started('/bin/b'));
    await watch(null, starts({}));
    eslogger.say(started('/bin/c'));
    await pass(1_000);
    expect(appended().map(({ process }) => process?.executable)).toEqual(['/bin/a', '/bin/c']);
    expect(eslogger.listening).toHaveLength(1);
  });

  it('R201 what was missed is a record, with the number where it is known', async () => {
    const { eslogger, watch, appended, pass, state } = await run();
    await watch(null, [STARTS]);
    eslogger.drop(3);
    eslogger.say({ exit: { stat: 0 } }, esProcess('/usr/libexec/nobody'));
    eslogger.end('killed');
    await pass(8_000);
    expect(appended().map(({ event, wayfarer }) => [event.action, wayfarer])).toMatchObject([
      ['events_lost', { reason: 'Endpoint Security dropped messages: 3' }],
      ['events_lost', { reason: 'eslogger ended' }],
      ['events_lost', { reason: 'eslogger was started again' }],
    ]);
    expect(state()).toMatchObject({ edr: { lost: 5 }, problems: [{ code: 'EDR_LOST' }] });
  });

  it('R208 without eslogger there are none, which a condition says until there are', async () => {
    const { eslogger, watch, pass, state } = await run();
    eslogger.refuses = 'ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED';
    await watch(null, [STARTS]);
    await pass(2_000);
    expect(state()?.problems).toMatchObject([
      { code: 'EDR_INCOMPLETE', text: expect.stringContaining('has to run as root') as string },
    ]);
    eslogger.refuses = undefined;
    await pass(10_000);
    expect(state()?.problems).toEqual([]);
  });

  it('R201 names tasks that macOS does not follow yet, and lines that it did not understand', async () => {
    const { eslogger, watch, pass, state } = await run();
    await watch([ETC], [STARTS, edr('listener_events')]);
    eslogger.print('{"news":true}');
    await pass(2_000);
    expect(state()?.problems.map(({ text }) => text)).toEqual([
      '1 messages of eslogger were of no known form, and were passed over',
      'not followed: listener_events: not there on macOS yet',
    ]);
    expect(state()?.fim?.mounts[0]?.note).toBe('1 messages were of no known form');
  });

  it('R201 an executable that appears in a suspect place is a record, with who made it', async () => {
    const { eslogger, watch, appended, pass, examined, root } = await run();
    await watch(null, [edr('dropped_executables', { paths: ['/tmp', '~/Downloads'] })]);
    const [tool, java, note] = ['/private/tmp/tool', '/private/tmp/a.class', '/Users/joerg/Downloads/x'];
    mkdirSync(join(root, '/private/tmp'), { recursive: true });
    mkdirSync(join(root, '/Users/joerg/Downloads'), { recursive: true });
    writeFileSync(join(root, tool), Buffer.from('cafebabe00000002', 'hex'));
    writeFileSync(join(root, java), Buffer.from('cafebabe00000041', 'hex'));
    writeFileSync(join(root, note), 'text');
    chmodSync(join(root, note), 0o755);
    eslogger.say(written(tool), esProcess('/usr/bin/curl'));
    eslogger.say(written(java));
    eslogger.say({ setmode: { mode: 0o755, target: file(note) } });
    await pass(1_000);
    expect(appended()).toMatchObject([
      {
        event: { action: 'executable_dropped', provider: 'eslogger' },
        process: { executable: '/usr/bin/curl' },
        file: { path: tool },
        wayfarer: { item: 'Mach-O' },
      },
      { file: { path: note, mode: '0755' }, wayfarer: { item: 'executable by its mode' } },
    ]);
    expect(examined()).toEqual([]);
  });

  it('R201 a job of launchd that is new is a record, and one that was there is none', async () => {
    const { watch, appended, pass, folders, root, timers } = await run();
    await watch(null, [edr('startup_events')]);
    await waitFor(() => folders.has('/Library/LaunchDaemons'));
    await pass(1_000);
    const job = join(root, '/Library/LaunchDaemons/evil.plist');
    writeFileSync(
      job,
      '<?xml version="1.0"?><plist version="1.0"><dict><key>Label</key><string>evil</string>' +
        '<key>ProgramArguments</key><array><string>/tmp/evil</string></array></dict></plist>',
    );
    folders.get('/Library/LaunchDaemons')?.();
    timers.pass(1_000);
    await waitFor(() => {
      timers.pass(100);
      return appended().length > 0;
    });
    expect(appended()).toMatchObject([
      {
        event: { action: 'startup_item_added', provider: 'comparison' },
        file: { path: '/Library/LaunchDaemons/evil.plist' },
        wayfarer: { item: 'evil: /tmp/evil' },
      },
    ]);
    expect(appended()).toHaveLength(1);
    expect(folders.has('/Users/joerg/Library/LaunchAgents')).toBe(true);
  });
});

/** Lets the disk do its work. */
async function waitFor(isThere: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !isThere(); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
