import { encodeHostText } from '../../text.ts';
import type { RegistryRoots } from './registry-roots.ts';
import type { RegistryWalk } from './registry-walk.ts';

/** Characters of a name in a text that may have 300. */
const MOST_NAME = 120;

/** What of a rule could not be compared, by its keys; `undefined` where all was. */
export function troubleOf(
  roots: RegistryRoots,
  isCut: boolean,
  { unread, unsteady }: Pick<RegistryWalk, 'unread' | 'unsteady'>,
): string | undefined {
  const parts = [
    ...(isCut ? ['it covers more keys and values than are compared: name less'] : []),
    ...unreadTexts([...unread].filter(([key]) => roots.concerns(key))),
    ...unsteadyTexts([...unsteady].filter((key) => roots.concerns(key))),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
}

function unreadTexts(keys: readonly (readonly [key: string, reason: string])[]): string[] {
  const [first] = keys;
  if (first === undefined) return [];
  const named = `${shortName(first[0])}: ${first[1]}`;
  return [
    keys.length === 1
      ? `one key can't be read, ${named}`
      : `${keys.length} keys can't be read, one of them ${named}`,
  ];
}

function unsteadyTexts([first, ...others]: readonly string[]): string[] {
  if (first === undefined) return [];
  const named = shortName(first);
  return [
    others.length === 0
      ? `one key changes all the time, ${named}`
      : `${others.length + 1} keys change all the time, one of them ${named}`,
  ];
}

const shortName = (key: string): string => encodeHostText(key, 'win32').slice(0, MOST_NAME);
