import { expand } from './linux/tolerant.ts';
import type { FileOptions } from './open-file.ts';
import type { KeyedRow, ReadContext, Reader } from './table.ts';

/** Where software of one kind stands. Segments may hold `*`, as `expand` takes them. */
interface SoftwareFolders {
  readonly source: string;
  /** Folders for everybody. */
  readonly everybody: readonly string[];
  /** Folders of one person, below the home. */
  readonly personal: readonly string[];
  readonly homes: (context: ReadContext) => readonly { readonly path: string }[];
  readonly rows: (
    context: ReadContext,
    folders: readonly string[],
    files: FileOptions,
  ) => AsyncIterable<KeyedRow>;
}

/** Where a person owns a folder of the path, and could lay a link to anything. */
const OWN_FILES = { links: 'none' } as const;

/** A reader of what stands in folders of the system and of everybody's home; in the latter it follows no link. */
export function folderReader({ source, everybody, personal, homes, rows }: SoftwareFolders): Reader {
  return {
    source,
    root: 'partly',
    async *read(context) {
      const shared = everybody.flatMap((pattern) => expand(context, pattern));
      yield* rows(context, shared, {});
      const own = homes(context).flatMap(({ path }) =>
        personal.flatMap((pattern) => expand(context, `${path}/${pattern}`, OWN_FILES)),
      );
      yield* rows(context, own, OWN_FILES);
    },
  };
}
