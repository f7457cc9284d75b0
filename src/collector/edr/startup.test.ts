import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contextOn, layOut, place } from '../testing/host.ts';
import { SteppedTimers } from '../testing/timers.ts';
import { StartupWatch, type StartupItem } from './startup.ts';

const PASSWD = 'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n';

/** A look at what starts programs on a laid-out Linux; folders that are watched are named, and stirred by the test. */
function watching(root: string, stateFile?: string) {
  const timers = new SteppedTimers();
  const added: StartupItem[] = [];
  const folders = new Set<string>();
  const watch = new StartupWatch({
    context: contextOn(root),
    startTimer: timers.start,
    stateFile,
    added: (items) => added.push(...items),
    log: () => undefined,
    watchFolder: (folder) => {
      folders.add(folder.slice(root.length));
      return () => folders.delete(folder.slice(root.length));
    },
  });
  return { watch, added, folders };
}

describe('what starts programs on Linux', () => {
  it('R201 is told where it is new or another, and not where it was there or is turned off', async () => {
    const root = layOut({
      '/etc/passwd': PASSWD,
      '/etc/cron.d/backup': '0 3 * * * root /bin/backup\n',
      '/home/ann/.config/autostart/old.desktop':
        '[Desktop Entry]\nType=Application\nName=Old\nExec=/bin/old\n',
    });
    const { watch, added, folders } = watching(root);
    await watch.start();
    expect(added).toEqual([]);
    expect([...folders]).toEqual(
      expect.arrayContaining(['/etc', '/etc/cron.d', '/home/ann/.config/autostart']),
    );
    place(root, '/etc/cron.d/evil', '* * * * * root /tmp/evil\n');
    place(
      root,
      '/home/ann/.config/autostart/off.desktop',
      '[Desktop Entry]\nType=Application\nName=Off\nExec=/bin/off\nHidden=true\n',
    );
    await watch.look();
    expect(added).toMatchObject([
      {
        action: 'scheduled_task_added',
        location: '/etc/cron.d/evil',
        command: '/tmp/evil',
        isChange: false,
        whileAway: false,
      },
    ]);
    await watch.close();
  });

  it('R201 is told with the reason where it came while the agent was away', async () => {
    const root = layOut({ '/etc/passwd': PASSWD });
    const stateFile = join(root, 'state.json');
    const before = watching(root, stateFile);
    await before.watch.start();
    await before.watch.close();
    place(root, '/etc/cron.d/evil', '* * * * * root /tmp/evil\n');
    const { watch, added } = watching(root, stateFile);
    await watch.start();
    expect(added).toMatchObject([{ location: '/etc/cron.d/evil', whileAway: true }]);
    await watch.close();
  });
});
