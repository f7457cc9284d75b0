import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEvents, fsidOf, handleOf, type Decoded, type FanotifyEvent } from './decode.ts';
import { FAN, INFO, MAX_HANDLE_BYTES } from './fanotify-abi.ts';

/* Read from Linux 6.18 on tmpfs: mkdir cap; echo hi > cap/file; mv cap/file cap/other; chmod 700 cap. */
const FSID = '65fe39ebce72ef75';
const CAP = `${FSID}0c00000001000000788599cdad3b020000000000`;
const TOP = `${FSID}0c00000001000000ed80bef2ac3b020000000000`;
const FILE = `${FSID}0c00000001000000c04f7b63ae3b020000000000`;
const MKDIR = `64000000030018000001004000000000ffffffff250c000002002400${TOP}6361700001002000${CAP}04000800ffffffff`;
const WRITE = `68000000030018000a01000000000000ffffffff240c000002002800${CAP}66696c650000000001002000${FILE}0400080016000000`;
const RENAME =
  `90000000030018000000001000000000ffffffff260c00000a002800${CAP}66696c65000000000c002800${CAP}6f74686572000000` +
  `01002000${FILE}04000800ffffffff`;
const CHMOD = `44000000030018000400004000000000ffffffff270c000002002400${CAP}2e00000004000800ffffffff`;

interface Collected {
  readonly result: Decoded;
  readonly events: FanotifyEvent[];
  readonly names: (string | undefined)[];
}
function decode(bytes: Buffer): Collected {
  const [events, names]: [FanotifyEvent[], (string | undefined)[]] = [[], []];
  const result = decodeEvents(bytes, (event) => {
    events.push(event);
    names.push(nameOf(bytes, event.at));
  });
  return { result, events, names };
}
const keyOf = (hex: string): string => Buffer.from(hex, 'hex').toString('latin1');
const nameOf = (bytes: Buffer, entry: FanotifyEvent['at']): string | undefined =>
  entry && bytes.toString('latin1', entry.nameStart, entry.nameEnd);

const record = (type: number, body: Buffer): Buffer => {
  const header = Buffer.from([type, 0, 0, 0]);
  header.writeUInt16LE(body.length + 4, 2);
  return Buffer.concat([header, body]);
};
/** `fsid` and `struct file_handle` of this many bytes. */
const handleOfLength = (length: number): Buffer => {
  const bytes = Buffer.alloc(16 + length, 0x68);
  bytes.writeUInt32LE(length, 8);
  return bytes;
};
const named = (type: number, name: string, handle = handleOfLength(12)): Buffer =>
  record(type, Buffer.concat([handle, Buffer.from(`${name}\0`, 'latin1')]));
const pidfd = (descriptor: number): Buffer => {
  const body = Buffer.alloc(4);
  body.writeInt32LE(descriptor);
  return record(INFO.PIDFD, body);
};
/** An event with these records behind its head. */
function made(mask: number, pid: number, ...records: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(24), ...records]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes[4] = 3;
  bytes.writeUInt16LE(24, 6);
  bytes.writeUInt32LE(mask, 8);
  bytes.writeInt32LE(pid, 20);
  return bytes;
}

