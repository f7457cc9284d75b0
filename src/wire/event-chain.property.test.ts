import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EdrEvent, FimEvent } from '../shared/host-events.ts';
import { chainFault, CHAIN_START, headOf, sealEvent, type UnsealedEdrEvent } from './event-chain.ts';

const START = { id: '11111111-1111-4111-8111-111111111111', sequence: 0, hash: CHAIN_START };

/** What of JSON Schema the events use; what else comes to it makes the parse below throw. */
const JsonSchema = z.object({
  type: z.enum(['object', 'array', 'string', 'integer']).optional(),
  const: z.string().optional(),
  enum: z.array(z.string()).optional(),
  format: z.literal('date-time').optional(),
  pattern: z.string().optional(),
  maxLength: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
  get items() {
    return JsonSchema.optional();
  },
  get properties() {
    return z.record(z.string(), JsonSchema).optional();
  },
  required: z.array(z.string()).optional(),
  get oneOf() {
    return z.array(JsonSchema).optional();
  },
});
type JsonSchema = z.infer<typeof JsonSchema>;

const INSTANT = fc
  .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString());

/** Text of every kind that JSON can say: what is escaped in it, and characters of two units. */
function textOf({
  const: only,
  enum: some,
  format,
  pattern,
  maxLength = 64,
}: JsonSchema): fc.Arbitrary<string> {
  if (only !== undefined) return fc.constant(only);
  if (some !== undefined) return fc.constantFrom(...some);
  if (format !== undefined) return INSTANT;
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc
    .string({ unit: 'binary', maxLength: Math.min(maxLength, 24) })
    .filter((text) => text.length <= maxLength);
}

function objectOf({ properties = {}, required = [] }: JsonSchema): fc.Arbitrary<unknown> {
  const members = Object.entries(properties).map(([name, schema]) => {
    const value = valueOf(schema);
    // Members are left out by `undefined` too, as who writes events does.
    return [name, required.includes(name) ? value : fc.option(value, { nil: undefined })] as const;
  });
  return fc.record(Object.fromEntries(members), { requiredKeys: required });
}

/** A value that fits a schema. */
function valueOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  const {
    type,
    oneOf,
    items,
    minItems = 0,
    maxItems = 4,
    minimum = 0,
    maximum = Number.MAX_SAFE_INTEGER,
  } = schema;
  if (oneOf !== undefined) return fc.oneof(...oneOf.map(valueOf));
  if (type === 'object') return objectOf(schema);
  if (type === 'string') return textOf(schema);
  if (type === 'integer') return fc.integer({ min: minimum, max: maximum });
  if (items === undefined) throw new Error('a schema of another form');
  return fc.array(valueOf(items), { minLength: minItems, maxLength: Math.min(maxItems, 4) });
}

/** Records that fit the schema of a stream, before they have their place. */
function unsealed(schema: z.ZodType): fc.Arbitrary<UnsealedEdrEvent> {
  return valueOf(JsonSchema.parse(z.toJSONSchema(schema))).map((value) => {
    const whole = value as EdrEvent;
    const { hash: _hash, ...event } = whole.event;
    const { chain: _chain, ...wayfarer } = whole.wayfarer;
    return { ...whole, event, wayfarer };
  });
}

describe('the body of any event that fits its schema', () => {
  it.each([
    ['fim', FimEvent],
    ['edr', EdrEvent],
  ] as const)('is canonical JSON, and a record that holds its place in the chain: %s', (_stream, schema) => {
    fc.assert(
      fc.property(unsealed(schema), (record) => {
        const { body, head } = sealEvent(record, START);
        expect(canonicalize(JSON.parse(body))).toBe(body);
        const parsed = schema.parse(JSON.parse(body));
        expect(chainFault(parsed, START)).toBeUndefined();
        expect(headOf(parsed)).toEqual(head);
      }),
    );
  });
});
