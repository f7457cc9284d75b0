import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDatagram, type ConnectorMessage } from './decode.ts';
import { connectorRequest, PROC_CN_MCAST_LISTEN } from './protocol.ts';

/*
 * Datagrams of Linux 6.18 (x86-64): `setpriv --reuid 65534 --regid 65534 --clear-groups setsid sh -c 'exit 7'`, a `sleep`
 * that SIGKILL ended, and a thread that named itself.
 */
const HEAD = '4c00000003000000';
const of = (sequence: string, event: string): Buffer =>
  Buffer.from(`${HEAD}${sequence}000000000100000001000000${sequence}0000000028000000${event}`, 'hex');
const REAL = {
  acknowledgement: Buffer.from(
    `${HEAD}ed0a0000000000000100000001000000ed0a000001000000280000000000000000000000a24f3d63be0b00000000000000000000` +
      '00000000000000000000000000000000',
    'hex',
  ),
  fork: of('ee0a0000', '010000000000000093914163be0b0000a9050000a9050000ed050000ed0500000000000000000000'),
  exec: of('ef0a0000', '0200000000000000af674663be0b0000ed050000ed05000000000000000000000000000000000000'),
  uid: of('f00a0000', '04000000000000003b845e63be0b0000ed050000ed050000feff0000feff00000000000000000000'),
  gid: of('f10a0000', '400000000000000019995e63be0b0000ed050000ed050000feff0000feff00000000000000000000'),
  sid: of('f30a0000', '80000000000000002f3b8a63be0b0000ed050000ed05000000000000000000000000000000000000'),
  exit: of('f50a0000', '0000008000000000b72fa863be0b0000ed050000ed0500000007000011000000a9050000a9050000'),
  killed: of('f70a0000', '0000008000000000eda9b863be0b0000ee050000ee0500000900000011000000a9050000a9050000'),
  thread: of('f80a0000', '01000000000000006a52bc63be0b0000a2050000a2050000ef050000a90500000000000000000000'),
  comm: of('110b0000', '00020000010000005082c263be0b0000ef050000a905000061206e616d65206f6620313520627900'),
};

const [LENGTH, TYPE, NETLINK_SEQUENCE, INDEX, VALUE, DATA_LENGTH, EVENT] = [0, 4, 8, 16, 20, 32, 36];
/** What stands before the ids of an event: the headers of netlink, of the connector and of the event. */
const HEADERS = 52;

/** A message that ends after `length` bytes, and says so in both of its lengths. */
function sized(message: Buffer, length: number): Buffer {
  const bytes = Buffer.from(message.subarray(0, length));
  bytes.writeUInt32LE(length, LENGTH);
  if (length >= EVENT) bytes.writeUInt16LE(length - EVENT, DATA_LENGTH);
  return bytes;
}
const patched = (message: Buffer, patch: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(message);
  patch(bytes);
  return bytes;
};

/* Of linux/cn_proc.h, made by hand: `struct ptrace_proc_event` and `struct coredump_proc_event`, `kernel_pid` before `tgid`. */
const MADE = {
  ptrace: patched(REAL.uid, (bytes) => {
    bytes.writeUInt32LE(0x100, EVENT);
    bytes.writeUInt32LE(0x5a1, HEADERS + 8);
    bytes.writeUInt32LE(0x5a0, HEADERS + 12);
  }),
  coredump: patched(REAL.uid, (bytes) => {
    bytes.writeUInt32LE(0x4000_0000, EVENT);
    bytes.writeUInt32LE(0x5a3, HEADERS + 8);
    bytes.writeUInt32LE(0x5a2, HEADERS + 12);
  }),
  other: patched(REAL.exec, (bytes) => bytes.writeUInt32LE(0x400, EVENT)),
};

const only = (bytes: Buffer): ConnectorMessage => {
  const { messages, refused } = decodeDatagram(bytes);
  expect(refused).toBe(0);
  expect(messages).toHaveLength(1);
  return messages[0]!;
};

