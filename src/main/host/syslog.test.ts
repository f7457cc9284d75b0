import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noProgram } from '../../../test/support/reason.ts';
import { until } from '../../../test/support/until.ts';
import { openLog, type LogOptions } from './log.ts';

const missing =
  process.platform === 'linux'
    ? (noProgram('logger', 'bsdutils') ?? noProgram('python3', 'python3'))
    : 'needs Linux. To run it: npm test, on Linux';

/** A datagram socket as a syslog daemon has one; prints what it gets, one JSON string a line. */
const RECEIVER = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    print(json.dumps(s.recv(65536).decode()), flush=True)
`;

describe.skipIf(missing !== undefined)(`the system's log${because(missing)}`, () => {
  let directory: string;
  let socket: string;
  let receiver: ChildProcess | undefined;
  let received: string[];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'wayfarer-syslog-'));
    socket = join(directory, 'log');
    received = [];
  });
  afterEach(() => {
    receiver?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  async function receive(): Promise<void> {
    rmSync(socket, { force: true });
    receiver = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    receiver.stdout?.on('data', (piece: Buffer) => {
      const lines = (text + piece.toString()).split('\n');
      text = lines.pop() ?? '';
      received.push(...lines.map((line) => JSON.parse(line) as string));
    });
    await until('the receiver', () => existsSync(socket) || undefined);
  }

  async function stopReceiving(): Promise<void> {
    const ended = new Promise((resolve) => receiver?.once('exit', resolve));
    receiver?.kill('SIGKILL');
    await ended;
  }

  let time = 0;
  const open = (program?: string) => {
    const options: LogOptions = {
      onTrouble: (error) => {
        throw error;
      },
      syslog: { socket, now: () => time, ...(program !== undefined && { program }) },
    };
    const log = openLog(join(directory, 'agent.log'), 'info', options);
    const warnings = (): string[] => {
      const text = existsSync(join(directory, 'agent.log')) ? readLog() : '';
      return text.split('\n').filter((line) => line.includes('no syslog receives'));
    };
    return { log, warnings };
  };
  const readLog = (): string => readFileSync(join(directory, 'agent.log'), 'utf8');
  const messages = (): string[] => received.map((line) => line.replace(/^.*wayfarer-agent\[\d+\]: /, ''));

  it('gets each line with name, process id and the priority of its level, redacted', async () => {
    await receive();
    const { log } = open();
    log.error('bad password=hunter2');
    log.warn('odd');
    log.info('well');
    log.debug('not asked for');
    await log.close();
    await until('three lines', () => (received.length >= 3 ? true : undefined));
    expect(received.map((line) => /^<\d+>/.exec(line)?.[0])).toEqual(['<27>', '<28>', '<30>']);
    expect(received.every((line) => line.includes(`wayfarer-agent[${String(process.pid)}]: `))).toBe(true);
    expect(messages()).toEqual(['bad password=…', 'odd', 'well']);
  });

  it('R287 holds the lines of others beside them, which its name alone leaves out, and none of which reaches the own log', async () => {
    await receive();
    const { log } = open();
    log.info('before');
    const others = { su: '(to root) bob on pts/0', sshd: 'PAM-tacplus: unable to obtain username' };
    for (const [name, message] of Object.entries(others)) {
      execFileSync('logger', ['--socket', socket, '--tag', name, '--', message]);
    }
    log.info('after');
    await log.close();
    await until('all lines', () => (received.length >= 4 ? true : undefined));
    expect(received).toHaveLength(4);
    const own = received.filter((line) => line.includes(' wayfarer-agent['));
    expect(own.map((line) => /(before|after)$/.exec(line)?.[0]).sort()).toEqual(['after', 'before']);
    expect(readLog()).not.toMatch(/su|PAM-tacplus/);
    expect(readLog().trimEnd().split('\n')).toHaveLength(2);
  });

  it('gets the longest line whole', async () => {
    await receive();
    const { log } = open();
    log.info('漢 '.repeat(4_000));
    await log.close();
    await until('the line', () => (received.length > 0 ? true : undefined));
    expect(messages()[0]).toMatch(/^(漢 ){4000}/);
  });

  it.each([
    ['there is no receiver', undefined],
    ['there is no program', '/nonexistent/logger'],
  ])('harms nothing when %s: one warning, and the file has every line', async (what, program) => {
    if (program !== undefined) await receive();
    const { log, warnings } = open(program);
    for (let n = 0; n < 5; n += 1) {
      time += 61_000;
      log.info(`line ${String(n)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await log.close();
    expect(warnings(), what).toHaveLength(1);
    expect(readLog().match(/line \d/g)).toHaveLength(5);
  });

  it('comes back after a receiver that went away, and says how many lines it did not get', async () => {
    await receive();
    const { log, warnings } = open();
    log.info('one');
    await until('the first line', () => (received.length === 1 ? true : undefined));
    time += 61_000;
    await stopReceiving();
    log.info('lost'); // in the pipe when the program finds that nobody listens
    await until('the warning', () => (warnings().length === 1 ? true : undefined));
    log.info('not taken');
    await receive();
    time += 61_000;
    log.info('back');
    await log.close();
    await until('the last line', () => (messages().includes('back') ? true : undefined));
    expect(messages().slice(1)).toEqual([
      expect.stringMatching(/^[12] lines before this one were not taken$/),
      'back',
    ]);
  });

  it('drops and counts what a receiver that stands still does not take, and ends all the same', async () => {
    await receive();
    const { log } = open();
    log.info('first');
    await until('the first line', () => (received.length === 1 ? true : undefined));
    receiver?.kill('SIGSTOP');
    for (let n = 0; n < 2_000; n += 1) log.info(`${String(n)} ${'x '.repeat(500)}`);
    receiver?.kill('SIGCONT');
    await until('room again', () => (received.length > 200 ? true : undefined));
    log.info('last');
    await log.close();
    await until('the last line', () => (messages().includes('last') ? true : undefined));
    expect(messages().at(-2)).toMatch(/^1\d\d\d lines before this one were not taken$/);
    expect(readLog().match(/x x$/gm) ?? readLog().match(/x x /g)).not.toBeNull();
  });
});
