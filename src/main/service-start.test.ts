import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ID, ServiceHost } from './testing/service-host.ts';

let host: ServiceHost;
beforeEach(() => {
  host = new ServiceHost();
});

describe('the start of the service', { timeout: 60_000 }, () => {
  it.each([
    [['--customer-id', 'x'], '--customer-id: "x" is not a UUID'],
    [['--activation-id='], '--activation-id'],
    [['--web-service-uri', 'http://p.example/'], 'over https only'],
    [['--web-service-uri', 'https://u:hunter2@p.example/'], 'credentials'],
    [['--platform-key', 'abc'], '--platform-key'],
    [['--ca-file', 'ca.pem'], 'absolute path'],
    [['--no-such-flag'], 'unknown option'],
    [['surplus'], 'too many arguments'],
  ])('ends with 2 and the reason for %j', async (flags, reason) => {
    const ended = await host.service(...flags).ended;
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(reason);
    expect(ended.stderr).not.toContain('hunter2');
  });

  it('ends with 0 for --help and --version', async () => {
    expect((await host.service('--help').ended).code).toBe(0);
    expect((await host.service('--version').ended).stdout).toBe('0.1.0\n');
  });

  it('runs without a log, and says so, when the log can not be written', async () => {
    mkdirSync(dirname(dirname(host.paths.logFile)), { recursive: true });
    writeFileSync(dirname(host.paths.logFile), 'in the way');
    const running = host.service();
    await host.answering();
    running.child.kill('SIGTERM');
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr.match(/can't be written/g)).toHaveLength(1);
  });

  it('names what is wrong in agent.conf in its status, and goes on', async () => {
    mkdirSync(dirname(host.paths.settingsFile), { recursive: true });
    writeFileSync(host.paths.settingsFile, `CustomerId=${ID}\nActivationId=nonsense\nWhat=this\n`);
    host.service();
    const { conditions } = await host.answering();
    const texts = conditions.map((condition) => condition.text).join('\n');
    expect(texts).toContain(`${host.paths.settingsFile}:2`);
    expect(texts).toContain(`${host.paths.settingsFile}:3`);
    expect(texts).toContain('WebServiceUri');
  });

  it('ends with 3 rather than wait for a FIFO in place of agent.conf', async () => {
    mkdirSync(dirname(host.paths.settingsFile), { recursive: true });
    await host.start(['mkfifo', host.paths.settingsFile]).ended;
    const ended = await host.service().ended;
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('not a regular file') as string });
  });
});
