import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import type { WatchLine } from '../../shared/control.ts';
import type { DemandedScan } from '../../shared/scan.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { followScan } from './follow-scan.ts';

const demand: DemandedScan = {
  controlId: '3f0c1c9a-7d7b-4a39-9d15-2a3c1f9f6c01',
  origin: 'user',
  cpuLimitPct: 10,
  state: 'accepted',
  requestedAt: '2026-11-20T12:00:00.000Z',
  startedAt: null,
  endedAt: null,
  reason: '',
};
const scan = { type: 'Vulnerability', controlId: demand.controlId } as const;

function line(change: Partial<DemandedScan>, status: Partial<AgentStatus> = {}): WatchLine {
  const vulnerability = { ...STATUS.types.Vulnerability, demand: { ...demand, ...change } };
  return {
    kind: 'status',
    status: { ...STATUS, types: { ...STATUS.types, Vulnerability: vulnerability }, ...status } as AgentStatus,
  };
}

async function follow(...lines: WatchLine[]): Promise<{ steps: string[]; end: DemandedScan | undefined }> {
  const steps: string[] = [];
  const end = await followScan(Readable.from(lines), scan, (step) => steps.push(step));
  return { steps, end };
}

describe('following a scan', () => {
  const upload = { type: 'Vulnerability', kind: 'delta', chunksSent: 0, chunkCount: 2, encodedBytes: 10 };
  const condition = { severity: 'info', text: '', since: STATUS.since, stopsUploads: false } as const;

  it('says each step once, what it waits for among them, until it is done', async () => {
    const { steps, end } = await follow(
      line({}),
      { kind: 'event', event: { name: 'checked in', at: STATUS.since, commands: 0 } },
      line({ state: 'running' }),
      line({ state: 'running' }, { phase: 'scanning' }),
      line({ state: 'uploading' }, { phase: 'blackout', pendingUpload: upload }),
      line(
        { state: 'uploading' },
        { conditions: [{ ...condition, code: 'METERED_WAIT', title: 'Metered' }], pendingUpload: upload },
      ),
      line({ state: 'uploading' }, { pendingUpload: upload }),
      line({ state: 'uploading' }, { pendingUpload: { ...upload, chunksSent: 1 } }),
      line({ state: 'uploading' }, { pendingUpload: { ...upload, type: 'Inventory' } }),
      line({ state: 'done', endedAt: '2026-11-20T12:00:09.000Z' }),
      line({ state: 'failed' }),
    );
    expect(steps).toEqual([
      'waiting to begin',
      'collecting',
      'collected, waiting for the end of a blackout window',
      'collected, waiting: Metered',
      'uploading: 0 of 2 chunks',
      'uploading: 1 of 2 chunks',
      'uploading',
    ]);
    expect(end?.state).toBe('done');
  });

  it('does not take the end of another scan for the one of this', async () => {
    const controlId = '00000000-0000-4000-8000-000000000001';
    await expect(follow(line({}), line({ controlId, state: 'done' }))).rejects.toThrow('another scan began');
    const gone: WatchLine = { kind: 'status', status: { ...STATUS, types: {} } };
    await expect(follow(line({}), gone)).rejects.toThrow('dropped it with its module');
  });

  it('has no end where the agent ended first', async () => {
    expect((await follow(line({ state: 'running' }))).end).toBeUndefined();
  });
});
