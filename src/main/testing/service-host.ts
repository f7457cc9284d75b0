import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished, vi } from 'vitest';
import type { SigningServer } from '../../../test/support/signing-server.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { ControlClient } from '../control/client.ts';
import { resolvePaths, type Paths } from '../host/paths.ts';

const SERVICE = fileURLToPath(new URL('../service.ts', import.meta.url));
const CLI = fileURLToPath(new URL('../cli.ts', import.meta.url));

/** Ids as settings need them. */
export const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** The service and the command line as people run them: real processes under a root of their own. */
export class ServiceHost {
  readonly root = mkdtempSync(join(tmpdir(), 'wf-'));
  readonly paths: Paths = resolvePaths('linux', this.root, {});
  readonly #children: ChildProcess[] = [];

  /** Ends with the test. */
  constructor() {
    onTestFinished(() => {
      for (const child of this.#children.splice(0)) child.kill('SIGKILL');
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  start(program: readonly string[]): Running {
    const [file = '', ...args] = program;
    const child = spawn(file, args, {
      cwd: '/',
      env: { PATH: process.env['PATH'], WAYFARER_ROOT: this.root, NODE_NO_WARNINGS: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
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

  service(...flags: string[]): Running {
    return this.start(serviceCall(...flags));
  }

  ctl(...args: string[]): Promise<Ended> {
    return this.start(ctlCall(...args)).ended;
  }

  /** A service that registers with a platform which takes requests and never answers; `asked` once the first came. */
  startAgainst(server: SigningServer): Running & { readonly asked: Promise<void> } {
    const asked = new Promise<void>((resolve) => {
      server.script = () => ({
        write: () => {
          resolve();
        },
      });
    });
    const { base, caFile } = server;
    const ids = ['--customer-id', ID, '--activation-id', ID];
    return { ...this.service(...ids, '--web-service-uri', base, '--ca-file', caFile), asked };
  }

  /** Waits until the agent answers, and gives its status. */
  answering(): Promise<AgentStatus> {
    const client = new ControlClient(this.paths.readEndpoint);
    return vi.waitFor(() => client.status(), { timeout: 30_000, interval: 50 });
  }
}

export const serviceCall = (...flags: string[]): string[] => [process.execPath, SERVICE, ...flags];
export const ctlCall = (...args: string[]): string[] => [process.execPath, CLI, ...args];
