import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright';

/** Where Debian puts it; browsers are never downloaded. */
const CHROMIUM = '/usr/bin/chromium';

/** What keeps Chromium from talking to anybody but the test. */
const QUIET = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--disable-gpu',
  '--no-first-run',
] as const;

/** Why there is no Chromium here, and what to do about it; `undefined` if there is one. */
export function noChromium(): string | undefined {
  if (existsSync(CHROMIUM)) return undefined;
  return `needs ${CHROMIUM}: apt-get install -y --no-install-recommends chromium`;
}

/** Starts Chromium without a window. Its own sandbox does not work for root. */
export function launchChromium(args: readonly string[]): Promise<Browser> {
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: [...QUIET, ...sandbox, ...args] });
}
