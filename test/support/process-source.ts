import { randomInt, randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { hostClock } from '../../src/collector/edr/clock.ts';
import { ProcessEventSource, type SourceOptions } from '../../src/collector/edr/source.ts';
import { FileWatcher } from '../../src/collector/fim/file-watcher.ts';
import { RuleSet } from '../../src/collector/fim/rule-set.ts';
import { ruleWith } from '../../src/collector/fim/testing/fim-rules.ts';
import { processTimer } from '../../src/collector/debounce.ts';
import { ReadableWatch } from '../../src/collector/native/readable.ts';
import { Unreadable, type ReadContext } from '../../src/collector/table.ts';
import { EdrEvent } from '../../src/shared/host-events.ts';
import type { Task } from '../../src/shared/manifest.ts';
import { CHAIN_START, sealEvent } from '../../src/wire/event-chain.ts';

/** The context of a real host, or of a laid-out one, with time that passes. */
export function liveContext(root = '/'): ReadContext {
  return {
    root,
    os: 'linux',
    signal: new AbortController().signal,
    breathe: () => nextTurn(undefined),
    run: (file) => Promise.reject(new Unreadable(`${file}: not here`)),
    now: () => Date.now(),
    sleep: () => Promise.resolve(),
  };
}

export interface RunningSource {
  readonly source: ProcessEventSource;
  /** What came, each as it would leave the host. */
  readonly events: EdrEvent[];
  /** Resolves once the folders of its rules are watched. */
  readonly watching: Promise<void>;
}

/** A source of this host's processes that runs until the test has finished. What it gives is checked against the schema. */
export function runSource(tasks: readonly Task[], options: Partial<SourceOptions> = {}): RunningSource {
  const events: EdrEvent[] = [];
  const chain = { id: randomUUID(), sequence: 0, hash: CHAIN_START };
  const watch = new ReadableWatch({ now: () => performance.now(), failed: () => undefined });
  const source = new ProcessEventSource({
    context: liveContext(),
    clock: hostClock(),
    startTimer: processTimer,
    watch,
    newId: randomUUID,
    token: randomInt(2 ** 31),
    hashThread: new URL('../../src/collector/edr/image-hash-thread.ts', import.meta.url),
    stateFile: undefined,
    ...options,
    callbacks: {
      events: (list) => {
        for (const event of list) events.push(EdrEvent.parse(JSON.parse(sealEvent(event, chain).body)));
      },
      log: () => undefined,
      ...options.callbacks,
    },
  });
  source.start();
  source.setRules(tasks);
  const files = fileChanges(source);
  onTestFinished(async () => {
    await files.stop();
    await source.stop();
    await watch.stop();
  });
  return { source, events, watching: files.watching };
}

/** Tells a source of the changes in the folders that it names, as the sensor does where fanotify is not to be had. */
function fileChanges(source: ProcessEventSource): { watching: Promise<void>; stop: () => Promise<void> } {
  const watcher = new FileWatcher({
    os: 'linux',
    now: Date.now,
    startTimer: processTimer,
    changes: (changes) => {
      for (const change of changes) source.fileChange(change);
    },
    lost: () => undefined,
    failed: () => undefined,
  });
  const rules = source.directories().map((path, n) => ruleWith({ id: String(n), path }));
  return { watching: watcher.setRules(new RuleSet(rules, [], 'linux')), stop: () => watcher.stop() };
}
