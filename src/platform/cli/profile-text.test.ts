import { describe, expect, it } from 'vitest';
import { ProfileSchema, type Profile } from '../../shared/profile.ts';
import { profileText } from './profile-text.ts';
import { profileSettings, SETTINGS_HELP } from './profile-settings.ts';

const textOf = (change: Partial<Profile> = {}): string =>
  profileText({
    customer: 'c',
    position: 0,
    isDefault: true,
    includeTags: ['Office'],
    excludeTags: [],
    hostNames: ['laptop-1'],
    profile: { ...ProfileSchema.parse({ id: 'p', name: 'Laptops' }), ...change },
  });

describe('a profile in words', () => {
  it('R129 has the sections that administrators know', () => {
    const sections = textOf()
      .split('\n')
      .filter((line) => /^# [A-Z]/.test(line))
      .map((line) => line.slice(2));
    expect(sections).toEqual([
      'General Info',
      'Blackout Windows',
      'Performance',
      'Assign Hosts',
      'Agent Scan Merge',
      'VM, PC and SCA Scan Interval',
      'FIM',
      'EDR',
      'PM',
    ]);
  });

  it('holds every setting once, as "profiles edit" takes it', () => {
    const pairs = textOf({ scanMergePorts: [10_001], cpuThrottleMs: 7 })
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.replace(/ {3}# .*$/, '').split(/=(.*)/s, 2) as [string, string]);
    const names = pairs.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
    const settings = profileSettings(Object.fromEntries(pairs));
    const { id: _id, ...known } = ProfileSchema.parse({ id: 'p', name: 'Laptops' });
    expect(Object.keys(settings).sort()).toEqual(Object.keys(known).sort());
    expect(settings).toMatchObject({ cpuThrottleMs: '7', scanMergePorts: [10_001], name: 'Laptops' });
  });

  it('R150 says which CPU settings are recommended', () => {
    expect(textOf()).toContain('cpuThrottleMs=20   # recommended: 1 to 20');
    expect(textOf()).toContain('cpuLimitPct=5   # recommended: 10 to 20');
  });

  it('R135 is assigned by tags rather than by names: the help says so', () => {
    expect(SETTINGS_HELP).toContain('Assign by tags rather than by host names');
  });
});
