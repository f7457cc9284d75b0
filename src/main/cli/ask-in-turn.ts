import { ExitCode } from '../../shared/exit-codes.ts';
import { SCAN_REFUSALS, type OnDemandType, type ScanRefusal, type ScanReply } from '../../shared/scan.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { ControlClient } from '../control/client.ts';
import type { Paths } from '../host/paths.ts';
import { Answer, answerOf } from './answer.ts';
import { askForScan } from './ask-scan.ts';
import { isRegistered } from './status.ts';

/** The status of the agent as everyone may ask for it. Throws an `Answer`. */
export async function askForStatus(paths: Paths): Promise<AgentStatus> {
  return new ControlClient(paths.readEndpoint).status().catch((error: unknown) => {
    throw answerOf(error, paths);
  });
}

/**
 * Asks for scans that follow one another: each begins when the upload of the one before is done, also if the caller has
 * gone by then. `accepted` gets them as they are taken. Nothing is asked for if one of them could not be scanned at all.
 * Throws an `Answer`.
 */
export async function askInTurn(
  paths: Paths,
  types: readonly OnDemandType[],
  cpuLimitPct: number | undefined,
  accepted: (reply: ScanReply) => void,
): Promise<void> {
  if (types.length > 1) refuseUnready(await askForStatus(paths), types);
  let after: string | undefined;
  for (const type of types) {
    const reply = await askForScan(paths, { type, cpuLimitPct, after });
    accepted(reply);
    after = reply.controlId;
  }
}

/** An agent that is not registered says that itself, before any of these reasons. */
function refuseUnready(status: AgentStatus, types: readonly OnDemandType[]): void {
  if (!isRegistered(status)) return;
  for (const type of types) {
    const reason = unready(status, type);
    if (reason !== undefined) throw new Answer(ExitCode.refused, `${type}: ${SCAN_REFUSALS[reason]}`);
  }
}

/** Why a type can't be scanned on a registered host as it is now, if it can't (R174). */
export function unready({ types }: AgentStatus, type: OnDemandType): ScanRefusal | undefined {
  const known = types[type];
  if (known === undefined) return 'MODULE_NOT_ACTIVE';
  return known.manifestVersion === null ? 'NO_MANIFEST' : undefined;
}
