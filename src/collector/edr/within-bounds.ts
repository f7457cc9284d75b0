import { EVENT_LIMITS, type EventProcess } from '../../shared/host-events.ts';
import type { UnsealedEdrEvent, UnsealedFimEvent } from '../../wire/event-chain.ts';

/** What is kept for the place in the chain, bytes. */
const HEADROOM = 2_048;

type Unsealed = UnsealedEdrEvent | UnsealedFimEvent;

/**
 * An event within the bound of its length (`EVENT_LIMITS.bytes`): names on Windows may be so long that those of a process, its
 * parent and what it did are more together. Then the process is named by its number and the end of its path, and data of a value
 * is left out.
 */
export function withinBounds(event: Unsealed): Unsealed {
  if (Buffer.byteLength(JSON.stringify(event), 'utf8') <= EVENT_LIMITS.bytes - HEADROOM) return event;
  if (event.event.module === 'edr') return briefProcess(event as UnsealedEdrEvent);
  return briefActor(event as UnsealedFimEvent);
}

function briefProcess({ process, registry, ...event }: UnsealedEdrEvent): UnsealedEdrEvent {
  return {
    ...event,
    ...(process === undefined ? {} : { process: brief(process) }),
    ...(registry === undefined ? {} : { registry }),
  };
}

function briefActor({ registry, ...event }: UnsealedFimEvent): UnsealedFimEvent {
  const { actor } = event.wayfarer;
  const { data: _data, ...named } = registry ?? { hive: '', key: '', value: '' };
  return {
    ...event,
    ...(registry === undefined ? {} : { registry: named }),
    wayfarer: {
      ...event.wayfarer,
      ...(registry?.data === undefined ? {} : { no_diff: 'too long' }),
      actor: actor.state === 'known' ? { ...actor, process: brief(actor.process) } : actor,
    },
  };
}

/** Characters of a name that are kept. */
const KEPT = 1_024;

function brief({ pid, executable, start, exit_code: status }: EventProcess): EventProcess {
  return {
    pid,
    ...(executable === undefined ? {} : { executable: executable.slice(-KEPT) }),
    ...(start === undefined ? {} : { start }),
    ...(status === undefined ? {} : { exit_code: status }),
  };
}
