import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROXY_PROTOCOLS } from '../../../shared/proxy.ts';
import { proxyUrl } from './candidate.ts';
import { parseProxyList } from './proxy-list.ts';

const urls = (text: string): string[] =>
  parseProxyList(text).proxies.map((proxy) => proxyUrl({ ...proxy, source: 'configured' }));
const problems = (text: string): readonly string[] => parseProxyList(text).problems;

describe('a list of proxies', () => {
  it('R260 is read in its order, separated by semicolons', () => {
    expect(parseProxyList('http://a:8080;https://b:443;socks5://c:1080')).toEqual({
      proxies: [
        { protocol: 'http', host: 'a', port: 8080 },
        { protocol: 'https', host: 'b', port: 443 },
        { protocol: 'socks5', host: 'c', port: 1080 },
      ],
      problems: [],
    });
  });

  it('R263 may name one proxy with two ports', () => {
    expect(urls('http://my-proxy:8080;http://my-proxy:1080')).toEqual([
      'http://my-proxy:8080',
      'http://my-proxy:1080',
    ]);
  });

  it.each([
    ['HTTP://Proxy.Example.COM:8080', 'http://proxy.example.com:8080'],
    ['http://proxy:80/', 'http://proxy:80'],
    [' http://a:1 ; http://b:65535 ', 'http://a:1 http://b:65535'],
    ['http://[FD00::1]:3128', 'http://[fd00::1]:3128'],
    ['http://bücher.example:8080', 'http://xn--bcher-kva.example:8080'],
    ['socks5h://a:1080', 'socks5://a:1080'],
  ])('%s is %s', (text, expected) => {
    expect(parseProxyList(text).problems).toEqual([]);
    expect(urls(text).join(' ')).toBe(expected);
  });

  it.each([
    ['', 'the list is empty'],
    ['  ', 'the list is empty'],
    ['http://a:80;', 'entry 2: is empty'],
    ['proxy:8080', 'entry 1 (proxy:8080): has no scheme: write http://proxy:8080'],
    ['http:/a:80', 'entry 1 (http:/a:80): has no scheme: write http://proxy.example.com:8080'],
    ['http://my-proxy', 'entry 1 (http://my-proxy): has no port'],
    ['http://a:', 'entry 1 (http://a:): has no port'],
    ['http://a:0', 'entry 1 (http://a:0): the port is not a number from 1 to 65535'],
    ['http://a:65536', 'the port is not a number from 1 to 65535'],
    ['http://a:80x', 'the port is not a number from 1 to 65535'],
    ['http://a:-1', 'the port is not a number'],
    ['http://a b:80', 'entry 1 (http://a b:80): holds a blank'],
    ['http://a:80 http://b:80', 'holds a blank; proxies are separated by ";"'],
    ['http://a:80/path', 'a proxy has no path'],
    ['http://a:80?q', 'a proxy has no path'],
    ['http://a:80\\x', 'a proxy has no path'],
    ['socks4://a:1080', 'SOCKS4 is not spoken'],
    ['socks://a:1080', 'SOCKS4 is not spoken'],
    ['ftp://a:21', 'the scheme ftp:// is not one of'],
    ['constructor://a:21', 'the scheme constructor:// is not one of'],
    ['http://:80', 'has no host'],
    ['http://fd00::1:80', 'an IPv6 address stands in brackets'],
    ['http://[fd00::zz]:80', 'neither a name nor an address'],
    ['http://a%b:80', 'neither a name nor an address'],
  ])('"%s" is refused: %s', (text, reason) => {
    expect(problems(text).join('\n')).toContain(reason);
  });

  it('keeps what can be used beside what cannot', () => {
    expect(urls('http://a:1;nonsense;http://b:2')).toEqual(['http://a:1', 'http://b:2']);
    expect(problems('http://a:1;nonsense;http://b:2')).toHaveLength(1);
  });

  it('takes five proxies and names the sixth', () => {
    const six = Array.from({ length: 6 }, (_, index) => `http://p${index}:1`).join(';');
    expect(urls(six)).toHaveLength(5);
    expect(problems(six)).toEqual(['entry 6 (http://p5:1): a list holds at most 5 proxies, this one has 6']);
  });

  it.each([
    'http://u:secret@h:80',
    'http://u:se;cret@h:80',
    'http://a:1;http://u:se@;cret@h:80',
    'u:secret@h',
    'http://bob:se@cret;w@h:80',
    'http://bob:se;cret@x;w@h:80',
    'http://bob:p@h:80/se;cret@x:1',
  ])('refuses credentials in %s as a whole and repeats none of them', (text) => {
    const list = parseProxyList(text);
    expect(list.proxies).toEqual([]);
    expect(list.problems).toHaveLength(1);
    expect(list.problems[0]).toContain('would stand in clear');
    expect(list.problems[0]).not.toMatch(/se@|cret|u:|bob|@/);
  });

  it('tells which entry has credentials by its number alone', () => {
    expect(problems('http://a:1;http://u:p@proxy.example:80')[0]).toMatch(
      /^entry 2: carries a user or password/,
    );
  });

  it('lets no entry steer a terminal or fill a log', () => {
    const [reason = ''] = problems(`\u001b[2J${'x'.repeat(100_000)}`);
    expect(reason).not.toContain('\u001b');
    expect(reason.length).toBeLessThan(300);
  });

  it('reads back what it shows', () => {
    const proxy = fc.record({
      protocol: fc.constantFrom(...PROXY_PROTOCOLS),
      host: fc.oneof(fc.domain(), fc.ipV4(), fc.constant('fd00::1')),
      port: fc.integer({ min: 1, max: 65_535 }),
    });
    fc.assert(
      fc.property(fc.array(proxy, { minLength: 1, maxLength: 5 }), (proxies) => {
        const text = proxies.map((one) => proxyUrl({ ...one, source: 'configured' })).join(';');
        const again = parseProxyList(text);
        expect(again.problems).toEqual([]);
        expect(again.proxies).toEqual(proxies.map((one) => ({ ...one, host: one.host.toLowerCase() })));
      }),
    );
  });

  it('never throws, and says why whenever it gives less than was asked', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const list = parseProxyList(text);
        expect(list.proxies.length).toBeLessThanOrEqual(5);
        if (list.proxies.length < text.split(';').length) expect(list.problems.length).toBeGreaterThan(0);
      }),
    );
  });
});
