/** Longest pattern of a command, characters: it is a person's. */
const MAX_PATTERN = 4_096;

/**
 * A pattern as rules of file integrity have them: `*` is any run of characters but the separator, `?` one of them. One
 * with a separator is tried on the whole path, one without on its last name; `**` also passes separators, so that a person
 * can ask for everything below a directory. Throws `RangeError` for one that is too long.
 */
export function pathGlob(pattern: string): (path: string) => boolean {
  if (pattern.length > MAX_PATTERN) throw new RangeError(`a pattern of ${String(pattern.length)} characters`);
  const whole = pattern.includes('/') || pattern.includes('\\');
  const steps = stepsOf(pattern);
  return (path) => matches(steps, whole ? path : path.slice(1 + lastSeparator(path)));
}

type Step = { readonly one: (char: string) => boolean } | { readonly many: (char: string) => boolean };

const any = (): boolean => true;
const notSeparator = (char: string): boolean => char !== '/' && char !== '\\';

function stepsOf(pattern: string): Step[] {
  return (pattern.match(/\*+|[^*]/gs) ?? []).map((part): Step => {
    if (part.startsWith('*')) return { many: part.length > 1 ? any : notSeparator };
    return { one: part === '?' ? notSeparator : (char) => char === part };
  });
}

/** All states at once, so that no pattern takes more than its length times that of the path. */
function matches(steps: readonly Step[], text: string): boolean {
  let at = reach(steps, new Set([0]));
  for (const char of text) {
    const next = new Set<number>();
    for (const state of at) {
      const step = steps[state];
      if (step === undefined) continue;
      if ('many' in step) {
        if (step.many(char)) next.add(state);
      } else if (step.one(char)) next.add(state + 1);
    }
    at = reach(steps, next);
    if (at.size === 0) return false;
  }
  return at.has(steps.length);
}

/** A star may also stand for nothing. */
function reach(steps: readonly Step[], states: Set<number>): Set<number> {
  for (const state of states) {
    const step = steps[state];
    if (step !== undefined && 'many' in step) states.add(state + 1);
  }
  return states;
}

const lastSeparator = (path: string): number => Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
