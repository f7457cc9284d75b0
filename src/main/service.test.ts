import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { because, noRoot } from '../../test/support/reason.ts';
import { startSigningServer, type SigningServer } from '../../test/support/signing-server.ts';
import { AgentStatus } from '../shared/status.ts';
import { ControlClient } from './control/client.ts';
import { resolvePaths, type Paths } from './host/paths.ts';

/* The service and the command line as people run them: real processes under a root of their own. */

const SERVICE = fileURLToPath(new URL('service.ts', import.meta.url));
const CLI = fileURLToPath(new URL('cli.ts', import.meta.url));
const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

let root: string;
let paths: Paths;
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wf-'));
  paths = resolvePaths('linux', root, {});
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

function start(program: readonly string[]): Running {
  const [file = '', ...args] = program;
  const child = spawn(file, args, {
    cwd: '/',
    env: { PATH: process.env['PATH'], WAYFARER_ROOT: root, NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const seen = { stdout: '', stderr: '' };
  child.stdout.on('data', (part: Buffer) => (seen.stdout += part.toString()));
  child.stderr.on('data', (part: Buffer) => (seen.stderr += part.toString()));
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      resolve({ code, ...seen });
    });
  });
  return { child, ended };
}

const node = (...args: string[]): string[] => [process.execPath, ...args];
const service = (...flags: string[]): Running => start(node(SERVICE, ...flags));
const ctl = (...args: string[]): Promise<Ended> => start(node(CLI, ...args)).ended;

/** A service that registers with a platform which takes requests and never answers; `asked` once the first came. */
function startAgainst(server: SigningServer): Running & { readonly asked: Promise<void> } {
  const asked = new Promise<void>((resolve) => {
    server.script = () => ({
      write: () => {
        resolve();
      },
    });
  });
  const { base, caFile } = server;
  return {
    ...service('--customer-id', ID, '--activation-id', ID, '--web-service-uri', base, '--ca-file', caFile),
    asked,
  };
}

/** Waits until the agent answers, and gives its status. */
function answering(): Promise<AgentStatus> {
  return vi.waitFor(() => new ControlClient(paths.readEndpoint).status(), { timeout: 15_000, interval: 50 });
}

describe('the service', () => {
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
    const ended = await service(...flags).ended;
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(reason);
    expect(ended.stderr).not.toContain('hunter2');
  });

  it('ends with 0 for --help and --version', async () => {
    expect((await service('--help').ended).code).toBe(0);
    expect((await service('--version').ended).stdout).toBe('0.1.0\n');
  });

  it('R001 R002 speaks outwards to its platform over TLS, and has no other internet socket, none that listens', async () => {
    const server = await startSigningServer();
    try {
      const { child, asked } = startAgainst(server);
      await asked;
      const status = await answering();
      expect(status.pid).toBe(child.pid);
      const agent = internetSockets(child.pid ?? 0);
      expect(agent.map((socket) => socket.remotePort)).toEqual(agent.map(() => server.port));
      expect(agent.length).toBeGreaterThan(0);
      expect(agent.filter((socket) => socket.listens)).toEqual([]);
      expect(internetSockets(status.collector.pid ?? 0)).toEqual([]);
      // The look itself finds one that listens where there is one: the platform of this test.
      expect(internetSockets(process.pid).filter((socket) => socket.listens)).not.toEqual([]);
    } finally {
      await server.close();
    }
  });

  it('ends with 3 beside another one on the same data, naming it, and leaves that one alone', async () => {
    const first = service();
    await answering();
    const second = await service().ended;
    expect(second.code).toBe(3);
    expect(second.stderr).toContain(`in use by process ${String(first.child.pid)}`);
    expect((await answering()).pid).toBe(first.child.pid);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends with 0 at %s, once, and keeps its identity',
    async (signal) => {
      const first = service();
      const { identity, collector } = await answering();
      first.child.kill(signal);
      first.child.kill(signal);
      expect(await first.ended).toMatchObject({ code: 0, stderr: '' });
      expect(existsSync(paths.readEndpoint)).toBe(false);
      expect(existsSync(`/proc/${String(collector.pid)}`)).toBe(false);
      const log = readFileSync(paths.logFile, 'utf8').trim().split('\n');
      expect(log.at(-1)).toContain('agent ended');
      service();
      expect((await answering()).identity.agentKeyId).toBe(identity.agentKeyId);
    },
  );

  it('ends within seconds although the platform does not answer', async () => {
    const server = await startSigningServer();
    try {
      const running = startAgainst(server);
      await running.asked;
      const startedAt = performance.now();
      running.child.kill('SIGTERM');
      expect((await running.ended).code).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(15_000); // the exchange itself would last a minute
    } finally {
      await server.close();
    }
  });

  it('runs without a log, and says so, when the log can not be written', async () => {
    mkdirSync(dirname(dirname(paths.logFile)), { recursive: true });
    writeFileSync(dirname(paths.logFile), 'in the way');
    const running = service();
    await answering();
    running.child.kill('SIGTERM');
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr.match(/can't be written/g)).toHaveLength(1);
  });

  it('names what is wrong in agent.conf in its status, and goes on', async () => {
    mkdirSync(dirname(paths.settingsFile), { recursive: true });
    writeFileSync(paths.settingsFile, `CustomerId=${ID}\nActivationId=nonsense\nWhat=this\n`);
    service();
    const { conditions } = await answering();
    const texts = conditions.map((condition) => condition.text).join('\n');
    expect(texts).toContain(`${paths.settingsFile}:2`);
    expect(texts).toContain(`${paths.settingsFile}:3`);
    expect(texts).toContain('WebServiceUri');
  });

  it('ends with 3 rather than wait for a FIFO in place of agent.conf', async () => {
    mkdirSync(dirname(paths.settingsFile), { recursive: true });
    await start(['mkfifo', paths.settingsFile]).ended;
    const ended = await service().ended;
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('not a regular file') as string });
  });
});

