import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { FimRuleParams, type FimRule } from '../../../../shared/file-integrity.ts';
import type { UnsealedFimEvent } from '../../../../wire/event-chain.ts';
import { SteppedTimers } from '../../../testing/timers.ts';
import type { AuditPolicy } from '../audit-policy.ts';
import { RegistryBaseline } from '../registry-baseline.ts';
import { RegistryRules } from '../registry-events.ts';
import type { OpenRegistryKey } from '../registry-keys.ts';
import type { DoubledRegistry } from './doubled-registry.ts';

/* Runs of the real baseline over a double of the registry (doubled-registry.ts); the log is the test's. */

export const ID = '6f0b2b0a-6f3e-4c1c-9a53-0f6e5f4f2f10';
export const RUN = 'HKLM\\SOFTWARE\\Run';
export const HOUR_MS = 3_600_000;

export const rule = (id: string, path: string, params: Readonly<Record<string, unknown>> = {}): FimRule => ({
  ...FimRuleParams.parse({ kind: 'registry', path, ...params }),
  id,
});

let folder: string;

/** Gives each test of the calling file a baseline of its own. */
export function separateBaselines(): void {
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'wf-registry-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
}

export const stateFile = (): string => join(folder, 'registry-values.json');

interface Doubles {
  /** Has the log tell what it knows. */
  readonly read?: () => Promise<void>;
  readonly breathe?: () => Promise<void>;
  readonly registry?: () => OpenRegistryKey;
}

/** One run on this registry, at a clock that the test steps. */
export function run(registry: DoubledRegistry, doubles: Doubles = {}) {
  const timers = new SteppedTimers(1_000);
  const events: UnsealedFimEvent[] = [];
  const policy: { -readonly [K in keyof AuditPolicy]: boolean } = {
    ...{ starts: true, ends: true, files: true, registry: true },
  };
  const log = { policy, trouble: undefined, read: doubles.read ?? (() => Promise.resolve()) };
  const warnings: string[] = [];
  const baseline = new RegistryBaseline({
    log,
    registry: doubles.registry ?? (() => registry.open),
    stateFile: stateFile(),
    breathe: doubles.breathe ?? (() => Promise.resolve()),
    now: timers.now,
    startTimer: timers.start,
    newId: () => ID,
    events: (told) => events.push(...told),
    changed: () => undefined,
    warn: (message) => warnings.push(message),
  });
  const pass = async (ms: number): Promise<void> => {
    for (const step of [0, ms, 3_000]) {
      timers.pass(step);
      await new Promise((resolve) => void setImmediate(resolve));
    }
  };
  return {
    ...{ baseline, events, log, policy, pass, warnings },
    watch: async (rules: readonly FimRule[], rescanHours = 24): Promise<void> => {
      baseline.setRules(new RegistryRules(rules, () => ID), rescanHours);
      await pass(0);
    },
    told: () =>
      events
        .splice(0)
        .map(({ event, file, wayfarer }) => `${event.action} ${file.path} ${wayfarer.detected}`),
  };
}

/** A run that looks once and ends. */
export async function look(registry: DoubledRegistry, rules: readonly FimRule[]): Promise<string[]> {
  const one = run(registry);
  await one.watch(rules);
  await one.baseline.stop();
  return one.told();
}
