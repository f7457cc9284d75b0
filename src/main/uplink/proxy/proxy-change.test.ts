import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { SecretsUnavailable } from '../../host/secrets/secret-store.ts';
import { applyProxyChange, combine, InvalidChange, proxyChanges, type ProxyChange } from './proxy-change.ts';
import { credentialsFrom, readProxyCredentials } from './proxy-credentials.ts';
import type { ProxySettingName, ProxySettingsSource } from './proxy-settings.ts';
import { MemorySecrets } from './testing/memory-secrets.ts';

/** Double of the place of the settings: a map. */
class MemorySettings implements ProxySettingsSource {
  readonly place = 'memory';
  readonly kept = new Map<ProxySettingName, string>();
  failing: Error | undefined;
  readOnly: Error | undefined;

  read() {
    return { given: {}, problems: [] };
  }
  checkWritable() {
    if (this.readOnly !== undefined) throw this.readOnly;
  }
  apply(changes: ReadonlyMap<ProxySettingName, string | undefined>) {
    if (this.failing !== undefined) throw this.failing;
    for (const [name, value] of changes) {
      if (value === undefined) this.kept.delete(name);
      else this.kept.set(name, value);
    }
  }
}

let settings: MemorySettings;
let secrets: MemorySecrets;
beforeEach(() => {
  settings = new MemorySettings();
  secrets = new MemorySecrets();
});

const apply = (change: ProxyChange): Promise<void> =>
  applyProxyChange(change, settings, () => Promise.resolve(secrets));
const stored = () => readProxyCredentials(secrets);
const ACCOUNT = { username: 'CORP\\jürgen', password: 'p@s;s&w%o r"d😀' };

