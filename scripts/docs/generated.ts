const PART = /(<!-- generated: ([\w ]+) -->\n)[\s\S]*?(\n<!-- end -->)/g;

/** The document with its generated parts made anew. Throws when it asks for a part that nobody makes. */
export function withGenerated(document: string, parts: Readonly<Record<string, () => string>>): string {
  return document.replace(PART, (_, head: string, name: string, tail: string) => {
    const make = parts[name];
    if (make === undefined) throw new Error(`no script makes the part "${name}"`);
    return `${head}\n${make()}${tail}`;
  });
}
