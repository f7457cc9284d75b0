import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { because, noLinux } from '../../../test/support/reason.ts';
import { until } from '../../../test/support/until.ts';
import { errnoName, loadLibc, O, pathBytes, POLL, type Libc } from './libc.ts';
import { ReadableWatch } from './readable.ts';

describe.skipIf(noLinux !== undefined)(`waiting for descriptors${because(noLinux)}`, () => {
  let libc: Libc;
  let watch: ReadableWatch;
  const open: number[] = [];
  const failures: string[] = [];
  const eventfd = (): number => {
    const fd = libc.eventfd();
    open.push(fd);
    return fd;
  };
  const one = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  const now = (): number => performance.now();

  beforeEach(() => {
    libc = loadLibc();
    watch = new ReadableWatch({ now, failed: (reason) => failures.push(reason) });
  });
  afterEach(async () => {
    await watch.stop();
    for (const fd of open.splice(0)) libc.close(fd);
    failures.length = 0;
  });

  const drain = (fd: number): number => libc.read(fd, Buffer.alloc(8));

  it('tells of each descriptor that has something and of no other', async () => {
    const [first, second] = [eventfd(), eventfd()];
    const heard: string[] = [];
    const add = (name: string, fd: number): void => {
      watch.add({
        fd,
        events: POLL.IN,
        ready: () => {
          heard.push(`${name} ${drain(fd)} ${errnoName(drain(fd))}`);
          return 0;
        },
      });
    };
    add('first', first);
    add('second', second);
    libc.write(second, one);
    await until('the second', () => (heard.length > 0 ? true : undefined));
    libc.write(first, one);
    await until('the first', () => (heard.length > 1 ? true : undefined));
    expect(heard).toEqual(['second 8 EAGAIN', 'first 8 EAGAIN']);
  });

  it('asks again at once for what was left, and leaves a descriptor alone for as long as its reader says', async () => {
    const fd = eventfd();
    const times: number[] = [];
    libc.write(fd, one);
    watch.add({ fd, events: POLL.IN, ready: () => (times.push(now()), times.length === 3 ? 50 : 0) });
    await until('four calls', () => (times.length >= 4 ? true : undefined));
    expect(times[3]! - times[2]!).toBeGreaterThanOrEqual(49);
  });

  it('keeps serving others while one is left alone, and takes descriptors out', async () => {
    const [busy, other] = [eventfd(), eventfd()];
    let [told, heard] = [0, 0];
    libc.write(busy, one);
    const remove = watch.add({ fd: busy, events: POLL.IN, ready: () => ((told += 1), 3_600_000) });
    watch.add({ fd: other, events: POLL.IN, ready: () => ((heard += 1), drain(other), 0) });
    await until('the busy one', () => (told === 1 ? true : undefined));
    libc.write(other, one);
    await until('the other one', () => (heard === 1 ? true : undefined));
    remove();
    libc.write(other, one);
    await until('the other one again', () => (heard === 2 ? true : undefined));
    expect(told).toBe(1);
  });

  it('ends its thread when it is stopped, and takes nothing more', async () => {
    const fd = eventfd();
    watch.add({ fd, events: POLL.IN, ready: () => 0 });
    await watch.stop();
    expect(() => watch.add({ fd, events: POLL.IN, ready: () => 0 })).toThrow('ended');
  });

  it('says that a descriptor is none instead of waiting for it', async () => {
    const told: number[] = [];
    const remove = watch.add({ fd: 9_999, events: POLL.IN, ready: (revents) => (told.push(revents), 0) });
    await until('an answer', () => (told.length > 0 ? true : undefined));
    remove();
    expect(told[0]).toBe(POLL.NVAL);
  });

  it('says so when poll itself refuses, and ends', async () => {
    const refusing: Libc = {
      ...libc,
      pollInThread: (fds, timeoutMs, done) => setImmediate(done, fds.length > 0 ? -1 : timeoutMs),
      pollNow: () => -12,
    };
    const broken = new ReadableWatch({ now, failed: (reason) => failures.push(reason), libc: refusing });
    broken.add({ fd: eventfd(), events: POLL.IN, ready: () => 0 });
    await until('the failure', () => failures[0]);
    await broken.stop();
    expect(failures).toEqual(['poll: ENOMEM']);
  });

  it('takes no processor time while nothing happens', () => {
    // In a process of its own: what other tests left behind takes time in this one.
    const source = `
      import { ReadableWatch } from ${JSON.stringify(join(import.meta.dirname, 'readable.ts'))};
      import { loadLibc } from ${JSON.stringify(join(import.meta.dirname, 'libc.ts'))};
      const watch = new ReadableWatch({ now: () => performance.now(), failed: () => {} });
      watch.add({ fd: loadLibc().eventfd(), events: 1, ready: () => 0 });
      const before = process.cpuUsage();
      setTimeout(() => {
        const { user, system } = process.cpuUsage(before);
        console.log((user + system) / 1_000);
        process.exit();
      }, 500);`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
      timeout: 15_000,
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/^[\d.]+\n$/);
    expect(Number(stdout)).toBeLessThan(100);
  });

  it('does not keep a process from exiting', () => {
    const source = `
      import { ReadableWatch } from ${JSON.stringify(join(import.meta.dirname, 'readable.ts'))};
      import { loadLibc } from ${JSON.stringify(join(import.meta.dirname, 'libc.ts'))};
      const watch = new ReadableWatch({ now: () => performance.now(), failed: () => {} });
      watch.add({ fd: loadLibc().eventfd(), events: 1, ready: () => 0 });
      setTimeout(() => process.exit(7), 50);`;
    const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
      timeout: 15_000,
    });
    expect(status).toBe(7);
  });
});

describe.skipIf(noLinux !== undefined)(`the C library${because(noLinux)}`, () => {
  it('gives errors as negative numbers, with their names', () => {
    const libc = loadLibc();
    expect(errnoName(libc.open(pathBytes('/no/such/file'), O.RDONLY))).toBe('ENOENT');
    expect(errnoName(libc.close(9_999))).toBe('EBADF');
    expect(() => pathBytes('a\0b')).toThrow('NUL');
  });

  it('opens paths that are not valid UTF-8', () => {
    const libc = loadLibc();
    const folder = mkdtempSync(join(tmpdir(), 'wf-libc-'));
    const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff, 0xfe)]);
    const O_CREAT = 0o100;
    const fd = libc.open(pathBytes(path), O_CREAT);
    expect(fd).toBeGreaterThan(2);
    libc.close(fd);
    rmSync(folder, { recursive: true });
  });
});
