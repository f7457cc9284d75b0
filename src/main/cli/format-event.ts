import type { AgentEvent } from '../../shared/control.ts';
import { bytes } from './units.ts';
import { localTime } from './local-time.ts';

/** An event as one line: its time by this host's zone to the second, its name, what it says. */
export function eventLine(event: AgentEvent): string {
  return `${localTime(event.at)}  ${event.name}: ${detailOf(event)}`;
}

const list = (names: readonly string[]): string => names.join(', ') || 'none';

function detailOf(event: AgentEvent): string {
  switch (event.name) {
    case 'provisioned':
      return `as ${event.hostId}, activation "${event.activationTitle}"`;
    case 'provisioning failed':
      return `${event.reason}; next attempt ${event.nextAt}`;
    case 'profile':
      return `"${event.profile}", version ${String(event.version)}`;
    case 'manifest':
      return `${event.type} version ${String(event.version)}, ${String(event.tasks)} tasks`;
    case 'collecting':
    case 'collection failed':
      return `${event.type} (${event.reason})`;
    case 'chunk':
      return `${event.type} ${String(event.n)} of ${String(event.of)}, ${bytes(event.bytes)}`;
    case 'events uploaded':
      return `${event.type}, ${String(event.records)} records, ${bytes(event.sentBytes)} sent`;
    case 'in sync':
      return list(event.types);
    case 'resync':
    case 'changed':
      return `${list(event.types)} (${event.reason})`;
    case 'checked in':
      return `${String(event.commands)} commands`;
    case 'command':
      return `${event.type}: ${event.result}`;
    case 'condition':
      return `${event.code} ${event.raised ? 'raised' : 'cleared'}: ${event.text}`;
    case 'collected':
    case 'uploaded':
      return countsOf(event);
  }
}

function countsOf(event: Extract<AgentEvent, { name: 'collected' | 'uploaded' }>): string {
  const changes = `${String(event.set)} set, ${String(event.del)} removed`;
  if (event.name === 'uploaded') {
    return `${event.type} ${event.kind} seq ${String(event.seq)}, ${changes}, ${bytes(event.sentBytes)} sent`;
  }
  const { type, rows, errors, elapsedMs, cpuMs } = event;
  const cost = `${String(Math.round(elapsedMs))} ms, ${String(Math.round(cpuMs))} ms of CPU`;
  return `${type}, ${String(rows)} rows, ${changes}, ${String(errors)} errors, ${cost}`;
}
