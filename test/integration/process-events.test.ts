import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { EdrEvent } from '../../src/shared/host-events.ts';
import type { Task } from '../../src/shared/manifest.ts';
import { liveContext, runSource } from '../support/process-source.ts';
import { because, noLinuxRoot } from '../support/reason.ts';
import { until } from '../support/until.ts';

const ALL: Task[] = [{ id: 'all', table: 'process_events', params: { severity: 'medium' } }];

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'wf-edr-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const of = (events: readonly EdrEvent[], pid: number | undefined, action: string): EdrEvent | undefined =>
  events.find((event) => event.process?.pid === pid && event.event.action === action);

const arrived = (events: readonly EdrEvent[], pid: number | undefined, action: string): Promise<EdrEvent> =>
  until(`${action} of ${String(pid)}`, () => of(events, pid, action), 20_000);

describe.skipIf(noLinuxRoot !== undefined)(`process events${because(noLinuxRoot)}`, () => {
  it('R199 R201 R208 tell of a program with its file, hash, arguments, user and parent, and of its end', async () => {
    const { source, events } = runSource(ALL);
    expect(source.state()).toMatchObject({ method: 'process connector', lost: 0, problems: [] });
    const before = Date.now();
    const { pid } = spawn('/usr/bin/env', ['sh', '-c', 'sleep 0.2; exit 3', '--password=hunter2 a']);
    const started = await arrived(events, pid, 'process_started');
    const last = await until('the shell', () =>
      events.find(({ process: p }) => p?.pid === pid && p?.executable?.endsWith('/dash')),
    );
    const ended = await arrived(events, pid, 'process_ended');
    const sha256 = createHash('sha256').update(readFileSync('/usr/bin/dash')).digest('hex');
    expect(last).toMatchObject({
      event: { module: 'edr', action: 'process_started', severity: 2, provider: 'process connector' },
      rule: { id: 'all' },
      process: {
        name: 'dash',
        executable: '/usr/bin/dash',
        command_line: 'sh -c sleep 0.2; exit 3 --password=[redacted]',
        hash: { sha256 },
        parent: { pid: process.pid, executable: process.execPath },
      },
      user: { id: '0', name: 'root' },
    });
    expect(ended.process).toMatchObject({ exit_code: 3, executable: '/usr/bin/dash' });
    expect(ended.process?.start).toBe(started.process?.start);
    const start = Date.parse(started.process!.start!);
    expect(start).toBeGreaterThan(before - 50);
    expect(start).toBeLessThan(Date.now());
  });

  it('R201 tell of a change of user, and of the signal that ended a process', async () => {
    const { events } = runSource(ALL);
    const child = spawn('setpriv', ['--reuid', '65534', '--clear-groups', 'sleep', '60']);
    const changed = await arrived(events, child.pid, 'user_changed');
    expect(changed).toMatchObject({
      user: { id: '65534', name: 'nobody' },
      wayfarer: { reason: 'was user 0 (root)' },
    });
    await until('sleep', () => events.find(({ process: p }) => p?.pid === child.pid && p?.name === 'sleep'));
    child.kill('SIGKILL');
    expect((await arrived(events, child.pid, 'process_ended')).process).toMatchObject({ exit_code: 137 });
  });

  it('R201 leave out what a rule excludes, and give the severest rule that wants a program', async () => {
    const rules: Task[] = [
      { id: 'rest', table: 'process_events', params: { exclude: ['true'] } },
      { id: 'echo', table: 'process_events', params: { severity: 'critical', include: ['/usr/bin/ec?o'] } },
      { id: 'odd', table: 'process_events', params: { include: 'no list' } },
      { id: 'other', table: 'deb', params: {} },
    ];
    const { source, events } = runSource(rules);
    expect(source.state().refused.map(({ id }) => id)).toEqual(['other', 'odd']);
    const sleep = spawn('/usr/bin/sleep', ['0.3']);
    const shell = spawn('/bin/sh', ['-c', '/usr/bin/echo a; sleep 0.3; /usr/bin/true']);
    await arrived(events, sleep.pid, 'process_ended');
    await arrived(events, shell.pid, 'process_ended');
    expect(of(events, sleep.pid, 'process_started')).toMatchObject({
      rule: { id: 'rest' },
      event: { severity: 1 },
    });
    const named = events.map(({ process: p, rule }) => `${rule?.id ?? ''} ${p?.executable ?? ''}`);
    expect(named).not.toContain('rest /usr/bin/true');
    expect(named).not.toContain('rest /usr/bin/echo');
  });

  it('R201 name what listens, with who opened it', async () => {
    const { events } = runSource([{ id: 'l', table: 'listener_events', params: { severity: 'high' } }]);
    const server = spawn(process.execPath, ['-e', 'require("net").createServer().listen(0,"127.0.0.1")']);
    onTestFinished(() => void server.kill());
    const own = createServer().listen(0, '::1');
    onTestFinished(() => void own.close());
    const opened = await arrived(events, server.pid, 'listener_opened');
    expect(opened).toMatchObject({
      server: { address: '127.0.0.1', transport: 'tcp' },
      process: { executable: process.execPath },
      user: { id: '0' },
      rule: { id: 'l' },
    });
    const ours = await arrived(events, process.pid, 'listener_opened');
    expect(ours.server).toEqual({
      address: '::1',
      transport: 'tcp',
      port: (own.address() as { port: number }).port,
    });
  });

  it('R201 name executables that appear in suspect places, once each, without following links', async () => {
    const folder = temporary();
    mkdirSync(join(folder, 'new'));
    const { events, watching } = runSource([
      { id: 'd', table: 'dropped_executables', params: { paths: [folder], exclude: ['*.log'] } },
    ]);
    await watching;
    writeFileSync(join(folder, 'plain.txt'), 'nothing');
    writeFileSync(join(folder, 'script.log'), '#!/bin/sh\n');
    execFileSync('ln', ['-s', '/usr/bin/true', join(folder, 'link')]);
    copyFileSync('/usr/bin/true', join(folder, 'elf'));
    chmodSync(join(folder, 'elf'), 0o755);
    writeFileSync(join(folder, 'script'), '#!/bin/sh\n');
    writeFileSync(join(folder, 'new', 'late'), '#!/bin/sh\n', { mode: 0o700 });
    const found = await until('three files', () => (events.length >= 3 ? events : undefined));
    expect(found.map(({ file }) => file?.path).sort()).toEqual(
      ['elf', 'new/late', 'script'].map((name) => join(folder, name)),
    );
    expect(found.find(({ file }) => file?.path.endsWith('/elf'))).toMatchObject({
      event: { action: 'executable_dropped' },
      file: { mode: '0755', owner: 'root' },
      wayfarer: { item: 'ELF' },
    });
  });

  it('R201 name unit files and cron jobs that were added while it watched or while it was off', async () => {
    const root = temporary();
    const rules: Task[] = [{ id: 's', table: 'startup_events', params: { severity: 'high' } }];
    execFileSync('mkdir', [
      '-p',
      join(root, 'etc/cron.d'),
      join(root, 'etc/systemd/system/a.target.wants'),
      join(root, 'var'),
    ]);
    writeFileSync(join(root, 'etc/cron.d/old'), '* * * * * root /bin/old\n');
    const stateFile = join(root, 'var/startup.json');
    const options = { context: liveContext(root), stateFile };
    const first = runSource(rules, options);
    await until('the first look', () => readFileSync(stateFile));
    writeFileSync(join(root, 'etc/cron.d/job'), '* * * * * nobody /bin/job --token=q\n');
    const unit = join(root, 'etc/systemd/system/a.service');
    writeFileSync(unit, '[Service]\nExecStart=/bin/a\n[Install]\nWantedBy=a.target\n');
    execFileSync('ln', ['-s', unit, join(root, 'etc/systemd/system/a.target.wants/a.service')]);
    const two = await until('both', () => (first.events.length >= 2 ? first.events : undefined));
    expect(two.map(({ event, file, wayfarer }) => [event.action, file?.path, wayfarer.item]).sort()).toEqual([
      ['scheduled_task_added', '/etc/cron.d/job', 'job: /bin/job --token=[redacted]'],
      ['startup_item_added', '/etc/systemd/system/a.service', 'a: /bin/a'],
    ]);
    await first.source.stop();
    writeFileSync(join(root, 'etc/cron.d/night'), '@daily root /bin/night\n');
    const second = runSource(rules, options);
    const [night] = await until('the third', () => (second.events.length > 0 ? second.events : undefined));
    expect(night).toMatchObject({
      event: { action: 'scheduled_task_added' },
      wayfarer: { item: 'night: /bin/night', reason: 'while the agent was not running' },
    });
    expect(second.events).toHaveLength(1);
  });

  it('R201 R208 are found by comparing lists where the kernel tells nothing, and say so', async () => {
    const { source, events } = runSource(ALL, { watch: undefined });
    expect(source.state()).toMatchObject({ method: '/proc polling', problems: [{ code: 'EDR_POLLING' }] });
    const child = spawn('/usr/bin/sleep', ['60']);
    const started = await arrived(events, child.pid, 'process_started');
    expect(started).toMatchObject({
      event: { provider: '/proc polling' },
      process: { executable: '/usr/bin/sleep' },
      wayfarer: { reason: 'found by polling' },
    });
    child.kill();
    const ended = await arrived(events, child.pid, 'process_ended');
    expect(ended.wayfarer.reason).toBe('how it ended is not known');
  });

  it('R203 stay within bounds in a flood, and count what had no place in one record', async () => {
    let room = 0;
    const { source, events } = runSource(ALL, {
      callbacks: {
        events: (list) => events.push(...(list as unknown as EdrEvent[])),
        log: () => undefined,
        room: () => room,
      },
    });
    const flood = 'i=0; while [ $i -lt 3500 ]; do /usr/bin/true; i=$((i+1)); done';
    const before = process.memoryUsage().rss;
    const begin = performance.now();
    const shells = [spawn('/bin/sh', ['-c', flood]), spawn('/bin/sh', ['-c', flood])];
    await Promise.all(shells.map((shell) => new Promise((resolve) => shell.on('exit', resolve))));
    const perSecond = Math.round(7_000 / ((performance.now() - begin) / 1_000));
    await until('losses', () => (source.state().lost > 0 ? true : undefined));
    room = 1_000_000;
    const records = await until('the records of all losses', () => {
      const told = events.filter(({ event }) => event.action === 'events_lost');
      const sum = told.reduce((total, { wayfarer }) => total + (wayfarer.lost ?? 0), 0);
      return sum === source.state().lost ? told : undefined;
    });
    const grown = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
    console.log(`${perSecond} programs/s, ${source.state().lost} records lost of 14,000, ${grown} MB more`);
    expect(records.length).toBeLessThan(20);
    expect(records[0]!.wayfarer.reason).toMatch(/between \d{4}-.* and \d{4}-/);
    expect(source.state().processes).toBeLessThan(10_000);
    expect(grown).toBeLessThan(200);
  });
});
