import type { ManifestType } from '../../shared/modules.ts';
import { keyId } from '../../wire/keys.ts';
import type { ReadPower } from '../host/power/power.ts';
import type { ScanKeys } from '../host/scan-keys/scan-keys.ts';
import type { PlatformClient } from '../uplink/client.ts';
import type { StartAgentId } from './agentid-process.ts';
import type { StartCollector } from './collector-process.ts';
import { ConditionBook } from './condition-book.ts';
import type { Context } from './context.ts';
import type { FactBook } from './fact-book.ts';
import type { Facts } from './facts.ts';
import { modulesOf } from './initial-facts.ts';
import { forgetType } from './modules.ts';
import type { Publisher } from './publisher.ts';
import type { UploadTotals } from './report.ts';
import type { StartSensor } from './sensor-process.ts';
import type { Around } from './surroundings.ts';

/** What the core is given: the world behind ports. */
export type CoreParts = Pick<
  Context,
  | 'clock'
  | 'random'
  | 'log'
  | 'paths'
  | 'settings'
  | 'store'
  | 'identityFiles'
  | 'identity'
  | 'host'
  | 'localTime'
  | 'platform'
> & {
  readonly client: Pick<PlatformClient, 'clockOffsetSec' | 'route' | 'lastAttempts'>;
  readonly startCollector: StartCollector;
  readonly startSensor: StartSensor;
  readonly startAgentId: StartAgentId;
  readonly around: Around;
  readonly readPower: ReadPower;
  readonly scanKeys: ScanKeys;
  readonly fatal: (reason: string) => void;
  readonly facts: Facts;
};

/** What the core keeps itself and lets its steps reach. */
export interface CoreInsides {
  readonly book: FactBook;
  readonly publisher: Publisher;
  readonly totals: UploadTotals;
  readonly phase: () => string;
  readonly cancelCollection: (type: ManifestType) => void;
}

/** The context that every step of the core works with. */
export function createContext(parts: CoreParts, insides: CoreInsides): Context {
  const { book, publisher, totals, phase, cancelCollection } = insides;
  const { log, settings, identity, client, store } = parts;
  const platformKey = (): string | undefined => settings.platformKey ?? identity.registration?.platformKey;
  const context: Context = {
    ...parts,
    conditions: new ConditionBook((code, raised, text) => {
      if (raised) log.warn(`condition ${code}: ${text}`);
      else log.info(`condition ${code} cleared`);
      publisher.emit({ name: 'condition', code, raised, text });
    }),
    tasks: new Map(),
    facts: () => book.facts,
    update: (change) => {
      book.update(change);
    },
    updateType: (type, change) => {
      book.updateType(type, change);
    },
    emit: (event) => {
      publisher.emit(event);
    },
    platformKey,
    pinnedKeyId: () => {
      const key = platformKey();
      return key === undefined ? undefined : keyId(key);
    },
    modules: () => modulesOf(store),
    phase,
    route: () => client.route,
    proxiesTried: () => client.lastAttempts.some(({ proxy }) => proxy !== null),
    clockOffsetSec: () => client.clockOffsetSec,
    cancelCollection,
    forgetType: (type) => {
      forgetType(context, type);
    },
    countSent: (bytes) => {
      totals.sentBytes += bytes;
    },
    countUpload: (rawBytes, chunks) => {
      totals.count += 1;
      totals.rawBytes += rawBytes;
      totals.chunks += chunks;
    },
  };
  return context;
}
