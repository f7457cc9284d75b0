import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { expand, namesIn, textOf } from './tolerant.ts';

const FOLDERS = [
  '/var/lib/gems/*/specifications',
  '/usr/share/rubygems-integration/*/specifications',
  '/usr/lib/ruby/gems/*/specifications',
  '/usr/lib/ruby/gems/*/specifications/default',
  '/usr/lib64/gems/ruby/specifications',
  '/usr/share/gems/specifications',
  '/usr/share/gems/specifications/default',
  '/usr/local/lib/ruby/gems/*/specifications',
  '/usr/local/lib/ruby/gems/*/specifications/default',
  '/usr/local/bundle/specifications',
];

/** The comment that RubyGems writes on top of a specification: name, version, platform. */
const STUB = /^# stub: (\S+) (\S+) (\S+)/m;

/** `name-version[-platform].gemspec`; a version begins with a digit after a hyphen. */
const FILE = /^(.+?)-(\d[^-]*)(?:-(.+))?\.gemspec$/;

function* readGem(context: ReadContext): Generator<KeyedRow> {
  for (const folder of new Set(FOLDERS.flatMap((pattern) => expand(context, pattern)))) {
    for (const file of namesIn(context, folder).filter((name) => name.endsWith('.gemspec'))) {
      const path = `${folder}/${file}`;
      const found = STUB.exec(textOf(context, path) ?? '') ?? FILE.exec(file);
      const [, name, version, platform = 'ruby'] = found ?? [];
      if (name === undefined || version === undefined) continue;
      yield { key: path, row: { name, version, platform, path } };
    }
  }
}

export const gemLinux: Reader = { source: 'specifications of RubyGems', root: 'no', read: readGem };
