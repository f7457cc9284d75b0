import type { CommitReply } from '../../shared/wire.ts';

/** How a commit ended: what it answers, now and to every repeat. */
export interface Outcome {
  readonly status: number;
  readonly reply: CommitReply | { readonly code: string; readonly message: string };
}