describe('a change of the proxy settings', () => {
  it('R248 R251 sets a list in the place of a PAC file, and a PAC file in the place of a list', async () => {
    await apply(proxyChanges.list('http://a:8080;http://b:8080'));
    expect([...settings.kept]).toEqual([['urls', 'http://a:8080;http://b:8080']]);
    await apply(proxyChanges.pac('http://server/Agent.pac', 'linux'));
    expect([...settings.kept]).toEqual([['pac', 'http://server/Agent.pac']]);
  });

  it('R249 R250 stores user and password together, whatever stands in them', async () => {
    await apply(proxyChanges.credentials(ACCOUNT));
    expect(await stored()).toEqual(ACCOUNT);
    expect(settings.kept.size).toBe(0);
  });

  it('takes the credentials away when other proxies are set: they were not meant for them', async () => {
    await apply(proxyChanges.credentials(ACCOUNT));
    await apply(proxyChanges.list('http://a:1'));
    expect(await stored()).toBeUndefined();
  });

  it('R252 deletes every setting and the credentials', async () => {
    await apply(combine([proxyChanges.list('http://a:1'), proxyChanges.credentials(ACCOUNT)]));
    await apply(proxyChanges.order('random'));
    await apply(proxyChanges.clear);
    expect([...settings.kept]).toEqual([]);
    expect(secrets.kept.size).toBe(0);
  });

  it('R253 R254 switches WPAD and the system proxies, and leaves everything else', async () => {
    await apply(combine([proxyChanges.list('http://a:1'), proxyChanges.credentials(ACCOUNT)]));
    await apply(proxyChanges.switch('wpad', 'WPAD', 'ON'));
    await apply(proxyChanges.switch('system', 'system', 'off'));
    expect(Object.fromEntries(settings.kept)).toEqual({ urls: 'http://a:1', wpad: 'on', system: 'off' });
    expect(await stored()).toEqual(ACCOUNT);
    await apply(proxyChanges.switch('wpad', 'WPAD', 'default'));
    expect(settings.kept.has('wpad')).toBe(false);
  });

  it.each([
    [() => proxyChanges.list('http://u:secret@a:1'), 'would stand in clear'],
    [() => proxyChanges.list('a:1'), 'has no scheme'],
    [() => proxyChanges.pac('x', 'linux'), 'the place of the PAC file: "x" is neither'],
    [() => proxyChanges.switch('wpad', 'WPAD', 'maybe'), 'WPAD: "maybe" is neither on nor off'],
    [() => proxyChanges.order('last'), 'the order: "last" is neither'],
    [() => proxyChanges.credentials({ username: '', password: 'x' }), 'the user is empty'],
    [() => proxyChanges.credentials({ username: 'a\u0007', password: 'x' }), 'control character'],
    [() => proxyChanges.credentials({ username: 'a', password: 'secret\n' }), 'line break'],
    [() => proxyChanges.credentials({ username: 'a', password: 'secret\ud800' }), 'not valid Unicode'],
    [
      () => proxyChanges.credentials({ username: 'a', password: 'secret'.repeat(400) }),
      'longer than 2000 bytes',
    ],
  ])('is refused before anything is done: %s, %s', (make, reason) => {
    expect(make).toThrow(InvalidChange);
    expect(make).toThrow(reason);
    expect(make).not.toThrow(/secret/);
  });

  it('asks for no store of secrets when it is not about credentials', async () => {
    const closed = () => Promise.reject(new Error('opened'));
    await applyProxyChange(proxyChanges.order('random'), settings, closed);
    expect(settings.kept.get('order')).toBe('random');
  });

  it('leaves the credentials as they were when the settings cannot be written', async () => {
    await apply(proxyChanges.credentials(ACCOUNT));
    settings.failing = new Error('no space');
    const change = combine([
      proxyChanges.list('http://a:1'),
      proxyChanges.credentials({ username: 'other', password: 'x' }),
    ]);
    await expect(apply(change)).rejects.toThrow('no space');
    expect(await stored()).toEqual(ACCOUNT);
  });

  it('leaves the settings as they were when the credentials cannot be stored, or nothing may be written', async () => {
    secrets.failing = new SecretsUnavailable('locked');
    await expect(apply(proxyChanges.list('http://a:1'))).rejects.toThrow('locked');
    secrets.failing = undefined;
    settings.readOnly = new Error('denied');
    await expect(apply(proxyChanges.credentials(ACCOUNT))).rejects.toThrow('denied');
    expect(settings.kept.size + secrets.kept.size).toBe(0);
  });

  it('made twice is made once', async () => {
    const change = combine([proxyChanges.list('http://a:1'), proxyChanges.credentials(ACCOUNT)]);
    await apply(change);
    const once = [...settings.kept, ...secrets.kept];
    await apply(change);
    expect([...settings.kept, ...secrets.kept]).toEqual(once);
  });

  it('gives back any user and password that it takes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme' }),
        async (username, password) => {
          const credentials = { username: `u${username}`, password };
          await apply(proxyChanges.credentials(credentials));
          expect(await stored()).toEqual(credentials);
        },
      ),
    );
  });
});

describe('the credentials for a proxy', () => {
  const proxy = { protocol: 'http', host: 'a', port: 1 } as const;

  it('R265 go to proxies of the list, of a PAC file and of the system, never to those that a network named', async () => {
    await apply(proxyChanges.credentials(ACCOUNT));
    const lookup = credentialsFrom(() => Promise.resolve(secrets));
    for (const source of ['configured', 'PAC', 'system'] as const) {
      expect(await lookup({ ...proxy, source })).toEqual(ACCOUNT);
    }
    for (const source of ['WPAD', 'hint'] as const) {
      expect(await lookup({ ...proxy, source })).toBeUndefined();
    }
  });

  it('are looked up each time, so that new ones count at once', async () => {
    const lookup = credentialsFrom(() => Promise.resolve(secrets));
    expect(await lookup({ ...proxy, source: 'PAC' })).toBeUndefined();
    await apply(proxyChanges.credentials(ACCOUNT));
    expect(await lookup({ ...proxy, source: 'PAC' })).toEqual(ACCOUNT);
  });

  it('in an unknown form are unavailable, and nothing of them is said', async () => {
    secrets.kept.set('proxy-credentials', '{"username":"u","password":{"x":"secret"}}');
    await expect(stored()).rejects.toThrow(SecretsUnavailable);
    await expect(stored()).rejects.not.toThrow('secret');
  });
});
