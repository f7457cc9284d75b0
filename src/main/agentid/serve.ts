import { constants, setPriority } from 'node:os';
import type { Socket } from 'node:net';
import { parseConfiguration } from './configuration.ts';
import { endpoint } from './endpoint.ts';
import { bindPorts } from './listen.ts';
import { giveUpRoot } from './privileges.ts';
import type { Report } from './report.ts';

/**
 * Runs the endpoint in this process: waits for the configuration of the parent, binds, gives root up, reports, and
 * answers until the parent is gone. Ends the process when it can't.
 */
export function serveIdentifier(): void {
  process.once('disconnect', () => process.exit(0));
  process.once('message', (raw) => {
    open(raw).then(report, (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      report({ kind: 'failed', reason: reason.slice(0, 500) });
    });
  });
}

async function open(raw: unknown): Promise<Report> {
  const { correlationId, ports, bindAll } = parseConfiguration(raw);
  lowerPriority();
  const take = endpoint(correlationId);
  // Nothing that strangers send is looked at with root's rights.
  let safe = false;
  const bound = await bindPorts({ ports, bindAll }, (socket: Socket) => {
    if (safe) take(socket);
    else socket.resetAndDestroy();
  });
  if (bound.ports.length === 0) return { kind: 'no port', taken: [...bound.taken] };
  giveUpRoot();
  safe = true;
  return { kind: 'listening', ports: [...bound.ports], taken: [...bound.taken] };
}

/** A flood of requests takes what the person at the laptop leaves. */
function lowerPriority(): void {
  try {
    setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    return;
  }
}

function report(message: Report): void {
  process.send?.(message, () => {
    if (message.kind !== 'listening') process.exit(1);
  });
}
