import { chmodSync, statSync } from 'node:fs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { because, noRoot } from '../../test/support/reason.ts';
import { ctlCall, ServiceHost, serviceCall } from './testing/service-host.ts';

let host: ServiceHost;
beforeEach(() => {
  host = new ServiceHost();
});

describe.skipIf(noRoot !== undefined)(`a user without rights${because(noRoot)}`, { timeout: 60_000 }, () => {
  const asNobody = (...program: string[]): string[] => [
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    ...program,
  ];

  it('may run the agent on data of his own', async () => {
    chmodSync(host.root, 0o777);
    const running = host.start(asNobody(...serviceCall()));
    await vi.waitFor(
      () => {
        expect(statSync(host.paths.readEndpoint).uid).toBe(65_534);
      },
      { timeout: 30_000 },
    );
    const status = await host.start(asNobody(...ctlCall('status', '--json'))).ended;
    expect(status.code).toBe(6);
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
  });

  it('is told with 7 that he may not, where the data belong to root', async () => {
    chmodSync(host.root, 0o755);
    const refused = await host.start(asNobody(...serviceCall())).ended;
    expect(refused.code).toBe(7);
    expect(refused.stderr).toContain('EACCES');
  });

  it('reads the status of the agent that root runs', async () => {
    chmodSync(host.root, 0o755);
    host.service();
    const { pid } = await host.answering();
    const asked = await host.start(asNobody(...ctlCall('status'))).ended;
    expect(asked).toMatchObject({ code: 6, stdout: expect.stringContaining(String(pid)) as string });
  });

  it('is told with 7 where even the read endpoint is closed', async () => {
    host.service();
    await host.answering();
    chmodSync(host.root, 0o700);
    expect((await host.start(asNobody(...ctlCall('status'))).ended).code).toBe(7);
  });
});
