import type { z } from 'zod';
import type { KeyValues } from '../../queue/kv.ts';

/** Values by name as the store keeps them, through JSON, but without a disk. */
export class MemoryValues implements Pick<KeyValues, 'get' | 'set'> {
  readonly #values = new Map<string, string>();

  get<T>(key: string, schema: z.ZodType<T>): T | undefined {
    const parsed = schema.safeParse(JSON.parse(this.#values.get(key) ?? 'null'));
    return parsed.success ? parsed.data : undefined;
  }

  set(key: string, value: unknown): void {
    this.#values.set(key, JSON.stringify(value));
  }
}
