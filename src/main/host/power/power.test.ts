import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { because, noProgram } from '../../../../test/support/reason.ts';
import { loadKoffi } from '../koffi.ts';
import { readLinuxPower } from './linux.ts';
import { parsePmset } from './macos.ts';
import { windowsPower } from './windows.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'wf-power-'));
  onTestFinished(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

/** The power by supplies with these values. */
function linux(supplies: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const root = folder();
  for (const [name, values] of Object.entries(supplies)) {
    mkdirSync(join(root, name));
    for (const [value, text] of Object.entries(values)) writeFileSync(join(root, name, value), `${text}\n`);
  }
  return readLinuxPower(root);
}

const battery = (more: Readonly<Record<string, string>> = {}) => ({
  type: 'Battery',
  present: '1',
  status: 'Discharging',
  capacity: '12',
  ...more,
});

describe('power on Linux', () => {
  it('is on battery where nothing from outside is on', () => {
    const AC = { type: 'Mains', online: '0' };
    expect(linux({ AC, BAT0: battery() })).toEqual({ onBattery: true, chargePct: 12 });
    expect(linux({ AC: { ...AC, online: '1' }, BAT0: battery() })).toMatchObject({ onBattery: false });
    const usb = { type: 'USB', online: '1' };
    expect(linux({ AC, usb, BAT0: battery() })).toMatchObject({ onBattery: false });
    expect(linux({ AC, BAT0: battery({ status: 'Unknown' }) })).toMatchObject({ onBattery: true });
    expect(linux({ BAT0: battery({ status: 'Full' }) })).toMatchObject({ onBattery: false });
  });

  it('counts several batteries by what they hold together', () => {
    const one = battery({ energy_now: '1000000', energy_full: '10000000', capacity: '10' });
    const two = battery({ energy_now: '21000000', energy_full: '30000000', capacity: '70' });
    expect(linux({ BAT0: one, BAT1: two })).toEqual({ onBattery: true, chargePct: 55 });
    const other = battery({ charge_now: '1', charge_full: '2', capacity: '50' });
    expect(linux({ BAT0: one, BAT1: other })).toEqual({ onBattery: true, chargePct: 30 });
    expect(linux({ BAT0: one, BAT1: battery({ present: '0', capacity: '0' }) })).toMatchObject({
      chargePct: 10,
    });
  });

  it('leaves out the batteries of mice and headsets, and says nothing where there is no supply', () => {
    const mouse = battery({ scope: 'Device', capacity: '3' });
    expect(linux({ mouse })).toBeUndefined();
    expect(linux({ mouse, AC: { type: 'Mains', online: '1' } })).toEqual({
      onBattery: false,
      chargePct: null,
    });
    expect(readLinuxPower(join(folder(), 'none'))).toBeUndefined();
    expect(linux({ BAT0: battery({ capacity: '?' }) })).toEqual({ onBattery: true, chargePct: null });
  });
});

it('power on macOS is read from pmset', () => {
  const line = (charge: number) =>
    ` -InternalBattery-0 (id=4522083)\t${String(charge)}%; discharging; 3:12 remaining present: true\n`;
  expect(parsePmset(`Now drawing from 'Battery Power'\n${line(18)}`)).toEqual({
    onBattery: true,
    chargePct: 18,
  });
  expect(parsePmset(`Now drawing from 'AC Power'\n${line(100)}`)).toMatchObject({ onBattery: false });
  expect(parsePmset(`Now drawing from 'AC Power'\n`)).toEqual({ onBattery: false, chargePct: null });
  expect(parsePmset('')).toBeUndefined();
});

const noCompiler = noProgram('gcc', 'gcc libc6-dev');

it.skipIf(noCompiler !== undefined)(`power on Windows crosses the interface${because(noCompiler)}`, () => {
  const library = join(folder(), 'fake-windows-power.so');
  const source = join(import.meta.dirname, '../../../../test/support/fake-windows-power.c');
  execFileSync('gcc', ['-shared', '-fPIC', '-o', library, source]);
  const set = loadKoffi().load(library).func('SetPower', 'void', ['uint8', 'uint8', 'uint8']);
  const read = windowsPower(library);
  const after = (line: number, flag: number, charge: number) => {
    set(line, flag, charge);
    return read();
  };
  expect(after(0, 2, 15)).toEqual({ onBattery: true, chargePct: 15 });
  expect(after(1, 8, 80)).toEqual({ onBattery: false, chargePct: 80 });
  expect(after(255, 255, 255)).toEqual({ onBattery: false, chargePct: null });
  expect(after(0, 128, 255)).toEqual({ onBattery: false, chargePct: null });
  expect(after(77, 0, 0)).toBeUndefined();
});
