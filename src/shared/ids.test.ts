import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostIdForRegistry, Instant, parseUuid, PublicKey, Sha256Hex, Uuid } from './ids.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';

describe('parseUuid', () => {
  it.each([
    ['wire form', ID],
    ['upper case', ID.toUpperCase()],
    ['braces', `{${ID}}`],
    ['upper case in braces', `{${ID.toUpperCase()}}`],
    ['a line end, as in the file of a Unix host', `${ID}\n`],
    ['blanks around', ` \t${ID}\r\n`],
  ])('reads a UUID in %s', (_, text) => {
    expect(parseUuid(text)).toBe(ID);
  });

  it.each([
    ['nothing', ''],
    ['half a brace before', `{${ID}`],
    ['half a brace after', `${ID}}`],
    ['two pairs of braces', `{{${ID}}}`],
    ['blanks inside the braces', `{ ${ID} }`],
    ['no hyphens', ID.replaceAll('-', '')],
    ['one digit less', ID.slice(0, -1)],
    ['one digit more', `${ID}0`],
    ['a digit before', `0${ID}`],
    ['a letter that is no digit', ID.replace('f', 'g')],
    ['two lines', `${ID}\n${ID}`],
    ['text after a brace', `x{${ID}}`],
    ['text behind a brace', `{${ID}}x`],
  ])('finds no UUID in %s', (_, text) => {
    expect(parseUuid(text)).toBeUndefined();
  });

  it('R014 gives every Host ID back from its registry and from its file form', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(hostIdForRegistry(id)).toMatch(/^[0-9A-F-]{36}$/);
        expect(parseUuid(hostIdForRegistry(id))).toBe(id);
        expect(parseUuid(`${id}\n`)).toBe(id);
      }),
    );
  });
});

describe('formats on the wire', () => {
  it.each([
    ['a UUID', Uuid, ID, [ID.toUpperCase(), `{${ID}}`, `${ID}\n`, ` ${ID}`, '']],
    [
      'a hash',
      Sha256Hex,
      'a0'.repeat(32),
      ['A0'.repeat(32), 'a0'.repeat(31), `${'a0'.repeat(32)}0`, `x${'a0'.repeat(32)}`],
    ],
    [
      'a time',
      Instant,
      '2026-11-20T23:19:56.123Z',
      ['2026-11-20T23:19:56+01:00', '2026-11-20', '2026-13-01T00:00:00Z', '2026-11-20T23:19:56'],
    ],
    [
      'a public key',
      PublicKey,
      '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      [
        '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp',
        'A'.repeat(44),
        'A'.repeat(42),
        `${'A'.repeat(42)}/`,
        `${'A'.repeat(42)}=`,
      ],
    ],
  ])('are exact: %s', (_, schema, good, bad) => {
    expect(schema.parse(good)).toBe(good);
    for (const text of bad) expect(schema.safeParse(text).success, text).toBe(false);
  });

  it('name what they miss', () => {
    const reason = (schema: typeof Uuid) => schema.safeParse('x').error?.issues[0]?.message;
    expect(reason(Uuid)).toBe('not a lower-case UUID');
    expect(reason(Sha256Hex)).toBe('not a SHA-256 in hexadecimal');
    expect(reason(PublicKey)).toBe('not an Ed25519 public key in base64url');
  });

  it('take the one spelling of any 32 bytes as a public key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(PublicKey.safeParse(Buffer.from(bytes).toString('base64url')).success).toBe(true);
      }),
    );
  });
});
