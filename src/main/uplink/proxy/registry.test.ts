import { describe, expect, it } from 'vitest';
import { interpretProxySettings } from './proxy-settings.ts';
import { openRegistryKey, type RegistryApi } from '../../host/registry.ts';
import { registrySettings } from './settings-registry.ts';

const PATH = 'SOFTWARE\\Wayfarer\\Proxy';

/** Double of the registry: one key in memory, with the error numbers of Windows. */
function memoryRegistry(values: Record<string, string | number> = {}, denied = false): RegistryApi {
  const kept = new Map(Object.entries(values));
  return {
    getValue: (_root, key, name, _flags, type, data, size) => {
      const value = kept.get(name);
      if (key !== PATH || value === undefined) return 2;
      const bytes =
        typeof value === 'number'
          ? Buffer.from(new Uint32Array([value]).buffer)
          : Buffer.from(`${value}\0`, 'utf16le');
      if (bytes.length > size[0]) return 234;
      bytes.copy(data);
      type[0] = typeof value === 'number' ? 4 : 1;
      size[0] = bytes.length;
      return 0;
    },
    setValue: (_root, _key, name, _type, data, size) => {
      if (denied) return 5;
      kept.set(name, data.subarray(0, size - 2).toString('utf16le'));
      return 0;
    },
    deleteValue: (_root, _key, name) => (denied ? 5 : kept.delete(name) ? 0 : 2),
    touch: () => (denied ? 5 : 0),
  };
}

const source = (api: RegistryApi) => registrySettings(openRegistryKey(api, PATH), PATH);

describe('proxy settings in the registry', () => {
  it('R244 R246 are read from the values of the key, switches as texts or numbers', () => {
    const settings = interpretProxySettings(
      source(
        memoryRegistry({
          Url: 'http://bücher.example:8080;http://b:1',
          PacUrl: 'http://pac.example/p',
          Wpad: 1,
          System: 0,
          Order: 'random',
          FailOpen: 'off',
          NoProxy: '*.corp',
        }),
      ).read(),
      'win32',
    );
    expect(settings).toMatchObject({
      urls: [
        { protocol: 'http', host: 'xn--bcher-kva.example', port: 8080 },
        { protocol: 'http', host: 'b', port: 1 },
      ],
      pac: 'http://pac.example/p',
      wpad: true,
      system: false,
      order: 'random',
      failOpen: false,
      noProxy: '*.corp',
      problems: [],
    });
    expect(settings.given.urls).toMatchObject({ setting: 'Url', source: `HKLM\\${PATH}` });
  });

  it('are none where the key is absent', () => {
    expect(source(memoryRegistry()).read()).toEqual({ given: {}, problems: [] });
  });

  it('R244 R252 are set and taken out', () => {
    const settings = source(memoryRegistry({ PacUrl: 'x' }));
    settings.apply(
      new Map([
        ['urls', 'http://ü:1'],
        ['pac', undefined],
        ['wpad', undefined],
      ]),
    );
    expect(settings.read().given).toEqual({
      urls: { value: 'http://ü:1', setting: 'Url', source: `HKLM\\${PATH}` },
    });
  });

  it('R256 need an administrator to be changed', () => {
    const settings = source(memoryRegistry({}, true));
    const denied: unknown = expect.objectContaining({
      code: 'EACCES',
      message: expect.stringContaining('run it as administrator') as string,
    });
    expect(() => settings.checkWritable()).toThrow(denied);
    expect(() => settings.apply(new Map([['urls', 'http://a:1']]))).toThrow(denied);
    expect(() => settings.apply(new Map([['urls', undefined]]))).toThrow(denied);
  });

  it('are as before when one of several can not be written', () => {
    const api = memoryRegistry({ PacUrl: '/p', Wpad: 1 });
    const settings = source({
      ...api,
      deleteValue: (root, key, name) => (name === 'Order' ? 5 : api.deleteValue(root, key, name)),
    });
    const before = interpretProxySettings(settings.read(), 'win32');
    const changes = new Map([
      ['urls', 'http://a:1'],
      ['pac', undefined],
      ['wpad', 'off'],
      ['order', undefined],
    ] as const);
    expect(() => settings.apply(changes)).toThrow('access is denied');
    const after = interpretProxySettings(settings.read(), 'win32');
    expect([after.urls, after.pac, after.wpad]).toEqual([before.urls, before.pac, before.wpad]);
    expect([after.pac, after.wpad]).toEqual(['/p', true]);
  });

  it('of a type that is not read can be replaced and taken out', () => {
    const api = memoryRegistry({ PacUrl: 'x' });
    const unsupported = 1630;
    const settings = source({ ...api, getValue: () => unsupported });
    settings.apply(new Map([['pac', undefined]]));
    expect(source(api).read().given).toEqual({});
  });

  it('of 64 KB and more are named, and the others count', () => {
    const read = source(memoryRegistry({ Url: 'x'.repeat(64 * 1024), PacUrl: '/p' })).read();
    expect(read.problems).toEqual([
      { setting: 'Url', source: `HKLM\\${PATH}`, reason: 'Url is larger than 65536 bytes' },
    ]);
    expect(Object.keys(read.given)).toEqual(['pac']);
  });
});
