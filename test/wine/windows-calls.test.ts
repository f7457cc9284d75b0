import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { because } from '../support/reason.ts';
import { noWine, Wine } from './support/wine.ts';

/* The calls to Windows' libraries against those of Wine, which its authors wrote to the same documentation and for others. */

describe.skipIf(noWine !== undefined)(`calls to Windows, under Wine${because(noWine)}`, () => {
  let wine: Wine;
  beforeAll(async () => {
    wine = await Wine.open();
  });
  afterAll(() => wine.close());

  it('R244 keep texts and numbers in the registry', async () => {
    const text = 'http://proxy.example:8080 äöü ☃ 𝄞';
    expect(await wine.run('registry', { key: 'SOFTWARE\\Wayfarer\\Proxy', text })).toEqual({
      before: 'none',
      set: [text, 0xffff_ffff],
      after: 'none',
    });
    const printed = await wine.command('reg', 'query', 'HKLM\\SOFTWARE\\Wayfarer\\Proxy');
    expect(printed).toMatch(/Number\s+REG_DWORD\s+0xffffffff/);
  });

  it('are told once of each change below a key', async () => {
    expect(await wine.run('registry-signs', { key: 'SOFTWARE\\Wayfarer\\Signs' })).toEqual({
      missing: 'none',
      seen: [
        [true, false, true, false],
        [true, false, true, false],
      ],
      closed: false,
    });
  });

  it('R201 are told of values of a key where those count, and of subkeys', async () => {
    expect(await wine.run('registry-notices', { key: 'SOFTWARE\\Wayfarer\\Notices' })).toEqual({
      missing: true,
      armed: [true, true],
      nothing: [false, false],
      value: [true, false],
      subkey: [true, true],
    });
  });

  it('seal bytes for this machine and open them by their name alone', async () => {
    expect(await wine.run('data-protection')).toEqual({
      isOpened: true,
      isPlain: false,
      refused: expect.stringMatching(/^CryptUnprotectData failed with error \d+$/) as string,
    });
  });

  it("read WinHTTP's proxy of the machine", async () => {
    const set = { proxy: 'https=proxy.example:3128;http=other.example:80', bypass: '<local>;*.example' };
    expect(await wine.run('winhttp', set)).toEqual({ before: 'none', accepted: 1, after: set });
  });
});
