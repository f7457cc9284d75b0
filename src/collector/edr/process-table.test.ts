import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeHost } from './testing/fake-host.ts';

const SHELL = '/usr/bin/dash';
const COPY = '/usr/bin/cp';

describe('the table of processes', () => {
  let host: FakeHost;
  beforeEach(() => {
    host = new FakeHost();
    host.runs(10, SHELL);
    host.now += 1_000;
    host.table.lost();
    host.table.scan();
    host.now += 1_000;
  });

  it('R199 knows a fork by its parent, and a program by its start', () => {
    host.fork(10, 11);
    host.now += 5;
    expect(host.who(11, 500)).toBe(SHELL);
    host.runs(11, COPY);
    host.exec(11);
    host.now += 5;
    expect(host.who(11, 4)).toBe(COPY);
    expect(host.who(11, 500)).toBe(`? it changed its program at that time: ${SHELL}, ${COPY}`);
    expect(host.who(11, 500, (device) => device === 1n)).toBe(COPY);
    expect(host.who(11, 500, () => false)).toContain('changed its program');
  });

  it('does not use the order of opens where a second thread could have acted while the first started a program', () => {
    host.fork(10, 11);
    host.fork(10, 11, 12);
    host.exit(11, 12);
    host.runs(11, COPY);
    host.exec(11);
    expect(host.who(11, 500, () => true)).toContain('changed its program');
  });

  it('names nothing that was read after the next program was in place, nor in those forked from it', () => {
    host.fork(10, 11);
    host.runs(11, COPY);
    // The first program was a shell; when its event is read, the next one runs already.
    host.exec(11, host.now - 3);
    host.fork(11, 12);
    expect(host.who(12, 1)).toBe(COPY);
    host.exec(11, host.now - 1);
    expect(host.who(11, 0.5)).toBe(COPY);
    host.now += 1;
    expect(host.who(12, 1)).toBe('? its program was replaced before it could be read');
  });

  it('takes no executable whose arguments are not there yet: the next program is being loaded', () => {
    host.fork(10, 11);
    host.runs(11, COPY, { arguments: Buffer.alloc(0) });
    host.exec(11);
    host.now += 1;
    expect(host.table.known(11)?.spans.at(-1)?.image.program).toBeUndefined();
    host.runs(11, COPY);
    expect(host.who(11, 0.5)).toBe(COPY);
  });

  it('R199 names of a process that is gone nobody who has its pid now, and the one that had it where that is known', () => {
    host.fork(10, 11);
    host.now += 500;
    host.exit(11);
    host.now += 1;
    host.fork(10, 11);
    host.runs(11, COPY);
    host.exec(11);
    host.now += 1;
    expect(host.whoIsGone(11, 100)).toBe(SHELL);
    // Of the one before nothing is known: it is neither the next one nor one that can be read now.
    host.fork(10, 12);
    host.runs(12, COPY);
    host.exec(12);
    host.runs(13, COPY);
    host.now += 1;
    expect(host.who(12, 0.5)).toBe(COPY);
    expect(host.whoIsGone(12, 100)).toBe('? gone before it could be read');
    expect(host.whoIsGone(13, 0.5)).toBe('? gone before it could be read');
  });

  it('tells a pid that was given anew by the start of its process', () => {
    host.fork(10, 11);
    host.now += 500;
    host.exit(11);
    expect(host.who(11, 100)).toBe(SHELL);
    host.now += 1;
    host.fork(10, 11);
    host.runs(11, COPY);
    host.exec(11);
    host.now += 1;
    expect(host.who(11, 100)).toBe('? two processes had this pid at that time');
    expect(host.who(11, 0.5)).toBe(COPY);
    // Another process than the one whose fork was told: nothing of it is taken over.
    host.fork(10, 12);
    host.runs(12, COPY, { startTicks: Math.floor(host.now / 10) + 50 });
    host.exec(12);
    expect(host.who(12, 0)).toBe('? gone before it could be read');
  });

  it('is sure of nothing from a loss to the moment after it, and reads what may have changed', () => {
    host.fork(10, 11);
    host.table.lost();
    host.runs(11, COPY);
    host.runs(10, SHELL);
    expect(host.who(11, 5)).toBe('? process events were lost at that time');
    host.now += 10;
    expect(host.who(11, 5)).toBe(COPY);
    expect(host.who(10, 5)).toBe(SHELL);
    // It ends before it was looked at: it may have run another program meanwhile.
    host.table.lost();
    host.now += 10;
    host.exit(11);
    expect(host.who(11, 5)).toBe('? process events were lost at that time');
    host.proc.delete(10);
    expect(host.who(10, 5)).toBe('? gone before it could be read');
  });

  it('names, where processes are polled, only what was the same before and after', () => {
    host.table.polled = true;
    host.now += 2_000;
    host.table.scan();
    host.now += 100;
    expect(host.who(10, 50)).toBe(SHELL);
    host.runs(11, COPY);
    expect(host.who(11, 50)).toBe('? processes are polled: what it ran at that time is not known');
    host.runs(10, COPY);
    expect(host.who(10, 50)).toContain('processes are polled');
  });

  it('keeps a process until its last thread ends, also one whose first thread went before', () => {
    host.fork(10, 11);
    host.fork(10, 11, 12);
    expect(host.exit(11)).toBeUndefined();
    expect(host.exit(11, 12)?.pid).toBe(11);
    host.fork(10, 13);
    host.fork(10, 13, 14);
    host.exit(13);
    host.runs(13, undefined);
    expect(host.table.sweep().map(({ pid }) => pid)).toEqual([13]);
  });

  it('gives a change of user with who it was before, and none that changes nothing', () => {
    host.fork(10, 11);
    host.runs(11, COPY, { uid: { real: 1_000, effective: 1_000 } });
    host.exec(11);
    host.now += 1;
    expect(host.uid(11, 1_000)).toEqual({ real: 0, effective: 0 });
    expect(host.uid(11, 1_000)).toBeUndefined();
    const of = (since: number): unknown => {
      const { actor } = host.attributions.of(11, { since, until: host.now });
      return actor.state === 'known' ? actor.user : actor.reason;
    };
    host.now += 1;
    expect(of(host.now - 0.5)).toEqual({ id: '1000', name: 'ann' });
    // In a time with two users neither is named.
    expect(of(host.now - 1.5)).toBeUndefined();
  });

  it('labels what a package manager and its children do, until it ends', () => {
    const label = (pid: number, ms: number): string | undefined =>
      host.attributions.of(pid, { since: host.now - ms, until: host.now }).packageManager;
    host.fork(10, 20);
    host.now += 1;
    host.runs(20, '/usr/bin/dpkg');
    host.exec(20);
    host.fork(20, 21);
    host.runs(21, SHELL);
    host.exec(21);
    host.now += 5;
    expect([label(20, 1), label(21, 1), label(10, 1)]).toEqual(['dpkg', 'dpkg', undefined]);
    expect(label(20, 500)).toBeUndefined();
    host.exit(20);
    host.now += 50;
    expect([label(21, 1), label(21, 52)]).toEqual([undefined, 'dpkg']);
  });

  it('R203 does not grow with the number of processes that come and go', () => {
    for (let i = 0; i < 60_000; i += 1) {
      host.fork(10, 100 + (i % 30_000));
      if (i % 3 > 0) host.exit(100 + (i % 30_000));
      host.now += 0.2;
    }
    host.now += 20_000;
    host.table.sweep();
    expect(host.table.size).toBeLessThan(41_000);
    for (let i = 0; i < 30_000; i += 1) host.exit(100 + i);
    host.now += 20_000;
    host.table.sweep();
    expect(host.table.size).toBe(1);
  });

  it('R199 never names a program that the process did not run in the time in question, whatever order events are read in', () => {
    const PROGRAMS = [SHELL, COPY, '/usr/bin/tar', '/usr/bin/node'];
    const steps = fc.array(
      fc.record({
        what: fc.constantFrom('exec', 'read', 'ask', 'fork'),
        program: fc.nat(3),
        wait: fc.integer({ min: 2, max: 30 }),
        back: fc.nat(60),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (script) => {
        const one = new FakeHost();
        one.runs(10, SHELL);
        one.table.scan();
        // What really ran in process 11, and the kernel's events of it that were not read yet.
        const truth: { from: number; path: string }[] = [{ from: one.now, path: SHELL }];
        const unread: (() => void)[] = [];
        one.fork(10, 11);
        one.runs(11, SHELL);
        const begin = one.now;
        for (const { what, program, wait, back } of script) {
          one.now += wait;
          const at = one.now;
          if (what === 'exec') {
            one.runs(11, PROGRAMS[program]);
            truth.push({ from: at, path: PROGRAMS[program]! });
            unread.push(() => one.exec(11, at));
          }
          if (what === 'read') unread.splice(0).forEach((read) => read());
          if (what !== 'ask') continue;
          // Everything is read before somebody is answered.
          unread.splice(0).forEach((read) => read());
          const since = Math.max(begin, at - back);
          const { actor } = one.attributions.of(11, { since, until: one.now });
          const ran = truth.filter((_t, i) => (truth[i + 1]?.from ?? Number.POSITIVE_INFINITY) > since);
          if (actor.state !== 'known') continue;
          expect(new Set(ran.map(({ path }) => path))).toEqual(new Set([actor.process.executable]));
        }
      }),
      { numRuns: 500 },
    );
  });
});
