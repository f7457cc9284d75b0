import type { WatchLine } from '../../shared/control.ts';
import { ExitCode } from '../../shared/exit-codes.ts';
import { isUnderWay, type DemandedScan, type OnDemandType, type ScanReply } from '../../shared/scan.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { Answer } from './answer.ts';

/**
 * Follows a scan through the lines of a watch to its end; `progress` gets each new step as a clause. `undefined` when the
 * lines end before the scan does. Throws an `Answer` when it can't be known any more what became of it.
 */
export async function followScan(
  lines: AsyncIterable<WatchLine>,
  { type, controlId }: Pick<ScanReply, 'type' | 'controlId'>,
  progress: (step: string) => void,
): Promise<DemandedScan | undefined> {
  let said = '';
  for await (const line of lines) {
    if (line.kind === 'event') continue;
    const demand = line.status.types[type]?.demand ?? undefined;
    if (demand?.controlId !== controlId) {
      const why = demand === undefined ? 'the agent dropped it with its module' : 'another scan began since';
      throw new Answer(ExitCode.failed, `the end of the scan of ${type} is not known: ${why}`);
    }
    if (!isUnderWay(demand)) return demand;
    const step = stepOf(line.status, type, demand);
    if (step !== said) progress(step);
    said = step;
  }
  return undefined;
}

/** What the scan does now, or what it waits for. */
function stepOf(status: AgentStatus, type: OnDemandType, { state }: DemandedScan): string {
  if (state === 'accepted') return 'waiting to begin';
  if (state === 'running') return 'collecting';
  if (status.phase === 'blackout') return 'collected, waiting for the end of a blackout window';
  const waits = status.conditions.find(({ code, stopsUploads }) => stopsUploads || code === 'METERED_WAIT');
  if (waits !== undefined) return `collected, waiting: ${waits.title}`;
  const { pendingUpload } = status;
  if (pendingUpload?.type !== type) return 'uploading';
  return `uploading: ${pendingUpload.chunksSent} of ${pendingUpload.chunkCount} chunks`;
}
