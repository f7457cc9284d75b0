import { z } from 'zod';
import type { KeyedRow, Os, ReadContext, TableSpec } from './table.ts';
import { Unreadable } from './table.ts';

type Rows = AsyncIterable<KeyedRow> | Iterable<KeyedRow>;

/** A table as the engine and the documentation see it: the type of its parameters is closed in. */
export interface Table extends Pick<
  TableSpec,
  'name' | 'group' | 'description' | 'key' | 'columns' | 'cost'
> {
  /** Parameters as JSON Schema, `undefined` for tables that take none. */
  readonly paramsSchema: z.core.JSONSchema.BaseSchema | undefined;
  readonly sources: Partial<Record<Os, { readonly source: string; readonly root: string }>>;
  /** As `Reader.prepare`; absent where no reader of the table has one. */
  readonly prepare: ((context: ReadContext) => void | Promise<void>) | undefined;
  /**
   * Opens the rows for raw parameters of a manifest. `undefined` where this operating system has no such table.
   * Throws `Unreadable` when the parameters are not what the table takes.
   */
  readonly open: (context: ReadContext, params: unknown) => Rows | undefined;
}

const NoParams = z.strictObject({});

function refuse(table: string, error: z.ZodError): never {
  const first = error.issues[0];
  const where = first === undefined || first.path.length === 0 ? '' : ` ${first.path.map(String).join('.')}:`;
  throw new Unreadable(`${table}: parameters refused:${where} ${first?.message ?? 'invalid'}`);
}

/** Closes the parameter type of a specification in: from here on parameters are parsed, never trusted. */
export function bindTable<P>(spec: TableSpec<P>): Table {
  const sources: Partial<Record<Os, { source: string; root: string }>> = {};
  for (const os of ['linux', 'win32', 'darwin'] as const) {
    const reader = spec.readers[os];
    if (reader !== undefined) sources[os] = { source: reader.source, root: reader.root };
  }
  const prepares = Object.values(spec.readers).some((reader) => reader.prepare !== undefined);
  const schema: z.ZodType = spec.params ?? NoParams;
  return {
    name: spec.name,
    group: spec.group,
    description: spec.description,
    key: spec.key,
    columns: spec.columns,
    cost: spec.cost,
    get paramsSchema() {
      return spec.params === undefined ? undefined : z.toJSONSchema(spec.params, { io: 'input' });
    },
    sources,
    prepare: prepares ? (context) => spec.readers[context.os]?.prepare?.(context) : undefined,
    open: (context, params) => {
      const reader = spec.readers[context.os];
      if (reader === undefined) return undefined;
      const parsed = schema.safeParse(params);
      if (!parsed.success) return refuse(spec.name, parsed.error);
      return reader.read(context, parsed.data as P);
    },
  };
}
