import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DoubledRegistry } from '../fim/windows/testing/doubled-registry.ts';
import { sampleContext } from '../testing/sample-host.ts';
import { SteppedTimers } from '../testing/timers.ts';
import { samplePowerShell } from '../windows/testing/sample-powershell.ts';
import { startupKeys, WINDOWS_STARTUP } from './startup-windows.ts';
import { StartupWatch, type StartupItem } from './startup.ts';

const STARTUP = 'AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Startup';
const RUN = 'SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run';

const service = (key: string, start: number, image = 'C:\\a.exe') => ({
  ...{ key, type: 16, start, image },
  ...{ delayed: null, display: null, account: null, dll: null },
});
const runKey = (name: string, user: string | null, approved: number | null = null) => ({
  ...{ name, user, approved, command: `C:\\${name}.exe` },
  location: user === null ? `HKLM\\${RUN}` : `HKCU\\${RUN}`,
});
const task = (name: string, enabled: boolean | null) => ({
  ...{ name, enabled, folder: '\\', user: 'SYSTEM', commands: ['C:\\t.exe'], triggers: [] },
});

/** A look at what starts programs on a laid-out Windows whose PowerShell says what the test has it say. */
function watching() {
  const timers = new SteppedTimers();
  const sections: Record<'service' | 'run' | 'task', readonly object[]> = { service: [], run: [], task: [] };
  const context = sampleContext({
    os: 'win32',
    files: { [`C:/Users/anna/${STARTUP}/old.lnk`]: 'L', 'C:/Windows/System32/Tasks/One': '' },
    run: (file, args) => {
      const lines = Object.entries(sections).map(([section, rows]) => [
        section,
        JSON.stringify({ section, rows }),
      ]);
      return samplePowerShell(Object.fromEntries(lines) as Record<string, string>)(file, args);
    },
  });
  const added: StartupItem[] = [];
  const folders = new Map<string, () => void>();
  const signs = { changed: () => undefined as unknown };
  const watch = new StartupWatch({
    context: { ...context, now: timers.now },
    host: WINDOWS_STARTUP,
    startTimer: timers.start,
    stateFile: undefined,
    added: (items) => added.push(...items),
    log: () => undefined,
    watchFolder: (folder, onEvent) => {
      folders.set(folder.slice(context.root.length + 1).replaceAll('\\', '/'), onEvent);
      return () => undefined;
    },
    signs: { listen: (changed) => (signs.changed = changed), close: () => undefined },
  });
  const pass = async (ms: number): Promise<void> => {
    timers.pass(ms);
    await new Promise((resolve) => void setImmediate(resolve));
  };
  return { watch, context, sections, added, folders, signs, pass };
}

