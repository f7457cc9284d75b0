/** A stanza: the first line of each field by its lower-case name. */
export type Stanza = ReadonlyMap<string, string>;

/** Longest stanza in fields; a real one has about twenty. */
const MAX_FIELDS = 1_000;

/**
 * Splits blocks of lines into stanzas of the Debian control format (deb-control(5)): `Field: value`, continuation lines
 * begin with a blank, an empty line ends a stanza. Continuation lines are left out: no column needs them.
 */
export async function* stanzasOf(
  blocks: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
  wanted: ReadonlySet<string>,
): AsyncGenerator<Stanza[]> {
  let current = new Map<string, string>();
  for await (const lines of blocks) {
    const complete: Stanza[] = [];
    for (const line of lines) {
      if (line.trim() === '') {
        if (current.size > 0) complete.push(current);
        current = new Map();
      } else if (current.size < MAX_FIELDS) {
        addField(current, line, wanted);
      }
    }
    if (complete.length > 0) yield complete;
  }
  if (current.size > 0) yield [current];
}

function addField(stanza: Map<string, string>, line: string, wanted: ReadonlySet<string>): void {
  const colon = line.indexOf(':');
  if (colon <= 0 || line.startsWith(' ') || line.startsWith('\t')) return;
  const name = line.slice(0, colon).toLowerCase();
  if (wanted.has(name)) stanza.set(name, line.slice(colon + 1).trim());
}