describe('wayfarerctl', () => {
  it('R329 tells not installed, installed but not running, and running apart by its exit code', async () => {
    expect(await ctl('status')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('not installed') as string,
    });
    const running = service();
    await answering();
    expect((await ctl('status')).code).toBe(6); // running, not registered
    running.child.kill('SIGTERM');
    await running.ended;
    expect(await ctl('status')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('does not run') as string,
    });
  });

  it('R329 says after kill -9 that the agent does not run, although its socket is still there', async () => {
    const running = service();
    await answering();
    running.child.kill('SIGKILL');
    await running.ended;
    expect(existsSync(paths.readEndpoint)).toBe(true);
    expect((await ctl('status')).code).toBe(4);
  });

  it('prints with --json exactly what the contract says, and in words who runs', async () => {
    const running = service();
    await answering();
    const json = await ctl('status', '--json');
    const status = AgentStatus.parse(JSON.parse(json.stdout));
    expect(status.pid).toBe(running.child.pid);
    expect(json).toMatchObject({ code: 6, stderr: '' });
    expect((await ctl('status')).stdout).toContain(`process ${String(running.child.pid)}`);
  });

  it('ends with 2 for what it does not know, with 0 for help', async () => {
    for (const args of [[], ['nonsense'], ['status', '--nonsense'], ['status', 'surplus']]) {
      const ended = await ctl(...args);
      expect(ended.code).toBe(2);
      expect(ended.stderr).not.toBe('');
    }
    expect((await ctl('--help')).code).toBe(0);
  });
});

describe.skipIf(noRoot !== undefined)(`a user without rights${because(noRoot)}`, () => {
  const asNobody = (...program: string[]): string[] => [
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    ...program,
  ];

  it('may run the agent on data of his own', async () => {
    chmodSync(root, 0o777);
    const running = start(asNobody(...node(SERVICE)));
    await vi.waitFor(
      () => {
        expect(statSync(paths.readEndpoint).uid).toBe(65_534);
      },
      { timeout: 15_000 },
    );
    const status = await start(asNobody(...node(CLI, 'status', '--json'))).ended;
    expect(status.code).toBe(6);
    running.child.kill('SIGTERM');
    expect((await running.ended).code).toBe(0);
  });

  it('is told with 7 that he may not, where the data belong to root', async () => {
    chmodSync(root, 0o755);
    const refused = await start(asNobody(...node(SERVICE))).ended;
    expect(refused.code).toBe(7);
    expect(refused.stderr).toContain('EACCES');
  });

  it('reads the status of the agent that root runs', async () => {
    chmodSync(root, 0o755);
    service();
    const { pid } = await answering();
    const asked = await start(asNobody(...node(CLI, 'status'))).ended;
    expect(asked).toMatchObject({ code: 6, stdout: expect.stringContaining(String(pid)) as string });
  });

  it('is told with 7 where even the read endpoint is closed', async () => {
    service();
    await answering();
    chmodSync(root, 0o700);
    expect((await start(asNobody(...node(CLI, 'status'))).ended).code).toBe(7);
  });
});

/** The internet sockets of a process: those of its network (proc(5), /proc/pid/net) whose inode it has open. */
function internetSockets(pid: number): { listens: boolean; remotePort: number }[] {
  const own = new Set(socketsOf(pid));
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1, -1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => own.has(fields[9] ?? ''))
      .map(([, , remote = '', state]) => ({
        listens: state === '0A',
        remotePort: Number.parseInt(remote.split(':')[1] ?? '', 16),
      })),
  );
}

/** Inodes of the sockets that a process has open. */
function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(join(folder, name)))?.[1] ?? [];
    } catch {
      return []; // closed meanwhile
    }
  });
}
