import { spawnSync } from 'node:child_process';
import type { AgentProcess } from './agent-process.ts';
import { CLONE } from './run.ts';

/** User and password for the proxies of an agent. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Sets them with the tool, as an administrator does. Throws with what it said when it refuses them. */
export function setCredentials(agent: AgentProcess, { username, password }: Credentials): void {
  const args = ['src/main/cli.ts', 'proxy', 'credentials', '--user', username, '--password-stdin'];
  const env = { ...process.env, WAYFARER_ROOT: agent.root };
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: CLONE, env, input: `${password}\n` });
  if (status !== 0) throw new Error(`proxy credentials: ${String(status)} ${stderr.toString()}`);
}
