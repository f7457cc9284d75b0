import { describe, expect, it } from 'vitest';
import type { CommandResult } from '../../table.ts';
import { SteppedTimers } from '../../testing/timers.ts';
import type { AuditPolicy } from './audit-policy.ts';
import { SecurityLog, type SecurityLogOptions } from './security-log.ts';
import { auditXml } from './testing/audit-xml.ts';

const ALL_ON: AuditPolicy = { starts: true, ends: true, files: true, registry: true };
const END = { ProcessId: '0x10', ProcessName: 'C:\\x.exe' };
const answer = (...records: string[]): CommandResult => ({
  exitCode: 0,
  stdout: Buffer.from(records.join(''), 'utf16le'),
  stderr: '',
});
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
};

/** A log in a test's hands: `answers` what wevtutil prints. */
function open(more: Partial<SecurityLogOptions> = {}) {
  const timers = new SteppedTimers();
  const state = { changed: 0, read: 0, told: 0, lost: [] as string[], logged: [] as string[] };
  const log = new SecurityLog({
    run: () => Promise.resolve(answer()),
    startTimer: timers.start,
    policy: () => ALL_ON,
    after: 0,
    read: () => (state.read += 1),
    changed: () => (state.changed += 1),
    log: (_level, message) => state.logged.push(message),
    ...more,
  });
  log.listen({ audited: ({ length }) => (state.told += length), lost: (reason) => state.lost.push(reason) });
  return { log, timers, state };
}

describe('the Security log for all who need it', () => {
  it('R208 is read anew for whoever asks while it is being read: that reading began too early', async () => {
    const waiting: (() => void)[] = [];
    let asked = 0;
    const { log } = open({
      run: () => {
        asked += 1;
        return new Promise((resolve) => waiting.push(() => resolve(answer())));
      },
    });
    const next = async (): Promise<void> => {
      await settle();
      waiting.shift()?.();
      await settle();
    };
    const order: string[] = [];
    const first = log.read().then(() => order.push('first'));
    await settle();
    const second = Promise.all([log.read(), log.read()]).then(() => order.push('second'));
    // The first reading looks for both ends of the log before.
    await next();
    await next();
    expect(order).toEqual([]);
    await next();
    expect([order, asked]).toEqual([['first'], 4]);
    await next();
    await Promise.all([first, second]);
    expect([order, asked]).toEqual([['first', 'second'], 4]);
  });

  it('R208 is said not to be read to its end where it grows faster than it is read', async () => {
    const full = answer(
      ...Array.from({ length: 1_000 }, (_, at) => auditXml({ id: 4689, record: at + 1, data: END })),
    );
    const { log, state } = open({
      run: (_file, args) => Promise.resolve(args.includes('/count:1') ? answer() : full),
    });
    await expect(log.read()).rejects.toThrow('grows faster than it is read');
    expect(log.trouble).toBe('the Security log grows faster than it is read');
    expect([state.read, state.changed, state.told]).toEqual([1, 1, 64_000]);
  }, 60_000);

  it('R201 is read every five seconds while somebody follows it, one reading at a time', async () => {
    let asked = 0;
    let answers = true;
    const { log, timers } = open({
      run: () => {
        asked += 1;
        return answers ? Promise.resolve(answer()) : new Promise(() => undefined);
      },
    });
    log.follow(true);
    log.follow(true);
    await settle();
    expect(asked).toBe(3);
    for (const expected of [4, 5]) {
      timers.pass(5_000);
      await settle();
      expect(asked).toBe(expected);
    }
    answers = false;
    timers.pass(5_000);
    await settle();
    timers.pass(60_000);
    await settle();
    expect(asked).toBe(6);
    log.follow(false);
    timers.pass(60_000);
    expect(asked).toBe(6);
  });

  it('shows why the audit policy can not be read, and what it is once it can', () => {
    let refuse = true;
    const { log, timers, state } = open({
      policy: () => {
        if (refuse) throw new Error("the audit policy can't be read: error 1314");
        return ALL_ON;
      },
    });
    log.start();
    expect([log.policy, log.trouble]).toEqual([undefined, "the audit policy can't be read: error 1314"]);
    refuse = false;
    timers.pass(60_000);
    expect([log.policy, log.trouble, state.changed]).toEqual([ALL_ON, undefined, 2]);
    timers.pass(60_000);
    expect(state.changed).toBe(2);
  });

  it('R208 looks each minute, and where it is followed anew, whether all of it is still there', async () => {
    let ends = 0;
    const { log, timers } = open({
      run: (_file, args) => {
        if (args.includes('/query:*')) ends += 1;
        return Promise.resolve(answer(auditXml({ id: 4689, record: 9, data: END })));
      },
    });
    log.start();
    const looks: number[] = [];
    const read = async (): Promise<void> => {
      await log.read();
      looks.push(ends);
    };
    await read();
    await read();
    timers.pass(60_000);
    await read();
    log.follow(true);
    await read();
    await read();
    expect(looks).toEqual([2, 2, 4, 6, 6]);
    await log.stop();
  });

  it('tells what is lost, and nothing more once it has ended', async () => {
    const { log, state } = open({
      after: 5,
      run: () => Promise.resolve(answer(auditXml({ id: 4689, record: 9, data: END }))),
    });
    await log.read();
    expect(state.lost).toEqual(['the Security log has overwritten records that were not read']);
    await log.stop();
    await expect(log.read()).rejects.toThrow('the sensor ends');
  });
});
