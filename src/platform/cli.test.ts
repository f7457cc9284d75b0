import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExitCode } from '../shared/exit-codes.ts';
import { PlatformClient } from '../../test/support/platform-client.ts';
import { runTool } from './testing/run-tool.ts';

const CLI = join(import.meta.dirname, 'cli.ts');
// Node 22 of the unit tests takes types out of TypeScript only when told to.
const NODE = [process.execPath, '--experimental-strip-types', '--no-warnings', CLI] as const;
let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'wayfarer-cli-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

/** The tool in a process of its own. */
function spawned(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(NODE[0], [...NODE.slice(1), '--data', dataDir, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** The tool in this process, which is the quicker way to the same. */
async function run(...args: string[]) {
  const { code, stdout, stderr } = await runTool(dataDir, ...args);
  return { code, stdout, stderr, json: () => JSON.parse(stdout) as Record<string, unknown> };
}

interface Ready {
  readonly url: string;
  readonly caFile: string;
  readonly platformKey: string;
}

async function serve() {
  const child = spawn(NODE[0], [...NODE.slice(1), '--data', dataDir, 'serve', '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const stop = async (signal: NodeJS.Signals): Promise<number | null> => {
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  };
  return { ready: JSON.parse(line) as Ready, stop };
}

describe('wayfarer-platform', { timeout: 60_000 }, () => {
  it('makes customer and key once, and keeps secrets to their owner', async () => {
    const first = await run('init', '--json');
    expect(first.code).toBe(ExitCode.ok);
    expect((await run('init', '--json')).json()).toEqual(first.json());
    expect(statSync(join(dataDir, 'platform.db')).mode & 0o777).toBe(0o600);
  });

  it('gives out the archives of logs that an agent sent, over nothing that is there, and takes a log level only with its end', async () => {
    const { activationId, customerId } = (await run('init', '--json')).json() as Record<string, string>;
    const { ready, stop } = await serve();
    const target = { ...ready, caPem: readFileSync(ready.caFile, 'utf8') };
    const client = new PlatformClient(target, customerId ?? '', Date.now);
    await client.provision(activationId ?? '');
    const raw = Buffer.from('an archive');
    await client.send({ kind: 'logs', encoding: 'identity', rawBytes: raw.length }, raw);
    expect((await run('logs', client.agentId)).stdout).toMatch(
      /^RECEIVED +BYTES +UPLOAD\n\d{4}-.* 10 +[0-9a-f-]{36}\n$/,
    );
    const into = join(dataDir, 'out');
    const files: unknown = (await run('logs', client.agentId, '--output', into, '--json')).json();
    const [file = ''] = files as string[];
    expect(file).toMatch(/\/out\/logs-[\d-]{19}-[0-9a-f-]{36}\.tar\.gz$/);
    expect(readFileSync(file, 'utf8')).toBe('an archive');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await run('logs', client.agentId, '--output', into)).toMatchObject({
      code: ExitCode.failed,
      stderr: expect.stringContaining('EEXIST') as string,
    });
    const give = async (...args: string[]) =>
      (await run('command', client.agentId, 'SET_LOG_LEVEL', ...args)).code;
    expect(await give('level=debug')).toBe(ExitCode.refused);
    expect(await give('level=debug', 'until=2027-01-31T18:00:00Z')).toBe(ExitCode.ok);
    expect(await stop('SIGTERM')).toBe(0);
  });

  it('tells usage, refusal and failure apart by exit code', async () => {
    expect(spawned('init').status).toBe(ExitCode.ok);
    expect((await run('agents')).stdout).toContain('no agent has registered yet');
    expect((await run('keys')).stdout).toContain('Default key');
    expect(spawned('nonsense').status).toBe(ExitCode.usage);
    expect((await run('keys', 'create')).code).toBe(ExitCode.usage);
    const refused = await run('keys', 'create', '--title', 'Both', '--modules', 'PC,SCA');
    expect([refused.code, refused.stderr]).toEqual([ExitCode.refused, expect.stringContaining('PC and SCA')]);
    const range = await run('profiles', 'create', 'name=X', 'statusIntervalSec=5');
    expect([range.code, range.stderr]).toEqual([
      ExitCode.refused,
      expect.stringContaining('from 900 to 2700'),
    ]);
    const nobody = spawned('show', 'nobody');
    expect([nobody.status, nobody.stdout]).toEqual([ExitCode.failed, '']);
    expect(nobody.stderr).not.toBe('');
    expect((await run('--version')).code).toBe(ExitCode.ok);
    expect((await run('keys', '--help')).code).toBe(ExitCode.ok);
  });

  it('serves, refuses a second server, administers beside it, survives SIGKILL and ends on SIGTERM', async () => {
    const { customerId = '', activationId = '' } = (await run('init', '--json')).json() as Record<
      string,
      string
    >;
    const first = await serve();
    const second = spawned('serve');
    expect([second.status, second.stderr]).toEqual([
      ExitCode.refused,
      expect.stringContaining('another platform'),
    ]);

    const target = { ...first.ready, caPem: readFileSync(first.ready.caFile, 'utf8') };
    const client = new PlatformClient(target, customerId, Date.now);
    expect((await client.provision(activationId)).status).toBe(201);
    await first.stop('SIGKILL');

    const again = await serve();
    expect(again.ready).toMatchObject({ url: first.ready.url, platformKey: first.ready.platformKey });
    expect((await run('command', 'laptop-1', 'resync', 'types=Inventory')).code).toBe(ExitCode.ok);
    expect((await client.heartbeat()).body).toMatchObject({
      commands: [{ type: 'RESYNC', args: { types: ['Inventory'] } }],
    });
    const typo = await run('command', 'laptop-1', 'RESYNC', 'type=Inventory');
    expect([typo.code, typo.stderr]).toEqual([ExitCode.refused, expect.stringContaining('"type"')]);
    const unknown = await run('command', 'laptop-1', 'REBOOT');
    expect([unknown.code, unknown.stderr]).toEqual([
      ExitCode.refused,
      expect.stringContaining('must be one of REPROVISION, RESYNC'),
    ]);
    expect((await run('show', 'laptop-1')).stdout).toMatch(/RESYNC +types=Inventory .* waiting/);
    expect((await run('show', 'LAPTOP-1', '--json')).json()).toMatchObject({ id: client.agentId });
    expect(await again.stop('SIGTERM')).toBe(ExitCode.ok);
  });
});
