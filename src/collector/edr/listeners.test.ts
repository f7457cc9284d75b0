import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { because, noLinux } from '../../../test/support/reason.ts';
import { layOut } from '../testing/host.ts';
import { ListenerWatch } from './listeners.ts';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
/** A line of /proc/net/tcp: 127.0.0.1, listening. */
const line = (port: number, inode: number): string =>
  `   0: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0\n`;

/** A host of which a test says which sockets listen, and who has what open. */
function host() {
  const root = layOut({ '/proc/net/tcp': HEAD });
  return {
    watch: new ListenerWatch({ root, os: 'linux' }, 100),
    listening: (...sockets: [port: number, inode: number][]): void => {
      writeFileSync(
        join(root, 'proc/net/tcp'),
        HEAD + sockets.map(([port, inode]) => line(port, inode)).join(''),
      );
    },
    tooLong: (): void => {
      writeFileSync(join(root, 'proc/net/tcp'), HEAD.repeat(200_000));
    },
    opens: (pid: number, inodes: readonly number[]): void => {
      mkdirSync(join(root, `proc/${pid}/fd`), { recursive: true });
      inodes.forEach((inode, fd) => {
        symlinkSync(`socket:[${inode}]`, join(root, `proc/${pid}/fd/${fd}`));
      });
    },
  };
}

describe.skipIf(noLinux !== undefined)(`sockets that listen${because(noLinux)}`, () => {
  it('R201 are told once when they open, with who holds them; those there at first are no news', () => {
    const { watch, listening, opens } = host();
    listening([80, 1]);
    expect(watch.look([])).toEqual([]);
    listening([80, 1], [8080, 2], [9090, 3]);
    opens(7, [5, 2]);
    expect(watch.look([])).toMatchObject([
      { listener: { port: 8080, address: '127.0.0.1', uid: 1000, transport: 'tcp' }, pid: 7 },
      { listener: { port: 9090 } },
    ]);
    expect(watch.look([])).toEqual([]);
  });

  it('stay known while the list of them is too long to be read', () => {
    const { watch, listening, tooLong } = host();
    listening([80, 1]);
    watch.look([]);
    tooLong();
    expect(watch.look([])).toEqual([]);
    listening([80, 1], [8080, 2]);
    expect(watch.look([])).toMatchObject([{ listener: { port: 8080 } }]);
  });

  it('have no owner where others have more open than one look may go through; who was just started is looked at first', () => {
    const { watch, listening, opens } = host();
    watch.look([]);
    const many = Array.from({ length: 50 }, (_, n) => 10_000 + n);
    for (const pid of [10, 11]) opens(pid, many);
    opens(99, [2]);
    listening([8080, 2]);
    expect(watch.look([])).toEqual([{ listener: expect.objectContaining({ port: 8080 }) as unknown }]);
    listening();
    watch.look([]);
    listening([8080, 2]);
    expect(watch.look([99])).toMatchObject([{ pid: 99 }]);
  });
});
