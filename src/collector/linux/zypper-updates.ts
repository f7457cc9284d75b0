import { lstatHost } from '../files.ts';
import { Unreadable, type ReadContext } from '../table.ts';
import { decodeHostText } from '../text.ts';
import type { Update } from '../updates.ts';
import { rpmDatabase } from './rpm.ts';

const TIMEOUT_MS = 300_000;

/** An `update` of a package, without what it contains: summary and description may hold any text. */
const UPDATE = /<update (?=[^>]*\bkind="package")([^>]*)>([\s\S]*?)<\/update>/g;
const SOURCE = /<source ([^>]*)>/;
const ATTRIBUTE = /([\w-]+)="([^"]*)"/g;

/**
 * Updates that zypper knows of, by the metadata that it has (zypper(8): `--xmlout`, `--no-refresh`, `list-updates`). Its
 * locks count. Which of them fix security issues stands in its patches, not in its packages. Throws `Unreadable`.
 */
export async function* zypperUpdates(context: ReadContext): AsyncGenerator<Update> {
  if (rpmDatabase(context) === undefined || lstatHost(context, '/usr/bin/zypper') === undefined) return;
  const args = ['--non-interactive', '--no-refresh', '--xmlout', 'list-updates'];
  const result = await context.run('zypper', args, { timeoutMs: TIMEOUT_MS });
  if (result.exitCode !== 0) throw new Unreadable(`zypper ended with exit code ${String(result.exitCode)}`);
  for (const [, head = '', content = ''] of decodeHostText(result.stdout).matchAll(UPDATE)) {
    const update = updateOf(attributes(head), attributes(SOURCE.exec(content)?.[1] ?? ''));
    if (update !== undefined) yield update;
  }
}

function updateOf(head: Attributes, source: Attributes): Update | undefined {
  const name = head.get('name');
  const candidateVersion = head.get('edition');
  if (name === undefined || candidateVersion === undefined) return undefined;
  const arch = head.get('arch');
  const installedVersion = head.get('edition-old');
  const repository = source.get('alias');
  return {
    manager: 'zypper',
    package: name,
    ...(arch !== undefined && { arch }),
    ...(installedVersion !== undefined && { installedVersion }),
    candidateVersion,
    ...(repository !== undefined && { repository }),
  };
}

type Attributes = ReadonlyMap<string, string>;

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
};

const attributes = (text: string): Attributes =>
  new Map(
    [...text.matchAll(ATTRIBUTE)].map(([, name = '', value = '']) => [
      name,
      value.replace(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity),
    ]),
  );