describe('what starts programs on Windows', () => {
  it('R201 is told where it is new or another, and not where it is turned off', async () => {
    const { watch, sections, added } = watching();
    sections.service = [service('Old', 2), service('Off', 4)];
    sections.run = [runKey('Old', null)];
    await watch.start();
    expect(added).toEqual([]);
    sections.service = [service('Old', 2, 'C:\\other.exe'), service('Off', 3), service('Dead', 4)];
    sections.run = [runKey('Old', null), runKey('New', 'CORP\\anna'), runKey('Barred', null, 3)];
    sections.task = [task('Evil', true), task('Asleep', false), task('Unsaid', null)];
    await watch.look();
    expect(added).toMatchObject([
      { action: 'startup_item_added', name: 'New', location: `HKCU\\${RUN}`, user: 'CORP\\anna' },
      {
        name: 'Old',
        location: 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\Old',
        command: 'C:\\other.exe',
        isChange: true,
      },
      { name: 'Off', isChange: true },
      { action: 'scheduled_task_added', name: 'Evil', location: '\\Evil' },
      { action: 'scheduled_task_added', name: 'Unsaid' },
    ]);
    await watch.close();
  });

  it('the items of a user who logs off and on again are not new, those of another one are', async () => {
    const { watch, sections, added } = watching();
    sections.run = [runKey('Hers', 'CORP\\anna'), runKey('All', null)];
    await watch.start();
    sections.run = [];
    await watch.look();
    sections.run = [runKey('Hers', 'CORP\\anna'), runKey('His', 'CORP\\ben'), runKey('All', null)];
    await watch.look();
    expect(added.map(({ name }) => name)).toEqual(['His', 'All']);
    await watch.close();
  });

  it('is looked at once an hour through one PowerShell, and early where a folder or a key tells of a change', async () => {
    const { watch, context, sections, added, folders, signs, pass } = watching();
    await watch.start();
    expect([...folders.keys()]).toEqual(
      expect.arrayContaining(['C/Users', `C/Users/anna/${STARTUP}`, 'C/Windows/System32/Tasks']),
    );
    await pass(3_599_000);
    expect(context.calls).toHaveLength(1);
    await pass(1_000);
    expect(context.calls).toHaveLength(2);
    sections.task = [task('Evil', true)];
    folders.get('C/Windows/System32/Tasks')?.();
    await pass(5_000);
    await pass(60_000);
    expect([context.calls.length, added.length]).toEqual([3, 1]);
    mkdirSync(join(context.root, 'C/Users/ben', STARTUP), { recursive: true });
    signs.changed();
    await pass(5_000);
    await pass(60_000);
    expect([context.calls.length, folders.has(`C/Users/ben/${STARTUP}`)]).toEqual([4, true]);
    await watch.close();
  });

  it('is looked at once a minute at most, whoever changes something all the time', async () => {
    const { watch, context, signs, pass } = watching();
    await watch.start();
    for (let passed = 0; passed < 600; passed += 6) {
      signs.changed();
      await pass(6_000);
    }
    expect(context.calls.length).toBeGreaterThan(2);
    expect(context.calls.length).toBeLessThan(12);
    await watch.close();
  });

  it('R201 is told of as far as it can be read, by whomever the rest is hidden, and that is said', async () => {
    const { watch, sections, added } = watching();
    const filled = { ...runKey('', 'CORP\\ben'), more: true };
    sections.run = [filled, runKey('Old', null)];
    await watch.start();
    expect(watch.trouble).toBe(`startup_items: more than is read in HKCU\\${RUN} of CORP\\ben`);
    sections.run = [runKey('Old', null), runKey('Unseen before', 'CORP\\ben')];
    await watch.look();
    expect([watch.trouble, added]).toEqual([undefined, []]);
    sections.run = [filled, runKey('New', null)];
    sections.task = [{ ...task('One too many', true), more: true }];
    await watch.look();
    expect(watch.trouble).toContain('; scheduled_tasks: more than 2000 tasks');
    sections.run = [runKey('Old', null), runKey('New', null)];
    await watch.look();
    expect(added.map(({ name }) => name)).toEqual(['New']);
    await watch.close();
  });

  it('R201 stands in keys of the machine and of every user who is logged on', () => {
    const registry = new DoubledRegistry().set('HKU\\S-1-5-21-1\\Software', 'v', 'a');
    const keys = startupKeys(registry.open).map(({ key, values }) => `${key}${values ? '' : ' (names)'}`);
    expect(keys).toEqual([
      'HKLM\\SYSTEM\\CurrentControlSet\\Services (names)',
      ...['HKLM\\SOFTWARE', 'HKLM\\SOFTWARE\\WOW6432Node', 'HKU\\S-1-5-21-1\\SOFTWARE'].map(
        (above) => `${above}\\Microsoft\\Windows\\CurrentVersion (names)`,
      ),
      `HKLM\\${RUN}`,
      `HKLM\\${RUN}Once`,
      `HKLM\\${RUN.replace('SOFTWARE', 'SOFTWARE\\WOW6432Node')}`,
      `HKLM\\${RUN.replace('SOFTWARE', 'SOFTWARE\\WOW6432Node')}Once`,
      `HKU\\S-1-5-21-1\\${RUN}`,
      `HKU\\S-1-5-21-1\\${RUN}Once`,
    ]);
  });
});
