import { existsSync, readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { startSigningServer } from '../../test/support/signing-server.ts';
import { ServiceHost } from './testing/service-host.ts';

let host: ServiceHost;
beforeEach(() => {
  host = new ServiceHost();
});

describe('the service', { timeout: 60_000 }, () => {
  it('ends with 3 beside another one on the same data, naming it, and leaves that one alone', async () => {
    const first = host.service();
    await host.answering();
    const second = await host.service().ended;
    expect(second.code).toBe(3);
    expect(second.stderr).toContain(`in use by process ${String(first.child.pid)}`);
    expect((await host.answering()).pid).toBe(first.child.pid);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends with 0 at %s, once, and keeps its identity',
    async (signal) => {
      const first = host.service();
      const { identity, collector } = await host.answering();
      first.child.kill(signal);
      first.child.kill(signal);
      expect(await first.ended).toMatchObject({ code: 0, stderr: '' });
      expect(existsSync(host.paths.readEndpoint)).toBe(false);
      expect(existsSync(`/proc/${String(collector.pid)}`)).toBe(false);
      const log = readFileSync(host.paths.logFile, 'utf8').trim().split('\n');
      expect(log.at(-1)).toContain('agent ended');
      host.service();
      expect((await host.answering()).identity.agentKeyId).toBe(identity.agentKeyId);
    },
  );

  it('ends within seconds although the platform does not answer', async () => {
    const server = await startSigningServer();
    try {
      const running = host.startAgainst(server);
      await running.asked;
      const startedAt = performance.now();
      running.child.kill('SIGTERM');
      expect((await running.ended).code).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(15_000); // the exchange itself would last a minute
    } finally {
      await server.close();
    }
  });
});
