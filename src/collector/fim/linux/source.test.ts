import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FanotifyListener, ruleSet } from '../../../../test/support/fanotify-listener.ts';

import { because, noLinuxRoot } from '../../../../test/support/reason.ts';
import { until } from '../../../../test/support/until.ts';
import { errnoName, ERRNO } from '../../native/libc.ts';
import { ReadableWatch } from '../../native/readable.ts';
import type { LostChanges, RawChange } from '../change.ts';
import { RuleSet } from '../rule-set.ts';
import { loadFanotifyCalls, type FanotifyCalls } from './calls.ts';
import { FAN } from './fanotify-abi.ts';
import { FanotifySource } from './source.ts';

/** Flags that kernels before Linux 5.15 and 5.17 refuse. */
const SINCE_5_15 = 0x80;
const SINCE_5_17 = 0x1000;

describe.skipIf(noLinuxRoot !== undefined)(`a source of which a call fails${because(noLinuxRoot)}`, () => {
  const told = {
    changes: [] as RawChange[],
    lost: [] as LostChanges[],
    failures: [] as string[],
    troubles: [] as string[],
  };
  const withSource = async (
    change: (calls: FanotifyCalls) => Partial<FanotifyCalls>,
    work: (source: FanotifySource, real: FanotifyCalls) => void | Promise<void>,
  ): Promise<void> => {
    const real = loadFanotifyCalls();
    const watch = new ReadableWatch({ now: () => performance.now(), failed: () => undefined });
    for (const list of Object.values(told)) list.length = 0;
    const source = new FanotifySource(
      {
        watch,
        calls: { ...real, ...change(real) },
        attribute: () => ({ actor: { state: 'unknown', reason: 'a test' } }),
        now: () => 0,
        monotonic: () => performance.now(),
        events: {
          changes: (changes) => void told.changes.push(...changes),
          lost: (lost) => void told.lost.push(lost),
          failed: (reason) => void told.failures.push(reason),
          log: (_level, text) => void told.troubles.push(text),
          mountsChanged: () => undefined,
        },
      },
      new RuleSet([], [], 'linux'),
    );
    try {
      await work(source, real);
    } finally {
      source.stop();
      await watch.stop();
    }
  };

  it.each([ERRNO.EPERM, ERRNO.ENOSYS, ERRNO.EINVAL])(
    'does not start without fanotify (errno %d)',
    async (errno) => {
      await withSource(
        () => ({ init: () => -errno }),
        (source) => {
          expect(() => source.start()).toThrow(`fanotify_init: ${errnoName(-errno)}`);
          expect(source.mounts()).toEqual([]);
        },
      );
    },
  );

  it('leaves nothing open where it can not be told of mounts', async () => {
    const open = new Set<number>();
    await withSource(
      (real) => ({
        init: (flags) => {
          const fd = real.init(flags);
          open.add(fd);
          return fd;
        },
        mark: () => {
          throw new Error('no marks');
        },
        libc: {
          ...real.libc,
          open: (path, flags) => {
            const fd = real.libc.open(path, flags);
            if (fd >= 0) open.add(fd);
            return fd;
          },
          close: (fd) => {
            open.delete(fd);
            return real.libc.close(fd);
          },
        },
      }),
      (source) => {
        expect(() => source.start()).toThrow('no marks');
        expect([...open]).toEqual([]);
        expect(source.mounts()).toEqual([]);
      },
    );
  });

  it.each([
    ['5.15', SINCE_5_17],
    ['5.9', SINCE_5_17 | SINCE_5_15],
  ])('asks Linux %s for no more than it has', async (_release, refused) => {
    const flags: number[] = [];
    await withSource(
      (real) => ({
        init: (asked) => {
          const result = (asked & refused) === 0 ? real.init(asked) : -ERRNO.EINVAL;
          if (result >= 0) flags.push(asked);
          return result;
        },
      }),
      (source) => {
        source.start();
        expect(flags).toHaveLength(2);
        expect(flags.every((asked) => (asked & refused) === 0)).toBe(true);
      },
    );
  });

  it('takes both halves of a move where the kernel does not tell them together', async () => {
    const masks: number[] = [];
    await withSource(
      (real) => ({
        mark: (group, markFlags, mask, path, dirfd) => {
          if ((mask & FAN.RENAME) !== 0) return -ERRNO.EINVAL;
          masks.push(mask);
          return real.mark(group, markFlags, mask, path, dirfd);
        },
      }),
      (source) => source.start(),
    );
    expect(masks.every((mask) => (mask & FAN.RENAME) === 0)).toBe(true);
  });

  it('says that it has failed when its queue can no longer be read, once, and closes everything', async () => {
    const open = new Set<number>();
    await withSource(
      (real) => {
        let groups = 0;
        return {
          init: (flags) => {
            const fd = real.init(flags);
            open.add(fd);
            groups += 1;
            // The first group is readable at once: what is open is an event descriptor that nobody drains.
            if (groups > 1) return fd;
            real.libc.close(fd);
            open.delete(fd);
            const ready = real.libc.eventfd();
            open.add(ready);
            real.libc.write(ready, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
            return ready;
          },
          libc: {
            ...real.libc,
            read: () => -5,
            close: (fd) => {
              open.delete(fd);
              return real.libc.close(fd);
            },
          },
        };
      },
      async (source) => {
        source.start();
        await until('the failure', () => told.failures[0]);
        expect(told.failures).toEqual(['read: EIO']);
        expect([...open]).toEqual([]);
      },
    );
  });

  it('reports what it could not read as lost, and goes on', async () => {
    await withSource(
      (real) => {
        let [groups, reads, first] = [0, 0, -1];
        return {
          init: (flags) => {
            groups += 1;
            if (groups > 1) return real.init(flags);
            first = real.libc.eventfd();
            real.libc.write(first, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]));
            return first;
          },
          libc: {
            ...real.libc,
            read: (fd, into) => {
              if (fd !== first) return real.libc.read(fd, into);
              real.libc.read(first, Buffer.alloc(8));
              reads += 1;
              return reads === 1 ? into.fill(3, 0, 64).length && 64 : -ERRNO.EAGAIN;
            },
          },
        };
      },
      async (source) => {
        source.start();
        await until('the loss', () => told.lost[0]);
        expect(told.lost).toEqual([{ reason: 'error', below: [] }]);
        expect(told.failures).toEqual([]);
      },
    );
  });
});

describe.skipIf(noLinuxRoot !== undefined)(`the order of changes${because(noLinuxRoot)}`, () => {
  it('R199 stays when the news of a program comes while somebody asks who made one', async () => {
    const root = mkdtempSync(join(tmpdir(), 'wayfarer-order-'));
    let programs = 0;
    const listener = new FanotifyListener(ruleSet([root]), () => {
      programs += 1;
      // Far more programs than turns: each makes a change of its own, and the source is to read it now.
      if (programs > 1_000) return;
      mkdirSync(join(root, String(programs)));
      listener.source.readNow();
    });
    try {
      writeFileSync(join(root, 'first'), '');
      await listener.heard(join(root, '1000'), ['created']);
      const created = listener.changes.map(({ path }) => path.slice(root.length + 1));
      const expected = ['first', ...Array.from({ length: 1_000 }, (_, index) => String(index + 1))];
      expect([...new Set(created)]).toEqual(expected);
    } finally {
      await listener.stop();
      rmSync(root, { recursive: true });
    }
  });
});
