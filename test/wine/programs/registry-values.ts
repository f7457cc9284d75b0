import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { SensorProcess } from '../../support/sensor-process.ts';
import { until } from '../../support/until.ts';

const DATA = 'C:\\data';
const STATE = `${DATA}\\registry-values.json`;
const KEYS = { machine: 'HKLM\\SOFTWARE\\WayfarerTest', user: 'HKCU\\Software\\WayfarerTest' };

const reg = (...args: string[]): void => {
  execFileSync('reg.exe', args, { stdio: 'ignore' });
};
const set = (key: string, name: string, type: string, data: string): void => {
  reg('add', key, ...(name === '' ? ['/ve'] : ['/v', name]), '/t', type, '/d', data, '/f');
};

function fill(): void {
  set(KEYS.machine, 'Text', 'REG_SZ', 'first');
  set(KEYS.machine, '', 'REG_SZ', 'default');
  set(KEYS.machine, 'Gone', 'REG_BINARY', '00ff');
  set(KEYS.machine, 'Same', 'REG_DWORD', '7');
  set(`${KEYS.machine}\\Below\\Deep`, 'äöü ☃', 'REG_MULTI_SZ', 'a\\0b');
  set(KEYS.user, 'Run', 'REG_SZ', 'C:\\first.exe');
}

function change(): void {
  set(KEYS.machine, 'Text', 'REG_SZ', 'second --password=hunter2');
  set(KEYS.machine, 'New', 'REG_EXPAND_SZ', '%TEMP%');
  set(KEYS.machine, 'DefaultPassword', 'REG_SZ', 'hunter2');
  reg('delete', KEYS.machine, '/v', 'Gone', '/f');
  reg('delete', `${KEYS.machine}\\Below`, '/f');
  set(KEYS.user, 'Run', 'REG_SZ', 'C:\\second.exe');
}

const FIM = Object.entries(KEYS).map(([id, path]) => ({
  id,
  table: 'file_integrity',
  params: { kind: 'registry', path, diff: true },
}));

async function sensor(): Promise<SensorProcess> {
  const started = await SensorProcess.start({ dataDir: DATA, edr: [] });
  started.watch({ dataDir: DATA, fim: FIM, edr: [] });
  return started;
}

/** Watches values through the whole sensor, and changes them while it does not run. */
export async function work(): Promise<unknown> {
  mkdirSync(DATA);
  fill();
  const first = await sensor();
  await until('values are kept', () => existsSync(STATE) || undefined);
  await first.stop();
  change();
  const second = await sensor();
  await until('every change is told', () => (second.fim.length >= 6 ? true : undefined));
  await second.stop();
  return { first: first.fim, second: second.fim, rules: second.state?.fim?.rules, faults: second.faults };
}
