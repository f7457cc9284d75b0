import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Task } from '../../../shared/manifest.ts';
import { DoubledDrive, DoubledWindows } from '../../fim/windows/testing/doubled-windows.ts';
import type { Sensor } from '../session.ts';
import { windowsSources } from '../windows.ts';
import { runSensor } from './run-sensor.ts';

/* The real sensor over a double of Windows (fim/windows/testing/doubled-windows.ts); the ledger is the test's. */

export const OWN = 'C:\\ProgramData\\Wayfarer\\Agent';
export const CANARY = `${OWN}\\sensor\\canary`;
export const NOTEPAD = 'C:\\Windows\\System32\\notepad.exe';
export const WRITE = 0x100;
export const rule = (id: string, params: Task['params']): Task => ({ id, table: 'file_integrity', params });
export const HOSTS = rule('etc', { kind: 'directory', path: 'C:\\Watched' });
export const RUN = rule('run', { kind: 'registry', path: 'HKLM\\SOFTWARE\\Run', diff: true });
export const STARTS: Task = { id: 'starts', table: 'process_events', params: { severity: 'low' } };

/** Directory of the sensor of the test that runs. */
export const at = { dataDir: '' };
let sensors: Sensor[] = [];

/** Gives each test of the calling file a directory of its own, and ends its sensors. */
export function separateHosts(): void {
  beforeEach(() => {
    at.dataDir = mkdtempSync(join(tmpdir(), 'wf-windows-'));
  });
  afterEach(async () => {
    await Promise.all(sensors.map((sensor) => sensor.end(0)));
    sensors = [];
    rmSync(at.dataDir, { recursive: true });
  });
}

/** A double of Windows with a drive that has a watched directory, number 5, and that of the agent, number 6. */
export function doubled(): { windows: DoubledWindows; drive: DoubledDrive } {
  const windows = new DoubledWindows();
  const drive = new DoubledDrive().directory(5n, 'C:\\Watched').directory(6n, `${OWN}\\sensor`);
  windows.drives.set('C', drive);
  return { windows, drive };
}

/** One run of the sensor on that host. */
export async function runOnWindows({ windows, drive }: ReturnType<typeof doubled>) {
  const { timers } = windows;
  const run = await runSensor({
    ...windowsSources(at.dataDir, () => undefined, windows.host()),
    ...{ os: 'win32', timers, own: [OWN], canaryPath: CANARY },
    touchCanary: () => {
      drive.write({ parent: 6n, name: 'Canary', at: timers.now(), reason: WRITE });
    },
  });
  sensors.push(run.sensor);
  return run;
}

export const access = (more: Readonly<Record<string, string>> = {}) => ({
  ObjectType: 'File',
  ObjectName: 'C:\\Watched\\hosts',
  AccessMask: '0x2',
  ProcessId: '0x1a2c',
  ProcessName: NOTEPAD,
  ...more,
});
export const start = (pid: string, more: Readonly<Record<string, string>> = {}) => ({
  NewProcessId: pid,
  NewProcessName: NOTEPAD,
  ProcessId: '0x10',
  ParentProcessName: 'C:\\Windows\\explorer.exe',
  CommandLine: 'notepad.exe /a',
  ...more,
});
export const value = (more: Readonly<Record<string, string>> = {}) => ({
  ObjectName: '\\REGISTRY\\MACHINE\\SOFTWARE\\Run',
  ObjectValueName: 'Updater',
  OperationType: '%%1905',
  OldValue: 'C:\\old.exe',
  NewValue: 'C:\\new.exe',
  ProcessId: '0x1a2c',
  ProcessName: NOTEPAD,
  ...more,
});
