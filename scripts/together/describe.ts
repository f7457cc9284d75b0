import type { AgentEvent } from '../../src/shared/control.ts';
import { bytes } from '../../src/main/cli/units.ts';

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** An event of the agent as one readable line. */
export function describeEvent(event: AgentEvent): string {
  switch (event.name) {
    case 'provisioned':
      return `provisioned as ${event.hostId} with key "${event.activationTitle}"`;
    case 'provisioning failed':
      return `provisioning failed: ${event.reason}; next attempt ${event.nextAt}`;
    case 'profile':
      return `profile "${event.profile}" version ${event.version}`;
    case 'manifest':
      return `manifest ${event.type} version ${event.version}, ${event.tasks} tasks`;
    case 'collecting':
      return `collecting ${event.type} (${event.reason}) …`;
    case 'collected':
      return `collected ${event.type}: ${event.rows} rows in ${seconds(event.elapsedMs)}, ${seconds(event.cpuMs)} CPU; ${changes(event)}${event.errors === 0 ? '' : `, ${event.errors} tables not readable`}`;
    case 'collection failed':
      return `collection of ${event.type} failed: ${event.reason}`;
    case 'chunk':
      return `sent ${event.type} chunk ${event.n} of ${event.of}, ${bytes(event.bytes)}`;
    case 'uploaded':
      return `uploaded ${event.type} ${event.kind} ${event.seq}: ${changes(event)}, ${bytes(event.rawBytes)} as ${bytes(event.sentBytes)} in ${event.chunks} ${event.chunks === 1 ? 'chunk' : 'chunks'}, root ${event.root.slice(0, 8)}`;
    case 'events uploaded':
      return `uploaded ${event.records} ${event.type} events: ${bytes(event.rawBytes)} as ${bytes(event.sentBytes)}`;
    case 'in sync':
      return `in sync with the platform: ${event.types.join(', ')}`;
    case 'resync':
      return `synchronising again: ${event.types.join(', ')} (${event.reason})`;
    case 'changed':
      return `${event.reason}: early cycle of ${event.types.join(', ')}`;
    case 'checked in':
      return `checked in${event.commands === 0 ? '' : `, ${event.commands} commands`}`;
    case 'command':
      return `command ${event.type}: ${event.result}`;
    case 'condition':
      return event.raised ? `${event.code}: ${event.text}` : `${event.code}: over`;
  }
}

/** A line of the platform's log without the time, which whoever shows it gives, and without the usual level. */
export function describePlatformLine(line: string): string {
  return line.replace(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z \[(\w+)\] /, (_, level: string) =>
    level === 'info' ? '' : `${level}: `,
  );
}

function changes(event: { readonly set: number; readonly del: number }): string {
  return event.set + event.del === 0 ? 'nothing changed' : `${event.set} rows set, ${event.del} deleted`;
}
