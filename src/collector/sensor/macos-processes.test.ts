import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Task } from '../../shared/manifest.ts';
import { file, process as esProcess } from '../fim/macos/testing/es-line.ts';
import {
  at,
  edr,
  ETC,
  runOnMac,
  separateMacs,
  started,
  STARTS,
  waitFor,
  written,
} from './testing/macos-sensor.ts';

separateMacs();

describe('the processes of macOS, through the sensor', () => {
  it('R201 R208 a start is a record of the rule that wants it, with parent, user and command line', async () => {
    const { eslogger, watch, appended, pass, state } = await runOnMac();
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
    const { eslogger, watch, appended, pass } = await runOnMac();
    const program = join(at.dataDir, 'program');
    writeFileSync(program, '#!/bin/sh\n');
    await watch(null, [edr('process_events', { exclude: ['nobody'] })]);
    const gone = join(at.dataDir, 'gone');
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
    const { eslogger, watch, appended, pass } = await runOnMac();
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
    const { eslogger, watch, appended, pass, state } = await runOnMac();
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
    const { eslogger, watch, pass, state } = await runOnMac();
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

  it('R208 eslogger that runs and says nothing is none, which a condition says until it speaks', async () => {
    const { eslogger, watch, pass, state } = await runOnMac();
    eslogger.isMute = true;
    await watch(null, [STARTS]);
    await pass(30_000);
    expect(state()?.problems).toEqual([]);
    await pass(31_000);
    expect(state()?.problems).toMatchObject([
      {
        code: 'EDR_INCOMPLETE',
        text: 'starts and ends of processes are not heard: eslogger runs and says nothing',
      },
    ]);
    eslogger.isMute = false;
    await pass(120_000);
    expect(state()?.problems).toEqual([]);
  });

  it('R201 names tasks that it can not follow, and lines that it did not understand', async () => {
    const { eslogger, watch, pass, state } = await runOnMac();
    await watch([ETC], [STARTS, edr('no_events')]);
    eslogger.print('{"news":true}');
    await pass(2_000);
    expect(state()?.problems.map(({ text }) => text)).toEqual([
      '1 messages of eslogger were of no known form, and were passed over',
      'not followed: no_events: no table no_events of process events',
    ]);
    expect(state()?.fim?.mounts[0]?.note).toBe('1 messages were of no known form');
  });

  it('R201 an executable that appears in a suspect place is a record, with who made it', async () => {
    const { eslogger, watch, appended, pass, examined, root } = await runOnMac();
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
    const { watch, appended, pass, folders, root, timers } = await runOnMac();
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
