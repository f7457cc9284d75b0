import { describe, expect, it } from 'vitest';
import { parseWinHttp, readWindowsProxies } from './winhttp.ts';

const proxies = (proxy: string): string[] =>
  parseWinHttp({ proxy, bypass: '' }).proxies.map(
    ({ protocol, host, port }) => `${protocol} ${host} ${port}`,
  );

describe("WinHTTP's default proxy", () => {
  it.each([
    ['proxy:8080', ['http proxy 8080']],
    ['proxy', ['http proxy 80']],
    ['http://proxy:3128/', ['http proxy 3128']],
    ['http=a:80;https=b:443', ['http b 443']],
    ['HTTPS=b:443 c:1', ['http b 443']],
    ['http=a:80', []],
    ['socks=a:1080', []],
    ['a:1;b:2 c:3', ['http a 1', 'http b 2', 'http c 3']],
    ['https=a:1;https=b:2', ['http a 1', 'http b 2']],
    ['[fd00::1]:8080', ['http fd00::1 8080']],
    ['[fd00::1]', ['http fd00::1 80']],
    ['a:99999;b:2', ['http b 2']],
    ['', []],
  ])('R242 R254 %j is %j for https', (text, expected) => {
    expect(proxies(text)).toEqual(expected);
  });

  it('names the entries that can not be used, without what stands before an @', () => {
    expect(parseWinHttp({ proxy: 'https://a:1;bob:secret@b:99999;c:1', bypass: '' })).toEqual({
      proxies: [{ protocol: 'http', host: 'c', port: 1 }],
      problem:
        'https://a:1: is not host:port; an IPv6 address stands in brackets; ' +
        '…@b:99999: is not host:port; an IPv6 address stands in brackets',
      bypass: '',
    });
  });

  it('is read afresh each time, with its exceptions', async () => {
    const answers = [{ proxy: 'a:1', bypass: '<local>;*.corp' }, undefined];
    let loaded = 0;
    const read = readWindowsProxies(() => {
      loaded += 1;
      return () => answers.shift();
    });
    expect(await read()).toEqual({
      proxies: [{ protocol: 'http', host: 'a', port: 1 }],
      bypass: '<local>;*.corp',
    });
    expect(await read()).toEqual({ proxies: [], bypass: '' });
    expect(loaded).toBe(1);
  });

  it('that cannot be read is a problem, not a failure', async () => {
    const read = readWindowsProxies(() => {
      throw new Error('no winhttp.dll');
    });
    expect(await read()).toEqual({ proxies: [], bypass: '', problem: 'no winhttp.dll' });
  });
});
