import type { z } from 'zod';
import { MANIFEST_TYPES } from '../../shared/modules.ts';
import type { SyncCheckReply, SyncCheckRequest } from '../../shared/wire.ts';
import type { Context } from '../context.ts';
import type { Agent } from '../store/agents.ts';

/**
 * Compares what both sides hold of every type. A type that differs is dropped here and named, so that the agent
 * drops its copy too and collects in full (R221, R223).
 */
export function syncCheck(
  context: Context,
  agent: Agent,
  request: z.output<typeof SyncCheckRequest>,
): z.input<typeof SyncCheckReply> {
  return context.store.transaction(() => {
    const types: z.input<typeof SyncCheckReply>['types'] = {};
    const mismatched: string[] = [];
    for (const type of MANIFEST_TYPES) {
      const theirs = request.types[type];
      const head = context.store.snapshots.head(agent.id, type);
      if (theirs !== undefined && (head?.seq !== theirs.seq || head.root !== theirs.root)) {
        context.store.snapshots.drop(agent.id, type);
        mismatched.push(type);
        types[type] = null;
      } else if (head !== undefined) {
        types[type] = { seq: head.seq, root: head.root };
      } else if (theirs !== undefined) {
        types[type] = null;
      }
    }
    return { types, mismatched };
  });
}
