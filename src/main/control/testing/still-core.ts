import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STATUS } from '../../../../test/support/agent-status.ts';
import type { AgentEvent, CycleRequest, ProfileReply } from '../../../shared/control.ts';
import type { AgentStatus } from '../../../shared/status.ts';
import { openControl, type ControlServer, type ControlTarget } from '../server.ts';

export const CONTROL_ID = '3f0c1c9a-7d7b-4a39-9d15-2a3c1f9f6c01';

export const CHANGED: AgentEvent = {
  name: 'changed',
  at: '2026-11-20T12:00:00Z',
  types: ['Inventory'],
  reason: 'r',
};

export const PROFILE: ProfileReply = {
  id: 'p',
  name: 'Laptops',
  description: '',
  version: 3,
  preset: 'CUSTOM',
  parameters: [],
};

/** A core that holds still until a test moves it. */
export class StillCore implements ControlTarget {
  current: AgentStatus = STATUS;
  readonly asked: CycleRequest[] = [];
  readonly watchers = new Set<Parameters<ControlTarget['watch']>[0]>();

  readonly status = () => this.current;
  readonly watch: ControlTarget['watch'] = (watcher) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
  readonly wishes: Parameters<ControlTarget['demandScan']>[0][] = [];
  answer: Awaited<ReturnType<ControlTarget['demandScan']>> = {
    accepted: { controlId: CONTROL_ID, type: 'Vulnerability', cpuLimitPct: 10 },
  };
  readonly demandScan: ControlTarget['demandScan'] = (wish) => {
    this.wishes.push(wish);
    return Promise.resolve(this.answer);
  };
  readonly profile: ControlTarget['profile'] = () => PROFILE;
  provision: ReturnType<ControlTarget['provisionNow']> = { state: 'trying' };
  readonly provisionNow = () => this.provision;
  fimEvents: string[] = [];
  readonly hostWatchers = new Set<(body: string) => void>();
  readonly hostEvents: ControlTarget['hostEvents'] = {
    of: (stream) => (stream === 'fim' ? this.fimEvents : []),
    watch: (_, watcher) => {
      this.hostWatchers.add(watcher);
      return () => this.hostWatchers.delete(watcher);
    },
  };
  recent: AgentEvent[] = [];
  readonly recentEvents = () => this.recent;
  readonly requestCycle: ControlTarget['requestCycle'] = (request) => {
    this.asked.push(request);
    return { accepted: ['Inventory'], refused: { SCA: 'no manifest' } };
  };
}

/** The endpoints of a still core, in a directory of their own. */
export class ControlHost {
  readonly directory = mkdtempSync(join(tmpdir(), 'wayfarer-control-'));
  readonly endpoints = { read: join(this.directory, 'read.sock'), admin: join(this.directory, 'admin.sock') };
  readonly core = new StillCore();
  server: ControlServer | undefined;

  async open(): Promise<void> {
    chmodSync(this.directory, 0o755);
    this.server = await openControl(this.endpoints, this.core);
  }

  async close(): Promise<void> {
    await this.server?.close();
  }

  async dispose(): Promise<void> {
    await this.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
