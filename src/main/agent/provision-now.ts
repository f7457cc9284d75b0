import type { ProvisionNowReply } from '../../shared/control.ts';
import type { Context } from './context.ts';

/** What somebody is told who asks for an attempt to register now. */
export type ProvisionNowAnswer =
  | { readonly state: 'registered' }
  /** `attempt` is to be carried out as an event. */
  | { readonly state: Extract<ProvisionNowReply['state'], 'trying'>; readonly attempt: () => void }
  | { readonly refused: 'NOT_CONFIGURED' | 'UNINSTALLED'; readonly reason: string };

/**
 * An administrator asks for an attempt to register now. It shortens this pause, not those after it: the next failure waits
 * as long as it would have.
 */
export function provisionNow(context: Context): ProvisionNowAnswer {
  const { configured, uninstalled, provisioned } = context.facts();
  if (uninstalled) return { refused: 'UNINSTALLED', reason: 'the platform has removed this agent' };
  if (!configured) {
    const { missing, problems } = context.settings;
    const wrong = problems.filter(({ harmless }) => harmless !== true).map(({ setting }) => setting);
    const names = [...missing, ...wrong].join(', ') || 'the Host ID file';
    return { refused: 'NOT_CONFIGURED', reason: `missing or not valid: ${names}` };
  }
  if (provisioned) return { state: 'registered' };
  const attempt = (): void => {
    const { provisioning } = context.facts();
    context.update({ provisioning: { ...provisioning, nextAt: context.clock.now() }, pausedUntil: 0 });
  };
  return { state: 'trying', attempt };
}
