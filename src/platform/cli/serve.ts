import { SAMPLE_ADVISORIES } from '../paths.ts';
import { startPlatform } from '../platform.ts';

export interface ServeOptions {
  readonly data: string;
  readonly host: string;
  readonly port?: number;
  readonly advisories?: string;
  readonly json: boolean;
}

/** Runs a platform until SIGTERM or SIGINT; resolves when it has closed cleanly. */
export async function serve(options: ServeOptions): Promise<void> {
  const platform = await startPlatform({
    dataDir: options.data,
    host: options.host,
    ...(options.port === undefined ? {} : { port: options.port }),
    advisoriesDir: options.advisories ?? SAMPLE_ADVISORIES,
    log: (level, message) => {
      process.stderr.write(`${new Date().toISOString()} [${level}] ${message}\n`);
    },
  });
  const stopped = stopSignal();
  const { url, adminUrl, caFile, platformKey, advisories } = platform;
  const ready = {
    ready: true,
    url,
    adminUrl,
    caFile,
    platformKey,
    pid: process.pid,
    advisories: advisories.count,
  };
  process.stdout.write(
    options.json
      ? `${JSON.stringify(ready)}\n`
      : `platform ready at ${url} (CA ${caFile}, key ${platformKey}, ${advisories.count} advisories)\n`,
  );
  await stopped;
  await platform.close();
  process.stdout.write(options.json ? `${JSON.stringify({ stopped: true })}\n` : `platform stopped\n`);
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve();
      });
    }
  });
}
