import { mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLocalTime } from './local-time.ts';

describe('local time', () => {
  let folder: string;
  let now: number;
  /** How often Node was made to read its zone again. */
  let touched: number;
  const zoneFile = (): string => join(folder, 'localtime');
  const environment = (given: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv =>
    new Proxy(given, {
      deleteProperty: (target, name) => {
        touched += 1;
        return Reflect.deleteProperty(target, name);
      },
    });
  const move = (zone: string): void => {
    unlinkSync(zoneFile());
    symlinkSync(`/usr/share/zoneinfo/${zone}`, zoneFile());
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wf-zone-'));
    symlinkSync('/usr/share/zoneinfo/UTC', zoneFile());
    now = Date.UTC(2026, 10, 27);
    touched = 0;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('is ahead of UTC by what the clock on the wall says', () => {
    const { offsetAt } = openLocalTime({ TZ: 'given' }, () => now);
    expect(offsetAt(now)).toBe(0 - new Date(now).getTimezoneOffset() * 60_000);
  });

  it('has the zone read again within a minute of its change, and only then', () => {
    const { offsetAt } = openLocalTime(environment(), () => now, zoneFile());
    now += 60_000;
    offsetAt(now);
    expect(touched).toBe(0);
    move('Asia/Kolkata');
    now += 59_999;
    offsetAt(now);
    expect(touched).toBe(0);
    now += 1;
    offsetAt(now);
    offsetAt(now);
    expect(touched).toBe(1);
  });

  it('notices a zone that is a copy, one that is gone, and a clock that was set back', () => {
    const { offsetAt } = openLocalTime(environment(), () => now, zoneFile());
    unlinkSync(zoneFile());
    now += 60_000;
    offsetAt(now);
    expect(touched).toBe(1);
    writeFileSync(zoneFile(), 'TZif2');
    now -= 60_000;
    offsetAt(now);
    expect(touched).toBe(2);
  });

  it('leaves a zone alone that the process was given', () => {
    const { offsetAt } = openLocalTime(environment({ TZ: 'Europe/Berlin' }), () => now, zoneFile());
    move('Asia/Kolkata');
    now += 60_000;
    offsetAt(now);
    expect(touched).toBe(0);
  });
});
