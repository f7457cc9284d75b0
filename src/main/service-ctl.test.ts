import { existsSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { AgentStatus } from '../shared/status.ts';
import { ServiceHost } from './testing/service-host.ts';

let host: ServiceHost;
beforeEach(() => {
  host = new ServiceHost();
});

describe('wayfarerctl', { timeout: 60_000 }, () => {
  it('R329 tells not installed, installed but not running, and running apart by its exit code', async () => {
    expect(await host.ctl('status')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('not installed') as string,
    });
    const running = host.service();
    await host.answering();
    expect((await host.ctl('status')).code).toBe(6); // running, not registered
    running.child.kill('SIGTERM');
    await running.ended;
    expect(await host.ctl('status')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('does not run') as string,
    });
  });

  it('R329 says after kill -9 that the agent does not run, although its socket is still there', async () => {
    const running = host.service();
    await host.answering();
    running.child.kill('SIGKILL');
    await running.ended;
    expect(existsSync(host.paths.readEndpoint)).toBe(true);
    expect((await host.ctl('status')).code).toBe(4);
  });

  it('prints with --json exactly what the contract says, and in words who runs', async () => {
    const running = host.service();
    await host.answering();
    const json = await host.ctl('status', '--json');
    const status = AgentStatus.parse(JSON.parse(json.stdout));
    expect(status.pid).toBe(running.child.pid);
    expect(json).toMatchObject({ code: 6, stderr: '' });
    expect((await host.ctl('status')).stdout).toContain(`process ${String(running.child.pid)}`);
  });

  it('ends with 2 for what it does not know, with 0 for help', async () => {
    const calls = [[], ['nonsense'], ['status', '--nonsense'], ['status', 'surplus'], ['--help']];
    const [help, ...wrong] = (await Promise.all(calls.map((args) => host.ctl(...args)))).toReversed();
    for (const ended of wrong) {
      expect(ended.code).toBe(2);
      expect(ended.stderr).not.toBe('');
    }
    expect(help?.code).toBe(0);
  });
});
