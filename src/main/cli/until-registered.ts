import { setTimeout as pause } from 'node:timers/promises';
import { ExitCode } from '../../shared/exit-codes.ts';
import type { AgentStatus } from '../../shared/status.ts';
import { ControlFailure, type ControlClient } from '../control/client.ts';
import { Answer } from './answer.ts';

/** How often the agent is asked, ms; and how long it may not answer, ms: changed settings reopen it. */
const LOOK_EVERY_MS = 250;
const GONE_MS = 10_000;

export interface RegisteredOptions {
  /** Longest wait, ms. */
  readonly timeoutMs: number;
  /** Attempts that failed before this moment, ms since the epoch, don't count. */
  readonly since: number;
  /** Settings that have to be in force; those not given may be any. */
  readonly expected: {
    readonly uri?: string | null | undefined;
    readonly activationId?: string | null | undefined;
    readonly customerId?: string | null | undefined;
  };
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<unknown>;
}

/**
 * Waits until this host is registered under the expected settings; its Host ID. Throws `Answer` once the platform refused
 * it (6) or time is up (8), and `ControlFailure` where the agent can't be asked.
 */
export async function untilRegistered(
  client: Pick<ControlClient, 'status' | 'events'>,
  { timeoutMs, since, expected, now = Date.now, sleep = pause }: RegisteredOptions,
): Promise<string> {
  const startedAt = now();
  let answeredAt = startedAt;
  for (;;) {
    try {
      const status = await client.status();
      answeredAt = now();
      const hostId = inForce(status, expected) ? registeredAs(status) : undefined;
      if (hostId !== undefined) return hostId;
      if (inForce(status, expected)) await throwIfRefused(client, since);
    } catch (error) {
      const gone = error instanceof ControlFailure && error.kind === 'not running';
      if (!gone || now() - answeredAt >= GONE_MS) throw error;
    }
    if (now() - startedAt >= timeoutMs) {
      throw new Answer(ExitCode.timeout, 'not registered in time; "wayfarerctl status" names the reason');
    }
    await sleep(LOOK_EVERY_MS);
  }
}

function inForce({ identity, platform }: AgentStatus, expected: RegisteredOptions['expected']): boolean {
  const pairs = [
    [expected.uri, platform.uri],
    [expected.activationId, identity.activationId],
    [expected.customerId, identity.customerId],
  ];
  return pairs.every(([wanted, found]) => wanted === undefined || wanted === found);
}

function registeredAs({ identity, phase }: AgentStatus): string | undefined {
  const open = phase === 'not provisioned' || phase === 'provisioning';
  return open || identity.hostId === null ? undefined : identity.hostId;
}

/** A platform that answered no says so again until somebody changes something: there is nothing to wait for. */
async function throwIfRefused(client: Pick<ControlClient, 'events'>, since: number): Promise<void> {
  for (const event of await client.events()) {
    if (event.name !== 'provisioning failed' || Date.parse(event.at) < since) continue;
    if (!/^[A-Z_]+$/.test(event.code)) continue;
    throw new Answer(
      ExitCode.notProvisioned,
      `not registered: ${event.reason}; next attempt ${event.nextAt}`,
    );
  }
}
