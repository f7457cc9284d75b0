import { describe, expect, it } from 'vitest';
import { portRows, processRows, sampledReaders, type Sample } from './runtime-sample.ts';
import { rowsOf, sampleContext } from './testing/sample-host.ts';

const SSHD = { pid: 10, parent: 1, path: '/usr/sbin/sshd', user: 'root' };
const AGENT = { pid: 50, parent: 1, path: '/opt/agent', user: 'root' };
const HELPER = { pid: 51, parent: 50, path: '/bin/ps', user: 'root' };
const SHORT = { pid: 99, parent: 1, path: '/bin/true', user: 'anna' };
const OWN = 50;

const SAMPLE: Sample = {
  processes: [
    SSHD,
    AGENT,
    HELPER,
    { ...SSHD, pid: 11, parent: 10 },
    { pid: 4, parent: 0, path: null, user: null },
  ],
  sockets: [
    { protocol: 'tcp', address: '0.0.0.0', port: 22, pid: 10 },
    { protocol: 'udp', address: '0.0.0.0', port: 49_152, pid: 10 },
    { protocol: 'udp', address: '0.0.0.0', port: 49_151, pid: 777 },
    { protocol: 'tcp', address: '127.0.0.1', port: 8080, pid: 51 },
  ],
};

describe('a sample', () => {
  it('has one row per executable and user, without the agent, its children and the kernel', () => {
    expect([...processRows(SAMPLE, OWN)]).toEqual([
      ['/usr/sbin/sshd|root', { path: '/usr/sbin/sshd', name: 'sshd', user: 'root' }],
    ]);
  });

  it('has ports with their owners, without ports of UDP clients and of the agent', () => {
    expect([...portRows(SAMPLE, OWN).values()]).toEqual([
      { protocol: 'tcp', address: '0.0.0.0', port: 22, path: '/usr/sbin/sshd', user: 'root' },
      { protocol: 'udp', address: '0.0.0.0', port: 49_151, path: null, user: null },
    ]);
  });

  it('ends at a process that is its own parent', () => {
    const loop = { pid: 7, parent: 7, path: '/bin/x', user: 'root' };
    expect(processRows({ processes: [loop], sockets: [] }, 7).size).toBe(0);
  });
});

describe('readers over samples', () => {
  it('R018 keep what two samples 10 s apart both have, and share the samples', async () => {
    const context = sampleContext({ os: 'darwin' });
    const takenAt: number[] = [];
    const { processes, listeningPorts } = sampledReaders(
      'test',
      (given) => {
        takenAt.push(given.now());
        const first = takenAt.length === 1;
        return Promise.resolve({
          ...SAMPLE,
          processes: first ? [...SAMPLE.processes, SHORT] : SAMPLE.processes,
        });
      },
      () => OWN,
    );
    await processes.prepare?.(context);
    await listeningPorts.prepare?.(context);
    expect((await rowsOf(processes, context)).map(({ key }) => key)).toEqual(['/usr/sbin/sshd|root']);
    expect(await rowsOf(listeningPorts, context)).toHaveLength(2);
    expect(takenAt).toEqual([0, 10_000]);
  });
});
