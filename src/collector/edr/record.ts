import {
  severityNumber,
  type EdrEvent,
  type EventProcess,
  type ProcessAction,
  type Severity,
} from '../../shared/host-events.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import { cut } from './program.ts';

/** Longest reason (`host-events.ts`). */
const REASON_CHARS = 200;

/** Category and type of each action in the Elastic Common Schema. */
const ECS: Readonly<Record<ProcessAction, { category: string[]; type: string[] }>> = {
  process_started: { category: ['process'], type: ['start'] },
  process_ended: { category: ['process'], type: ['end'] },
  user_changed: { category: ['process'], type: ['change'] },
  listener_opened: { category: ['network', 'process'], type: ['start'] },
  startup_item_added: { category: ['configuration'], type: ['creation'] },
  scheduled_task_added: { category: ['configuration'], type: ['creation'] },
  executable_dropped: { category: ['file'], type: ['creation'] },
  registry_value_set: { category: ['registry'], type: ['change'] },
  mutex_created: { category: ['process'], type: ['info'] },
  events_lost: { category: ['process'], type: ['info'] },
};

/** What a record of process events is made of. */
export interface RecordParts {
  readonly id: string;
  /** Ms since the epoch. */
  readonly at: number;
  readonly action: ProcessAction;
  readonly provider: string;
  readonly severity: Severity;
  readonly rule?: string;
  readonly process?: EventProcess | undefined;
  readonly user?: EdrEvent['user'];
  readonly login_user?: EdrEvent['wayfarer']['login_user'];
  readonly file?: EdrEvent['file'];
  readonly server?: EdrEvent['server'];
  readonly item?: string;
  readonly reason?: string | undefined;
  readonly lost?: number;
}

/** Leaves out what is `undefined`: canonical JSON has no such thing. */
function present<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

/** The record, ready for its place in the chain. */
export function edrRecord(parts: RecordParts): UnsealedEdrEvent {
  const { id, at, action, provider, severity, rule, process, user, file, server } = parts;
  const { login_user, item, reason, lost } = parts;
  return {
    '@timestamp': new Date(at).toISOString(),
    event: {
      id,
      kind: 'event',
      module: 'edr',
      ...ECS[action],
      action,
      severity: severityNumber(severity),
      provider,
    },
    ...present({ rule: rule === undefined ? undefined : { id: rule }, process, user, file, server }),
    wayfarer: {
      severity,
      ...present({
        login_user,
        item,
        lost,
        reason: reason === undefined ? undefined : cut(reason, REASON_CHARS),
      }),
    },
  };
}
