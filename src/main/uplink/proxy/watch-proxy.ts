import type { Clock } from '../../clock.ts';
import type { ProxyPlaces } from '../../host/paths.ts';
import { foldersOf, watchContent } from '../../host/watch-content.ts';
import type { WatchFolder } from '../../host/watch-folder.ts';
import { credentialsRevision, isCredentialsFile } from './proxy-credentials.ts';
import type { ProxySettingsSource } from './proxy-settings.ts';

export interface ProxyWatchOptions {
  readonly source: Pick<ProxySettingsSource, 'read'>;
  readonly places: ProxyPlaces;
  /** The folder of the secrets: the credentials among them are part of the settings. */
  readonly secretsDir: string;
  readonly clock: Clock;
  /** Called once per change of what the settings say, or of the credentials; never for settings that are only touched. */
  readonly changed: () => void;
  readonly watchFolder?: WatchFolder;
}

/**
 * Watches the proxy settings until the function that it returns is called (R258); those of the registry, which gives no
 * sign, by looking again. Never throws.
 */
export function watchProxySettings(options: ProxyWatchOptions): () => void {
  const { places, secretsDir, clock, changed, watchFolder } = options;
  return watchContent({
    folders: foldersOf([...places.files, ...places.sharedFiles]).set(secretsDir, isCredentialsFile),
    content: () => contentOf(options),
    clock,
    changed,
    ...(watchFolder !== undefined && { watchFolder }),
  });
}

/** What the settings say, without the numbers of their lines: a comment above one is no change. */
function contentOf({ source, secretsDir }: ProxyWatchOptions): string {
  const { given, problems } = source.read();
  return JSON.stringify([
    Object.entries(given).map(([name, { value }]) => [name, value]),
    problems.map(({ setting, reason }) => [setting, reason]),
    credentialsRevision(secretsDir),
  ]);
}
