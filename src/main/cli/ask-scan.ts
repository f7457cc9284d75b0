import type { ScanReply, ScanRequest } from '../../shared/scan.ts';
import { ControlClient, ControlFailure } from '../control/client.ts';
import type { Paths } from '../host/paths.ts';
import { answerOf } from './answer.ts';

/**
 * Asks the agent for a scan: as administrator where this user may use that endpoint, else as any user. Throws an `Answer`
 * with the reason when it is refused or nobody could be asked.
 */
export async function askForScan(paths: Paths, request: ScanRequest): Promise<ScanReply> {
  const ask = (endpoint: string): Promise<ScanReply> => new ControlClient(endpoint).scan(request);
  try {
    return await ask(paths.adminEndpoint).catch((error: unknown) => {
      if (error instanceof ControlFailure && error.kind === 'permission') return ask(paths.readEndpoint);
      throw error;
    });
  } catch (error) {
    throw answerOf(error, paths);
  }
}