describe('the decoder of the process connector', () => {
  it('R208 reads what a kernel sent of a program that was started, changed its user and ended', () => {
    expect(only(REAL.fork)).toEqual({
      kind: 'fork',
      cpu: 0,
      sequence: 0xaee,
      at: 0x0bbe_6341_9193 / 1_000_000,
      parent: 0x5a9,
      pid: 0x5ed,
      thread: 0x5ed,
    });
    expect(only(REAL.exec)).toMatchObject({ kind: 'exec', pid: 0x5ed, thread: 0x5ed });
    expect(only(REAL.uid)).toMatchObject({ kind: 'uid', pid: 0x5ed, real: 65_534, effective: 65_534 });
    expect(only(REAL.gid)).toMatchObject({ kind: 'gid', real: 65_534, effective: 65_534 });
    expect(only(REAL.sid)).toMatchObject({ kind: 'sid', pid: 0x5ed });
    expect(only(REAL.exit)).toMatchObject({ kind: 'exit', pid: 0x5ed, status: 7 << 8, parent: 0x5a9 });
    expect(only(REAL.killed)).toMatchObject({ kind: 'exit', pid: 0x5ee, status: 9 });
  });

  it('tells a thread from a process, and reads the name that it took', () => {
    expect(only(REAL.thread)).toMatchObject({ kind: 'fork', pid: 0x5a9, thread: 0x5ef });
    expect(only(REAL.comm)).toMatchObject({ kind: 'comm', thread: 0x5ef, cpu: 1, name: 'a name of 15 by' });
  });

  it('reads the answer to a request, with the number that says whose it is', () => {
    expect(only(REAL.acknowledgement)).toEqual({
      kind: 'acknowledgement',
      cpu: 0,
      sequence: 0xaed,
      acknowledged: 1,
      error: 0,
    });
    const request = connectorRequest(PROC_CN_MCAST_LISTEN, 41);
    expect(request.toString('hex')).toBe(
      '2800000003000000000000000000000001000000010000000000000029000000040000' + '0001000000',
    );
  });

  it('reads who traced a process, and whose child it was that left a core behind', () => {
    expect(only(MADE.ptrace)).toMatchObject({ kind: 'ptrace', pid: 0x5ed, tracer: 0x5a0 });
    expect(only(MADE.coredump)).toMatchObject({ kind: 'coredump', pid: 0x5ed, parent: 0x5a2 });
  });

  it.each([
    ['that fills its bytes to the last', 'sixteen bytes ab', 'sixteen bytes ab'],
    ['that is empty', '\0ld name\0\0\0\0\0\0\0\0', ''],
  ])('reads a name %s', (_what, written, name) => {
    const named = patched(REAL.comm, (bytes) => bytes.write(written, HEADERS + 8, 'latin1'));
    expect(only(named)).toMatchObject({ kind: 'comm', name });
  });

  it('counts by the number of the connector, whatever netlink has in its own', () => {
    const numbered = patched(REAL.exec, (bytes) => bytes.writeUInt32LE(0, NETLINK_SEQUENCE));
    expect(only(numbered)).toMatchObject({ kind: 'exec', sequence: 0xaef });
  });

  it.each([
    ['a message of another connector', patched(REAL.exec, (bytes) => bytes.writeUInt32LE(7, INDEX))],
    ['another message of this connector', patched(REAL.exec, (bytes) => bytes.writeUInt32LE(7, VALUE))],
    ['an error of netlink', patched(REAL.exec, (bytes) => bytes.writeUInt16LE(2, TYPE))],
    ['data that say to end outside', patched(REAL.exec, (bytes) => bytes.writeUInt16LE(41, DATA_LENGTH))],
    [
      'data that say to end in their head',
      patched(REAL.exec, (bytes) => bytes.writeUInt16LE(15, DATA_LENGTH)),
    ],
    ['a head without data', sized(REAL.exec, 16)],
  ])('refuses %s, and reads on behind it', (_what, foreign) => {
    const { messages, refused } = decodeDatagram(Buffer.concat([REAL.fork, foreign, REAL.exit]));
    expect(messages.map(({ kind }) => kind)).toEqual(['fork', 'exit']);
    expect(refused).toBe(1);
  });

  it('takes an end without a parent, as kernels before 3.12 tell it, and an event of a kind that it does not know', () => {
    const short = sized(REAL.exit, REAL.exit.length - 8);
    expect(only(short)).toMatchObject({ kind: 'exit', status: 7 << 8, parent: 0 });
    expect(only(MADE.other)).toMatchObject({ kind: 'other', pid: 0x5ed });
  });

  it.each([
    ['acknowledgement', REAL.acknowledgement, 4],
    ['fork', REAL.fork, 16],
    ['exec', REAL.exec, 8],
    ['sid', REAL.sid, 8],
    ['uid', REAL.uid, 16],
    ['gid', REAL.gid, 16],
    ['ptrace', MADE.ptrace, 16],
    ['comm', REAL.comm, 24],
    ['coredump', MADE.coredump, 16],
    ['exit', REAL.exit, 12],
    ['other', MADE.other, 8],
  ])(
    'takes an event of kind %s once its last word is there, and refuses every shorter one',
    (kind, bytes, least) => {
      expect(only(sized(bytes, HEADERS + least)).kind).toBe(kind);
      for (let length = 16; length < HEADERS + least; length += 1) {
        expect([length, decodeDatagram(sized(bytes, length))]).toEqual([
          length,
          { messages: [], refused: 1 },
        ]);
      }
    },
  );

  it('reads nothing beyond its bytes and never throws, whatever arrives', () => {
    const real = fc.constantFrom(...Object.values(REAL));
    const damaged = fc
      .tuple(real, fc.array(fc.tuple(fc.nat(75), fc.nat(255)), { maxLength: 8 }), fc.nat(76))
      .map(([bytes, changes, length]) => {
        const copy = Buffer.from(bytes);
        for (const [at, value] of changes) copy[at] = value;
        return copy.subarray(0, length);
      });
    const anything = fc.oneof(
      damaged,
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 4 }), (parts) => {
        const bytes = Buffer.concat(parts);
        const inside = decodeDatagram(bytes);
        // The same bytes with others behind them: what is read must not depend on memory outside.
        const wide = Buffer.concat([bytes, Buffer.alloc(128, 0xff)]);
        expect(decodeDatagram(wide.subarray(0, bytes.length))).toEqual(inside);
        expect(inside.messages.length + inside.refused).toBeLessThanOrEqual(bytes.length / 16 + 1);
      }),
      { numRuns: 2_000 },
    );
  });

  it('drops every message that is cut short', () => {
    for (const [kind, bytes] of Object.entries(REAL)) {
      for (let length = 1; length < bytes.length; length += 1) {
        const { messages, refused } = decodeDatagram(bytes.subarray(0, length));
        expect([kind, length, messages.length, refused]).toEqual([kind, length, 0, 1]);
      }
    }
  });
});
