import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { FromSensor, ToSensor } from '../../shared/sensor.ts';
import { until } from '../../../test/support/until.ts';
import { isErrno } from '../host/atomic-file.ts';
import type { ProcessPort } from './process-port.ts';
import { startSensorProcess } from './sensor-process.ts';

/* The process itself, with a stand-in for the sensor: a script of a few lines that answers by IPC. */

let root: string;
let port: ProcessPort<ToSensor> | undefined;
const heard: FromSensor[] = [];
const ends: string[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wayfarer-sensor-'));
  heard.length = 0;
  ends.length = 0;
});
afterEach(async () => {
  await port?.stop();
  rmSync(root, { recursive: true, force: true });
});

const some = (what: () => readonly unknown[]): Promise<unknown> =>
  until('an answer', () => what().at(0), 15_000);
const dataDir = (): string => join(root, 'sensor');
function start(script: string): void {
  const entry = join(root, 'stand-in.mjs');
  writeFileSync(entry, script);
  port = startSensorProcess(
    entry,
    dataDir(),
    [],
  )({
    message: (message) => heard.push(message),
    ended: (reason) => ends.push(reason),
  });
}
function isGone(pid: number): boolean {
  try {
    return !process.kill(pid, 0);
  } catch (error) {
    return isErrno(error, 'ESRCH');
  }
}
const logs = (): string[] => heard.flatMap((message) => (message.kind === 'log' ? [message.message] : []));

it('is given a directory of its own as its only argument, and ends when it is to', async () => {
  start(`process.on('message', (message) => {
    const said = JSON.stringify([process.argv.slice(2), message.kind]);
    process.send({ kind: 'log', level: 'info', message: said });
  });
  process.send({ kind: 'ready', pid: process.pid });
  process.on('disconnect', () => process.exit(0));`);
  await some(() => heard);
  expect(heard).toEqual([{ kind: 'ready', pid: port?.pid }]);
  port?.send({ kind: 'pause' });
  await some(() => logs());
  expect(logs()).toEqual([JSON.stringify([[dataDir()], 'pause'])]);
  expect(statSync(dataDir()).mode & 0o7777).toBe(0o700);
  const pid = port?.pid ?? 0;
  await port?.stop();
  expect(isGone(pid)).toBe(true);
});

it('is killed when it does not end by itself', async () => {
  start(`process.on('disconnect', () => {});
  setInterval(() => {}, 1000);
  process.send({ kind: 'ready', pid: process.pid });`);
  await some(() => heard);
  const pid = port?.pid ?? 0;
  await port?.stop();
  expect(isGone(pid)).toBe(true);
});

it.each([
  ["{ kind: 'events', stream: 'fim', chain: 'c', events: [] }", 'no event'],
  ["{ kind: 'state', state: {} }", 'half a state'],
  [
    "{ kind: 'events', stream: 'fim', chain: 'c', events: [{ id: 'e', at: 1, sequence: 1, body: '{}\\n{}' }] }",
    'two lines as one event',
  ],
])('is not believed what it says out of the contract: %s', async (message) => {
  start(`process.send(${message}); setInterval(() => {}, 1000);`);
  await some(() => ends);
  expect(ends[0]).toMatch(/^sent a message that can't be read: /);
  expect(heard).toEqual([]);
});

it('says why where its directory can not be made', async () => {
  writeFileSync(join(root, 'sensor'), '');
  chmodSync(join(root, 'sensor'), 0o600);
  start('');
  expect(ends).toEqual([]);
  await some(() => ends);
  expect(ends[0]).toMatch(/sensor|exist/);
});
