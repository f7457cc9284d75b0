import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Task } from '../../../shared/manifest.ts';
import type { FromSensor } from '../../../shared/sensor.ts';
import type { Examination, ToLedger } from '../../fim/ledger/messages.ts';
import { DoubledDrive, DoubledWindows } from '../../fim/windows/testing/doubled-windows.ts';
import { Sensor } from '../session.ts';
import { windowsSources } from '../windows.ts';

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

/** Has what was promised happen. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
};

/** A double of Windows with a drive that has a watched directory, number 5, and that of the agent, number 6. */
export function doubled(): { windows: DoubledWindows; drive: DoubledDrive } {
  const windows = new DoubledWindows();
  const drive = new DoubledDrive().directory(5n, 'C:\\Watched').directory(6n, `${OWN}\\sensor`);
  windows.drives.set('C', drive);
  return { windows, drive };
}

/** One run of the sensor on that host. */
export async function runOnWindows({ windows, drive }: ReturnType<typeof doubled>) {
  const sent: FromSensor[] = [];
  const posted: ToLedger[] = [];
  let receive: (message: unknown) => void = () => undefined;
  const { timers } = windows;
  const sensor = new Sensor({
    port: {
      send: (message) => void sent.push(message),
      onMessage: (receiver) => (receive = receiver),
      onClose: () => undefined,
    },
    os: 'win32',
    pid: 4_242,
    now: timers.now,
    startTimer: timers.start,
    rssBytes: () => 1,
    openLedger: ({ message: tell }) => ({
      post: (message) => {
        if (message.kind === 'ping') tell({ kind: 'pong' });
        else posted.push(message);
      },
      stop: () => Promise.resolve(),
    }),
    ...windowsSources(at.dataDir, () => undefined, windows.host()),
    realPath: ({ path }) => path,
    canaryPath: CANARY,
    touchCanary: () => {
      drive.write({ parent: 6n, name: 'Canary', at: timers.now(), reason: WRITE });
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
  return {
    ...{ posted, of, pass, sensor },
    watch: async (fim: readonly Task[] | null, edr: readonly Task[] | null = null) => {
      receive({
        kind: 'watch',
        fim: fim === null ? null : { tasks: [...fim], rescanHours: 24 },
        edr: edr === null ? null : { tasks: [...edr] },
        own: [OWN],
        sharePct: 50,
      });
      await settle();
    },
    examined: (): Examination[] => of('examine').flatMap(({ items }) => items),
    appended: () => of('append').flatMap(({ events }) => events),
    state: () => sent.findLast((message) => message.kind === 'state')?.state,
  };
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
