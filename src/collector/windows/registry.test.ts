import { describe, expect, it } from 'vitest';
import { rowsOf, sampleContext, type Answer } from '../testing/sample-host.ts';
import { Unreadable } from '../table.ts';
import { parseValues, registry } from './registry.ts';

const KEY = 'HKLM\\SOFTWARE\\Policies\\Example';
const PRINTED = [
  '',
  'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Example',
  '    (Standard)    REG_SZ    main',
  '    Enabled    REG_DWORD    0x1',
  '    Two  Words    REG_MULTI_SZ    a\\0b',
  '    Note    REG_SZ    first',
  'second',
  '    Empty    REG_SZ    ',
  '',
  'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Example\\Sub',
  '',
].join('\r\n');

const MISSING = 'FEHLER: Der angegebene Registrierungsschlüssel wurde nicht gefunden.\r\n';
const failed = (stderr: string): Answer => ({ exitCode: 1, stdout: Buffer.alloc(0), stderr });

/** Answers by key and view; anything else is missing. */
const windows = (answers: Readonly<Record<string, Answer>>) =>
  sampleContext({ os: 'win32', run: (_file, args) => answers[args.slice(1).join(' ')] ?? failed(MISSING) });

describe('the registry probe', () => {
  it('R018 lists the values of a key, the unnamed one as an empty name in any language', async () => {
    const context = windows({ [`${KEY} /reg:64`]: PRINTED });
    const base = { path: KEY, exists: true, view: '64' };
    expect(await rowsOf(registry, context, { path: KEY })).toEqual([
      { key: `${KEY.replaceAll('\\', '\\\\')}|`, row: { ...base, name: '', type: 'REG_SZ', value: 'main' } },
      {
        key: `${KEY.replaceAll('\\', '\\\\')}|Enabled`,
        row: { ...base, name: 'Enabled', type: 'REG_DWORD', value: '0x1' },
      },
      {
        key: `${KEY.replaceAll('\\', '\\\\')}|Two  Words`,
        row: { ...base, name: 'Two  Words', type: 'REG_MULTI_SZ', value: 'a\\0b' },
      },
      {
        key: `${KEY.replaceAll('\\', '\\\\')}|Note`,
        row: { ...base, name: 'Note', type: 'REG_SZ', value: 'first\nsecond' },
      },
      {
        key: `${KEY.replaceAll('\\', '\\\\')}|Empty`,
        row: { ...base, name: 'Empty', type: 'REG_SZ', value: '' },
      },
    ]);
  });

  it('looks into the 32-bit view where the 64-bit one has no such value', async () => {
    const context = windows({
      [`${KEY} /v Enabled /reg:32`]: 'HKEY_LOCAL_MACHINE\\X\r\n    Enabled    REG_DWORD    0x0\r\n',
    });
    const rows = await rowsOf(registry, context, { path: KEY, name: 'Enabled' });
    expect(rows.map(({ row }) => row)).toEqual([
      { path: KEY, name: 'Enabled', exists: true, type: 'REG_DWORD', value: '0x0', view: '32' },
    ]);
  });

  it('says that a value does not exist when the host says what it says of a missing key', async () => {
    const rows = await rowsOf(registry, windows({}), { path: KEY, name: 'Enabled' });
    expect(rows.map(({ row }) => row)).toEqual([
      { path: KEY, name: 'Enabled', exists: false, type: null, value: null, view: null },
    ]);
  });

  it('R012 is unreadable when access is denied, in any language', async () => {
    const context = windows({ [`${KEY} /reg:64`]: failed('FEHLER: Zugriff verweigert\r\n') });
    await expect(rowsOf(registry, context, { path: KEY })).rejects.toThrow(
      new Unreadable('the registry key cannot be read'),
    );
  });

  it('takes the sentence that stands for an unset default value as no value', async () => {
    const unset = 'HKEY_LOCAL_MACHINE\\X\r\n    (Standard)    REG_SZ    (Wert nicht festgelegt)\r\n';
    const context = windows({ [`${KEY} /ve /reg:64`]: unset, [`${KEY} /ve /reg:32`]: unset });
    const rows = await rowsOf(registry, context, { path: KEY, name: '' });
    expect(rows.map(({ row }) => row['exists'])).toEqual([false]);
  });

  it('shows a key without values as existing', async () => {
    const context = windows({ [`${KEY} /reg:64`]: '\r\nHKEY_LOCAL_MACHINE\\X\r\n\r\n' });
    const rows = await rowsOf(registry, context, { path: KEY });
    expect(rows.map(({ row }) => [row['exists'], row['name']])).toEqual([[true, null]]);
  });

  it('is not misled by a name that looks like a type', () => {
    const output = 'HKEY_LOCAL_MACHINE\\X\r\n    a    REG_SZ    b    REG_SZ    data\r\n';
    expect(parseValues(output, 'a    REG_SZ    b')).toEqual([
      { name: 'a    REG_SZ    b', type: 'REG_SZ', data: 'data' },
    ]);
  });

  it('finds nothing in output that holds no key', () => {
    expect(parseValues('FEHLER')).toEqual([]);
  });
});
