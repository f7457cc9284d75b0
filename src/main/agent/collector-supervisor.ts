import type { FromCollector, ToCollector } from '../../shared/collector.ts';
import type { Sign, SupervisorRules } from './process-supervisor.ts';

/** How long a collector that collects may say nothing, ms: it shows life every 2 s unless a hung disk blocks it. */
const SILENCE_MS = 120_000;

/** How the collector is kept alive. `memoryBytes` is what it may have. */
export function collectorRules(memoryBytes: number): SupervisorRules<ToCollector, FromCollector> {
  return {
    memoryBytes,
    silenceMs: SILENCE_MS,
    // One that hangs on a dead disk can't be killed, and shares no file with the next.
    oneAtATime: false,
    sent: ({ kind }) => (kind === 'collect' ? 'working' : kind === 'cancel' ? 'resting' : undefined),
    heard,
  };
}

function heard(message: FromCollector): Sign {
  switch (message.kind) {
    case 'ready':
      return { isReady: true };
    case 'task':
      return { progress: true, pace: 'working' };
    case 'batch':
    case 'started':
      return { pace: 'working' };
    case 'alive':
      return { pace: 'working', rssBytes: message.rssBytes };
    case 'done':
      return { progress: true, pace: 'resting' };
    case 'failed':
      return { pace: 'resting' };
    case 'changed':
    case 'log':
      return {};
  }
}
