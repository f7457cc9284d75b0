import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { because, noLinuxRoot, noProgram } from '../../../test/support/reason.ts';
import type { Configuration } from '../agentid/configuration.ts';
import type { Report } from '../agentid/report.ts';
import { exchange, request } from '../agentid/testing/client.ts';
import { freePorts, holdPort } from '../agentid/testing/ports.ts';
import { startAgentIdProcess, type AgentIdPort } from './agentid-process.ts';

const ENTRY = fileURLToPath(new URL('../agentid.ts', import.meta.url));
const ID = '0f8f2f3e-7a0e-4a52-9a3e-0f1b4a6b7c8d';

const running: AgentIdPort[] = [];
afterEach(async () => {
  for (const port of running.splice(0)) await port.stop();
});

interface Run {
  readonly process: AgentIdPort;
  readonly report: Report;
  readonly ended: Promise<string>;
}

/** A process and the first that it says. */
function start(configuration: Configuration, entry = ENTRY): Promise<Run> {
  let ended: (reason: string) => void = () => undefined;
  const end = new Promise<string>((resolve) => {
    ended = resolve;
  });
  return new Promise((resolve, reject) => {
    const process = startAgentIdProcess(entry)(configuration, {
      report: (report) => {
        resolve({ process, report, ended: end });
      },
      ended: (reason) => {
        ended(reason);
        reject(new Error(reason));
      },
    });
    running.push(process);
  });
}

/** A port that only root may bind. */
async function freeLowPort(port = 1023): Promise<number> {
  try {
    await (await holdPort(port)).release();
    return port;
  } catch {
    return freeLowPort(port - 1);
  }
}

const listening = (ports: readonly number[], more: Partial<Configuration> = {}) =>
  start({ correlationId: ID, ports, bindAll: false, ...more });

describe('the process agentid-service', () => {
  it('R272 R273 serves the lowest free port, or all with Bind All, and frees them when it is stopped', async () => {
    const ports = await freePorts(3);
    const one = await listening(ports);
    expect(one.report).toEqual({ kind: 'listening', ports: [ports[0]], taken: [] });
    expect((await exchange(ports[0] ?? 0, request('127.0.0.1'))).text).toContain(ID);
    await one.process.stop();
    const all = await listening(ports, { bindAll: true });
    expect(all.report).toEqual({ kind: 'listening', ports, taken: [] });
    for (const port of ports) expect((await exchange(port, request('127.0.0.1'))).text).toContain(ID);
    await all.process.stop();
    for (const port of ports) await (await holdPort(port)).release();
  });

  it('R272 says so and ends when no port is free', async () => {
    const held = await holdPort();
    const { report, ended } = await listening([held.port]);
    expect(report).toEqual({ kind: 'no port', taken: [{ port: held.port, code: 'EADDRINUSE' }] });
    expect(await ended).toBe('exit code 1');
    await held.release();
  });

  it('refuses a configuration that it can not read, and ends', async () => {
    const { report, ended } = await listening([0]);
    expect(report).toMatchObject({ kind: 'failed', reason: expect.stringContaining('ports') as string });
    expect(await ended).toBe('exit code 1');
  });

  it('says why it ended when there is no such program', async () => {
    const configuration = { correlationId: ID, ports: [10001], bindAll: false };
    await expect(start(configuration, '/nowhere/agentid.mjs')).rejects.toThrow('ENOENT');
  });

  const noTools = noLinuxRoot ?? noProgram('ss', 'iproute2') ?? noProgram('netstat', 'net-tools');
  it.skipIf(noTools !== undefined)(
    `R276 is called agentid-service in the process list, in ss and in netstat${because(noTools)}`,
    async () => {
      const [port = 0] = await freePorts(1);
      const { process } = await listening([port]);
      const pid = String(process.pid);
      const said = (program: string, args: string[]): string =>
        execFileSync(program, args, { encoding: 'utf8' });
      expect(said('ps', ['-o', 'comm=,args=', '-p', pid]).trim()).toMatch(
        /^agentid-service +agentid-service$/,
      );
      expect(said('ss', ['-Hltnp', `sport = :${String(port)}`])).toContain(`(("agentid-service",pid=${pid},`);
      // netstat cuts what follows the pid to fit its column.
      const line = said('netstat', ['-ltnp'])
        .split('\n')
        .find((one) => one.includes(`:${String(port)} `));
      expect(line).toContain(` ${pid}/agentid-serv`);
    },
  );

  it.skipIf(noLinuxRoot !== undefined)(
    `keeps no right of root once it listens${because(noLinuxRoot)}`,
    async () => {
      const [port = 0] = await freePorts(1);
      const { process } = await listening([port]);
      const status = readFileSync(`/proc/${String(process.pid)}/status`, 'utf8');
      const field = (name: string): string =>
        new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'm').exec(status)?.[1] ?? '?';
      const nobody = '65534\t65534\t65534\t65534';
      expect([field('Uid'), field('Gid'), field('Groups')]).toEqual([nobody, nobody, '']);
      expect([field('CapPrm'), field('CapEff')]).toEqual(['0000000000000000', '0000000000000000']);
    },
  );

  it.skipIf(noLinuxRoot !== undefined)(
    `binds a port below 1024 before it gives root up${because(noLinuxRoot)}`,
    async () => {
      const port = await freeLowPort();
      expect((await listening([port])).report).toMatchObject({ kind: 'listening', ports: [port] });
    },
  );

  it('ends with the agent, however that ends', async () => {
    const [port = 0] = await freePorts(1);
    const parent = spawn(
      process.execPath,
      [
        '--input-type=module-typescript',
        '-e',
        `import { startAgentIdProcess } from ${JSON.stringify(new URL('agentid-process.ts', import.meta.url).href)};
         const port = startAgentIdProcess(${JSON.stringify(ENTRY)})(${JSON.stringify({ correlationId: ID, ports: [port], bindAll: false })},
           { report: () => console.log(port.pid), ended: (reason) => console.log(reason) });`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [pid] = (await once(parent.stdout, 'data')) as [Buffer];
    expect((await exchange(port, request('127.0.0.1'))).text).toContain(ID);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    const alive = (): boolean => {
      try {
        return process.kill(Number(pid.toString()), 0);
      } catch {
        return false;
      }
    };
    await expect.poll(alive, { timeout: 10_000 }).toBe(false);
  });
});