describe('events of fanotify', () => {
  it('are read as the kernel wrote them', () => {
    const bytes = Buffer.from(MKDIR + WRITE + RENAME + CHMOD, 'hex');
    const { result, events, names } = decode(bytes);
    expect(names).toEqual(['cap', 'file', undefined, '.']);
    expect(result).toEqual({ events: 4, malformed: 0, orphans: [], fault: undefined });
    const [mkdir, write, rename, chmod] = events as [
      FanotifyEvent,
      FanotifyEvent,
      FanotifyEvent,
      FanotifyEvent,
    ];
    expect(mkdir).toMatchObject({ mask: FAN.CREATE | FAN.ONDIR, pid: 3109, gone: true, target: keyOf(CAP) });
    expect(mkdir.at?.directory).toBe(keyOf(TOP));
    expect(write).toMatchObject({ mask: FAN.CREATE | FAN.MODIFY | FAN.CLOSE_WRITE, pidfd: 22, gone: false });
    expect([rename.mask, nameOf(bytes, rename.from), nameOf(bytes, rename.to)]).toEqual([
      FAN.RENAME,
      'file',
      'other',
    ]);
    expect([rename.at, rename.from?.directory]).toEqual([undefined, keyOf(CAP)]);
    expect([chmod.mask, chmod.at?.directory]).toEqual([FAN.ATTRIB | FAN.ONDIR, keyOf(CAP)]);
  });

  it('have the parts of a directory that system calls ask for', () => {
    expect(Buffer.from(fsidOf(keyOf(CAP)), 'latin1').toString('hex')).toBe(FSID);
    expect(handleOf(keyOf(CAP)).toString('hex')).toBe(CAP.slice(16));
  });

  it('pass over records of kinds that are not known yet', () => {
    const bytes = Buffer.from(`6c${WRITE.slice(2)}f1000800deadbeef`, 'hex');
    bytes.writeUInt32LE(bytes.length, 0);
    const { result, names } = decode(bytes);
    expect([result.malformed, names[0]]).toEqual([0, 'file']);
  });

  it('may be a head alone, as when the queue ran over, and know nothing then of who did it', () => {
    const { result, events } = decode(made(FAN.Q_OVERFLOW, 0));
    expect(result).toEqual({ events: 1, malformed: 0, orphans: [], fault: undefined });
    expect(events[0]).toEqual({ mask: FAN.Q_OVERFLOW, pid: 0, gone: false });
  });

  it.each([
    ['a record without a body', record(0xf1, Buffer.alloc(0))],
    ['a handle without a byte', record(INFO.FID, handleOfLength(0))],
    ['the longest handle', record(INFO.FID, handleOfLength(MAX_HANDLE_BYTES))],
    ['the longest name', named(INFO.DFID_NAME, 'n'.repeat(255))],
    ['the longest handle before a name', named(INFO.DFID_NAME, 'n', handleOfLength(MAX_HANDLE_BYTES))],
    ['the first descriptor that there is', pidfd(0)],
  ])('are taken with %s at their very end', (_what, last) => {
    const { result, names } = decode(Buffer.concat([made(FAN.MODIFY, 1, last), Buffer.from(MKDIR, 'hex')]));
    expect([result.events, result.malformed, names[1]]).toEqual([2, 0, 'cap']);
  });

  it('have the descriptor of their process where one was given, and the handle of a directory alone', () => {
    const target = record(INFO.FID, handleOfLength(12));
    const { events } = decode(
      Buffer.concat([
        made(FAN.MODIFY, 1, target, pidfd(0)),
        made(FAN.MODIFY | FAN.ONDIR, 1, target, pidfd(-1)),
        made(FAN.MODIFY | FAN.ONDIR, 1, target, pidfd(-2)),
      ]),
    );
    const handle = handleOfLength(12).toString('latin1');
    expect(events.map(({ pidfd, gone, target }) => [pidfd, gone, target])).toEqual([
      [0, false, undefined],
      [undefined, true, handle],
      [undefined, false, handle],
    ]);
  });

  it('say that the kernel speaks another version', () => {
    const bytes = Buffer.from(WRITE, 'hex');
    bytes[4] = 4;
    expect(decode(bytes).result.fault).toBe('version');
  });

  it.each([
    ['longer than the buffer', (bytes: Buffer) => bytes.writeUInt32LE(bytes.length + 1, 0)],
    ['shorter than its head', (bytes: Buffer) => bytes.writeUInt32LE(23, 0)],
    ['one byte shorter than any head', (bytes: Buffer) => bytes.writeUInt16LE(23, 6)],
    ['of no length', (bytes: Buffer) => bytes.writeUInt32LE(0, 0)],
    ['with a head longer than itself', (bytes: Buffer) => bytes.writeUInt16LE(0xffff, 6)],
  ])('end at one that is %s', (_what, spoil) => {
    const bytes = Buffer.from(WRITE, 'hex');
    spoil(bytes);
    expect(decode(bytes)).toMatchObject({ result: { fault: 'broken' }, events: [] });
  });

  it.each([1, 23])('end where %i bytes are left, which are no head', (left) => {
    const bytes = Buffer.concat([Buffer.from(WRITE, 'hex'), Buffer.from(MKDIR, 'hex').subarray(0, left)]);
    expect(decode(bytes).result).toEqual({ events: 1, malformed: 0, orphans: [], fault: 'broken' });
  });

  it.each([
    ['half a head of a record', Buffer.of(0xf1, 0, 4)],
    ['a record that ends a byte behind it', Buffer.of(0xf1, 0, 9, 0, 1, 2, 3, 4)],
    ['a descriptor of three bytes', record(INFO.PIDFD, Buffer.alloc(3))],
    ['a target without the length of its handle', record(INFO.FID, Buffer.alloc(11))],
    ['a target without a whole head of a handle', record(INFO.FID, Buffer.alloc(15))],
    ['a target that ends before its handle', record(INFO.FID, handleOfLength(12).subarray(0, 27))],
    ['a target with a handle that is too long', record(INFO.FID, handleOfLength(MAX_HANDLE_BYTES + 1))],
    [
      'a handle that is too long before a name',
      named(INFO.DFID_NAME, 'n', handleOfLength(MAX_HANDLE_BYTES + 1)),
    ],
    ['a name that is too long', named(INFO.DFID_NAME, 'n'.repeat(256))],
    ['an old place that leads elsewhere', named(INFO.OLD_DFID_NAME, '../n')],
    ['a new place that leads elsewhere', named(INFO.NEW_DFID_NAME, '../n')],
  ])('count one as malformed that ends in %s, wherever it stands', (_what, last) => {
    const [odd, next] = [made(FAN.RENAME | FAN.ONDIR, 1, last), Buffer.from(MKDIR, 'hex')];
    expect(decode(odd).result).toEqual({ events: 1, malformed: 1, orphans: [], fault: undefined });
    const { result, names } = decode(Buffer.concat([odd, next]));
    expect(result).toEqual({ events: 2, malformed: 1, orphans: [], fault: undefined });
    expect(names).toEqual(['cap']);
  });

  it.each([
    ['a record of no length', 24 + 2, 0],
    ['a record longer than the event', 24 + 2, 0xffff],
    ['a handle longer than its record', 24 + 12, 0x7f],
    ['a handle longer than any', 24 + 12, MAX_HANDLE_BYTES + 1],
  ])('count one with %s as malformed, and go on', (_what, at, value) => {
    const bytes = Buffer.from(WRITE + MKDIR, 'hex');
    bytes.writeUInt16LE(value, at);
    const { result, names } = decode(bytes);
    expect(result).toMatchObject({ events: 2, malformed: 1, fault: undefined });
    expect(names).toEqual(['cap']);
  });

  it('never believe a name that has no end, is empty, or leads elsewhere', () => {
    const nameAt = 24 + 4 + 8 + 8 + 12;
    for (const name of ['abcdefgh', '\0bcdefgh', '../x\0\0\0\0']) {
      const bytes = Buffer.from(WRITE, 'hex');
      bytes.write(name, nameAt, 'latin1');
      expect(decode(bytes).result.malformed).toBe(1);
    }
  });

  it('give back the descriptors of malformed ones, so that none stays open', () => {
    const bytes = Buffer.from(WRITE, 'hex');
    bytes.write('abcdefgh', 24 + 4 + 8 + 8 + 12, 'latin1');
    expect(decode(bytes).result.orphans).toEqual([22]);
  });

  it('are as many as were written, whatever names and handles they have', () => {
    const written = fc.record({
      mask: fc.integer({ min: 0, max: 0x7fff_ffff }),
      pid: fc.integer({ min: -1, max: 0x7fff_ffff }),
      handle: fc.uint8Array({ maxLength: MAX_HANDLE_BYTES }),
      name: fc
        .uint8Array({ minLength: 1, maxLength: 255 })
        .map((bytes) => bytes.map((byte) => (byte === 0 || byte === 47 ? 1 : byte))),
    });
    fc.assert(
      fc.property(fc.array(written, { maxLength: 20 }), (list) => {
        const bytes = Buffer.concat(
          list.map(({ mask, pid, handle, name }) => {
            const whole = handleOfLength(handle.length);
            whole.set(handle, 16);
            return made(mask, pid, named(INFO.DFID_NAME, Buffer.from(name).toString('latin1'), whole));
          }),
        );
        const { result, events } = decode(bytes);
        expect(result).toEqual({ events: list.length, malformed: 0, orphans: [], fault: undefined });
        events.forEach((event, index) => {
          expect([event.mask, event.pid]).toEqual([list[index]!.mask, list[index]!.pid]);
          expect(nameOf(bytes, event.at)).toBe(Buffer.from(list[index]!.name).toString('latin1'));
          expect(handleOf(event.at!.directory).subarray(8)).toEqual(Buffer.from(list[index]!.handle));
        });
      }),
    );
  });

  it('never read beyond their bounds nor throw, whatever the bytes', () => {
    const real = Buffer.from(MKDIR + WRITE + RENAME + CHMOD, 'hex');
    const spoilt = fc
      .array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { maxLength: 12 })
      .map((changes) => {
        const bytes = Buffer.from(real);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    const any = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(spoilt, any), fc.nat(600), (bytes, cut) => {
        // Bytes behind what was read must not be looked at: they are those of an earlier read.
        const behind = Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(64, 0x41)]);
        const read = behind.subarray(0, Math.min(cut, bytes.length));
        const { result, events } = decode(read);
        expect(events.length).toBe(result.events - result.malformed);
        for (const { at, from, to } of events)
          for (const entry of [at, from, to])
            if (entry !== undefined) {
              expect(entry.nameEnd).toBeLessThan(read.length);
              expect(entry.nameEnd).toBeGreaterThan(entry.nameStart);
            }
      }),
      { numRuns: 2_000 },
    );
  });
});
