import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noLinux } from '../../../../test/support/reason.ts';
import { ResolverSource } from './resolver-source.ts';
import { settled } from './testing/fake-time.ts';

/** Counts what a source says, and lets a test wait for the next word. */
class Ears {
  hints = 0;
  ups = 0;
  readonly downs: string[] = [];
  #waiting: (() => void)[] = [];

  readonly events = {
    hint: (): void => {
      this.hints += 1;
      for (const resolve of this.#waiting.splice(0)) resolve();
    },
    up: (): void => {
      this.ups += 1;
    },
    down: (reason: string): void => {
      this.downs.push(reason);
    },
  };

  /** Resolves with the next hint; the test's own time limit is what bounds it. */
  async hears(action: () => void): Promise<void> {
    const heard = new Promise<void>((resolve) => this.#waiting.push(resolve));
    action();
    await heard;
  }
}

/** Watches that this process holds, as the kernel counts them (proc(5), fdinfo); libuv drops some a turn later. */
function watchesHeld(): number {
  const infos = readdirSync('/proc/self/fdinfo').map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    } catch {
      return ''; // the one of the listing itself
    }
  });
  return infos.join('').match(/^inotify wd:/gm)?.length ?? 0;
}

describe('the watch on the resolver', () => {
  let root: string;
  let ears: Ears;
  let source: ResolverSource;
  const at = (...parts: string[]): string => join(root, ...parts);

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'wf-resolver-'));
    mkdirSync(at('etc'));
    mkdirSync(at('run'));
    ears = new Ears();
    source = new ResolverSource([at('etc/resolv.conf'), at('absent/resolv.conf')]);
  });
  afterEach(async () => {
    await source.stop();
    rmSync(root, { recursive: true, force: true });
  });

  it('sees the file come, change, be replaced and go', async () => {
    source.start(ears.events);
    expect(ears.ups).toBe(1);
    await ears.hears(() => {
      writeFileSync(at('etc/resolv.conf'), 'search a.example\n');
    });
    await ears.hears(() => {
      writeFileSync(at('etc/resolv.conf'), 'search b.example\n');
    });
    await ears.hears(() => {
      writeFileSync(at('etc/other'), 'search c.example\n');
      renameSync(at('etc/other'), at('etc/resolv.conf'));
    });
    await ears.hears(() => {
      unlinkSync(at('etc/resolv.conf'));
    });
    expect(ears.downs).toEqual([]);
  });

  it('sees a change behind a link, and behind the next link after that', async () => {
    writeFileSync(at('run/stub.conf'), 'search a.example\n');
    symlinkSync(at('run/stub.conf'), at('etc/resolv.conf'));
    source.start(ears.events);
    await ears.hears(() => {
      writeFileSync(at('run/stub.conf'), 'search b.example\n');
    });
    mkdirSync(at('elsewhere'));
    writeFileSync(at('elsewhere/other.conf'), 'search c.example\n');
    await ears.hears(() => {
      symlinkSync(at('elsewhere/other.conf'), at('etc/next'));
      renameSync(at('etc/next'), at('etc/resolv.conf'));
    });
    await ears.hears(() => {
      writeFileSync(at('elsewhere/other.conf'), 'search d.example\n');
    });
  });

  it('passes over other files of the folder', async () => {
    source.start(ears.events);
    writeFileSync(at('etc/hosts'), '127.0.0.1 localhost\n');
    await ears.hears(() => {
      writeFileSync(at('etc/resolv.conf'), 'search a.example\n');
    });
    expect(ears.hints).toBe(1);
  });

  it('is up and quiet where no folder is there, and says nothing after its end', async () => {
    const nowhere = new ResolverSource([at('absent/resolv.conf')]);
    nowhere.start(ears.events);
    expect(ears.ups).toBe(1);
    await nowhere.stop();
    source.start(ears.events);
    await source.stop();
    writeFileSync(at('etc/resolv.conf'), 'search a.example\n');
    // A second watch on the same folder hears the change, so the first would have as well.
    const second = new ResolverSource([at('etc/resolv.conf')]);
    const others = new Ears();
    second.start(others.events);
    await others.hears(() => {
      writeFileSync(at('etc/resolv.conf'), 'search b.example\n');
    });
    await second.stop();
    expect(ears.hints).toBe(0);
  });

  it.skipIf(noLinux !== undefined)(
    `holds no more watches after changes, and none after its end${because(noLinux)}`,
    async () => {
      const before = watchesHeld();
      writeFileSync(at('run/stub.conf'), '');
      symlinkSync(at('run/stub.conf'), at('etc/resolv.conf'));
      source.start(ears.events);
      expect(watchesHeld()).toBe(before + 2);
      for (let i = 0; i < 3; i += 1)
        await ears.hears(() => {
          writeFileSync(at('run/stub.conf'), `search d${String(i)}.example\n`);
        });
      await settled();
      expect(watchesHeld()).toBe(before + 2);
      await source.stop();
      await settled();
      expect(watchesHeld()).toBe(before);
    },
  );

  it('is down where a folder can not be watched', () => {
    const broken = new ResolverSource([at('x'.repeat(300), 'resolv.conf')]);
    broken.start(ears.events);
    expect(ears.ups).toBe(0);
    expect(ears.downs).toEqual([expect.stringContaining('ENAMETOOLONG')]);
  });
});
