import { CHAIN_START, sealEvent, type ChainHead, type UnsealedFimEvent } from '../../src/wire/event-chain.ts';
import type { EventActor } from '../../src/shared/host-events.ts';

/** A process that changed something, as a source tells of it. */
export const KNOWN_ACTOR: EventActor = {
  state: 'known',
  process: { pid: 4711, name: 'vim', executable: '/usr/bin/vim', command_line: 'vim /etc/passwd' },
  user: { id: '0', name: 'root' },
  login_user: { id: '1000', name: 'ada' },
};

/** A chain of sealed FIM events, each of them one change of a file. */
export class FimChain {
  head: ChainHead = { id: '11111111-1111-4111-8111-111111111111', sequence: 0, hash: CHAIN_START };

  /** The next record, as JSON. */
  next(path: string, change: Partial<UnsealedFimEvent['wayfarer']> = {}): string {
    const n = String(this.head.sequence + 1).padStart(12, '0');
    const { body, head } = sealEvent(
      {
        '@timestamp': '2026-11-20T12:00:00.000Z',
        event: {
          id: `00000000-0000-4000-8000-${n}`,
          kind: 'event',
          module: 'fim',
          category: ['file'],
          type: ['change'],
          action: 'updated',
          severity: 3,
          provider: 'fanotify',
        },
        rule: { id: 'etc' },
        file: { path },
        wayfarer: {
          detected: 'live',
          severity: 'high',
          changed: ['content', 'size'],
          actor: KNOWN_ACTOR,
          ...change,
        },
      },
      this.head,
    );
    this.head = head;
    return body;
  }
}
