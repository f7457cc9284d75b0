import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes the agent's settings below the development root, so that `./bin/wayfarerctl` and a service that is started by
 * hand find the same platform.
 */
export function writeSettings(
  path: string,
  values: {
    readonly customerId: string;
    readonly activationId: string;
    readonly url: string;
    readonly platformKey: string;
    readonly caFile: string;
  },
): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    [
      '# Written by npm start for the embedded platform.',
      `CustomerId=${values.customerId}`,
      `ActivationId=${values.activationId}`,
      `WebServiceUri=${values.url}`,
      `PlatformKey=${values.platformKey}`,
      `CaFile=${values.caFile}`,
      '',
    ].join('\n'),
    { mode: 0o644 },
  );
}
