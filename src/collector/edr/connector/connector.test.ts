import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { because, noLinux, noLinuxRoot, noNamespaces } from '../../../../test/support/reason.ts';
import { loadLibc, type Libc } from '../../native/libc.ts';
import { ProcessConnector } from './connector.ts';
import { decodeDatagram, type ConnectorMessage, type ProcessMessage } from './decode.ts';

const TOKEN = 7_001;
const TRUE = '/usr/bin/true';

interface Heard {
  readonly messages: ProcessMessage[];
  readonly lost: number[];
  readonly connector: ProcessConnector;
}

const open: ProcessConnector[] = [];
function listening(libc?: Libc): Heard {
  const messages: ProcessMessage[] = [];
  const lost: number[] = [];
  const listener = { message: (m: ProcessMessage) => messages.push(m), lost: (n: number) => lost.push(n) };
  const connector = ProcessConnector.open(listener, TOKEN, libc);
  if (typeof connector === 'string') throw new Error(connector);
  open.push(connector);
  return { messages, lost, connector };
}
afterEach(() => {
  for (const connector of open.splice(0)) connector.close();
});

/** Keeps all that is received, as it is decoded. */
const recording = (libc: Libc, into: ConnectorMessage[]): Libc => ({
  ...libc,
  recvfrom: (fd, bytes, flags, address) => {
    const length = libc.recvfrom(fd, bytes, flags, address);
    if (length > 0) into.push(...decodeDatagram(bytes.subarray(0, length)).messages);
    return length;
  },
});

/** How many of `all` are missing in `some`, between its first and last one of each processor. */
function missingBetween(all: readonly ConnectorMessage[], some: readonly ConnectorMessage[]): number {
  const cpus = [...new Set(some.map(({ cpu }) => cpu))];
  const missing = cpus.map((cpu) => {
    const seen = some.filter((message) => message.cpu === cpu).map(({ sequence }) => sequence);
    const [first, last] = [seen[0]!, seen.at(-1)!];
    const between = all.filter((m) => m.cpu === cpu && m.sequence >= first && m.sequence <= last);
    return between.length - seen.length;
  });
  return missing.reduce((sum, n) => sum + n, 0);
}

const monotonic = (): number => Number(process.hrtime.bigint()) / 1_000_000;

describe.skipIf(noLinuxRoot !== undefined)(`the process connector${because(noLinuxRoot)}`, () => {
  it('R199 R208 tells of a program from its fork to its end, in that order, on the clock of this process', () => {
    const { messages, connector } = listening();
    const before = monotonic();
    const { pid } = spawnSync('/bin/sh', ['-c', 'exit 3']);
    const after = monotonic();
    expect(connector.drain(100_000)).toBe(true);
    const own = messages.filter((message) => message.pid === pid);
    expect(own.map(({ kind }) => kind)).toEqual(['fork', 'exec', 'exit']);
    expect(own[0]).toMatchObject({ parent: process.pid, thread: pid });
    expect(own[2]).toMatchObject({ status: 3 << 8, parent: process.pid });
    for (const { at } of own) expect(at > before && at < after).toBe(true);
  });

  it('tells of changes of user', () => {
    const { messages, connector } = listening();
    const { pid } = spawnSync('setpriv', ['--reuid', '65534', '--clear-groups', TRUE]);
    connector.drain(100_000);
    const changes = messages.filter((message) => message.pid === pid && message.kind === 'uid');
    expect(changes).toMatchObject([{ real: 65_534, effective: 65_534 }]);
  });

  it('R201 counts exactly what a full buffer lost, and goes on', () => {
    const libc = loadLibc();
    const SO_RCVBUFFORCE = 33;
    // Answers to those who subscribe have a number as well, and tell of a loss before the first event.
    const [all, some]: [ConnectorMessage[], ConnectorMessage[]] = [[], []];
    const small: Libc = {
      ...recording(libc, some),
      setsockopt: (fd, level, name) => {
        const size = Buffer.alloc(4);
        size.writeUInt32LE(2_048);
        return libc.setsockopt(fd, level, name === SO_RCVBUFFORCE ? name : -1, size);
      },
    };
    const whole = listening(recording(libc, all));
    const { lost, connector } = listening(small);
    for (let i = 0; i < 60; i += 1) {
      spawnSync('taskset', ['-c', String(i % 2), TRUE]);
      if (i > 20) connector.drain(100_000);
      whole.connector.drain(100_000);
    }
    expect(lost[0]).toBe(0);
    const missing = missingBetween(all, some);
    expect(missing).toBeGreaterThan(10);
    expect(lost.reduce((sum, n) => sum + n, 0)).toBe(missing);
    expect(whole.lost).toEqual([]);
  });

  it('believes nobody but the kernel', () => {
    const libc = loadLibc();
    const forging: Libc = {
      ...libc,
      recvfrom: (fd, into, flags, address) => {
        const length = libc.recvfrom(fd, into, flags, address);
        if (into.readUInt32LE(36) !== 0) address.writeUInt32LE(4_711, 4);
        return length;
      },
    };
    const { messages, connector } = listening(forging);
    spawnSync(TRUE);
    connector.drain(100_000);
    expect(messages).toEqual([]);
    expect(connector.refused).toBeGreaterThanOrEqual(3);
  });

  it('stops at the number of datagrams that it is given', () => {
    const { messages, connector } = listening();
    spawnSync(TRUE);
    expect(connector.drain(1)).toBe(false);
    expect(messages.length).toBeLessThanOrEqual(1);
    expect(connector.drain(100_000)).toBe(true);
  });
});

const OPEN_ONE = `
  import { ProcessConnector } from ${JSON.stringify(import.meta.resolve('./connector.ts'))};
  const opened = ProcessConnector.open({ message: () => {}, lost: () => {} }, 5);
  console.log(typeof opened === 'string' ? opened : 'open');`;

function openedBelow(...wrapper: string[]): string {
  const [program, ...args] = [...wrapper, process.execPath, '--input-type=module', '-e', OPEN_ONE];
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return stdout.trim() || stderr;
}

const noPidNamespace = noNamespaces(['--pid', '--fork']);
const noNetNamespace = noNamespaces(['--net']);

describe.skipIf(noLinux !== undefined)(`where the connector is not allowed${because(noLinux)}`, () => {
  it.skipIf(noPidNamespace !== undefined)(
    `says so in a pid namespace, as in a container${because(noPidNamespace)}`,
    () => {
      expect(openedBelow('unshare', '--pid', '--fork')).toContain('does not answer');
    },
  );

  it.skipIf(noNetNamespace !== undefined)(`says so in a network namespace${because(noNetNamespace)}`, () => {
    expect(openedBelow('unshare', '--net')).toBe('send: ECONNREFUSED');
  });

  it('gives what the kernel said where the socket or the group is refused', () => {
    const libc = loadLibc();
    const listener = { message: () => undefined, lost: () => undefined };
    expect(ProcessConnector.open(listener, 1, { ...libc, socket: () => -93 })).toBe(
      'socket: EPROTONOSUPPORT',
    );
    expect(ProcessConnector.open(listener, 1, { ...libc, bind: () => -1 })).toBe('bind: EPERM');
  });
});
