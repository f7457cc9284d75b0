import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Configuration } from '../agentid/configuration.ts';
import { Report } from '../agentid/report.ts';
import { FRUGAL_ARGV, FRUGAL_ENVIRONMENT } from '../host/frugal-runtime.ts';
import { endChild, whenEnded } from './child.ts';

/** Name of the process in `ps`, `ss -p`, `netstat -p` and the task manager (R276). */
export const AGENTID_SERVICE = 'agentid-service';

/** One run of the endpoint's process. */
export interface AgentIdPort {
  readonly pid: number | null;
  /** Ends the process: asked first, killed when it does not end within two seconds. Its ports are free afterwards. */
  readonly stop: () => Promise<void>;
}

/** What a run reports. `ended` comes exactly once, last. */
export interface AgentIdEvents {
  readonly report: (report: Report) => void;
  readonly ended: (reason: string) => void;
}

/** Starts the endpoint. A failure to start is reported as `ended`, or thrown where the system has no room for a process. */
export type StartAgentId = (configuration: Configuration, events: AgentIdEvents) => AgentIdPort;

/** The heap of a process that only answers one sentence, MB: what strangers send can't make it grow further. */
const HEAP_MB = 32;

/**
 * Starts the endpoint as a child process that may read the folder of its own code and nothing else: no writing, no
 * further processes, no native code (Node's permission model). `entry` is the absolute path of its main module.
 */
export function startAgentIdProcess(entry: string, runtime: string = agentIdRuntime()): StartAgentId {
  return (configuration, events) => {
    const child = spawn(
      runtime,
      [
        ...FRUGAL_ARGV,
        `--max-old-space-size=${String(HEAP_MB)}`,
        '--permission',
        `--allow-fs-read=${join(dirname(entry), '/')}`,
        entry,
      ],
      {
        argv0: AGENTID_SERVICE,
        env: { ...FRUGAL_ENVIRONMENT, ...systemRoot() },
        cwd: dirname(entry),
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        windowsHide: true,
      },
    );
    watch(child, events);
    if (child.connected) child.send(configuration, () => undefined);
    return portOf(child);
  };
}

/** The runtime under the name of the process, where packaging put one beside the agent's: Windows shows the file's name. */
function agentIdRuntime(): string {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const named = join(dirname(process.execPath), `${AGENTID_SERVICE}${suffix}`);
  return existsSync(named) ? named : process.execPath;
}

/** Nothing of the agent's environment, but what Windows needs to open a socket. */
function systemRoot(): NodeJS.ProcessEnv {
  const { SystemRoot } = process.env;
  return SystemRoot === undefined ? {} : { SystemRoot };
}

function watch(child: ChildProcess, events: AgentIdEvents): void {
  let over = false;
  whenEnded(child, (reason) => {
    over = true;
    events.ended(reason);
  });
  child.on('message', (raw) => {
    if (over) return;
    const parsed = Report.safeParse(raw);
    if (parsed.success) events.report(parsed.data);
    else child.kill('SIGKILL');
  });
}

function portOf(child: ChildProcess): AgentIdPort {
  return {
    get pid() {
      return child.pid ?? null;
    },
    stop: () => endChild(child),
  };
}
