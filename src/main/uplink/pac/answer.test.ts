import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CANDIDATES, parseAnswer } from './answer.ts';

const candidatesOf = (text: string) => parseAnswer(text).candidates;

describe('the answer of a proxy script', () => {
  it('R266 gives several proxies in their order', () => {
    expect(parseAnswer('PROXY a.example.com:8080; HTTPS b:8443;SOCKS5 c:1081; DIRECT')).toEqual({
      candidates: [
        { protocol: 'http', host: 'a.example.com', port: 8080 },
        { protocol: 'https', host: 'b', port: 8443 },
        { protocol: 'socks5', host: 'c', port: 1081 },
        'direct',
      ],
    });
  });

  it.each([
    ['PROXY a', { protocol: 'http', host: 'a', port: 80 }],
    ['HTTP a', { protocol: 'http', host: 'a', port: 80 }],
    ['HTTPS a', { protocol: 'https', host: 'a', port: 443 }],
    ['SOCKS a', { protocol: 'socks5', host: 'a', port: 1080 }],
    ['SOCKS5 a', { protocol: 'socks5', host: 'a', port: 1080 }],
    ['pRoXy\tA.Example:1', { protocol: 'http', host: 'a.example', port: 1 }],
    ['PROXY [2001:DB8::0:1]:3128', { protocol: 'http', host: '2001:db8::1', port: 3128 }],
    ['PROXY [::1]', { protocol: 'http', host: '::1', port: 80 }],
    ['PROXY 192.0.2.1:65535', { protocol: 'http', host: '192.0.2.1', port: 65_535 }],
    ['direct', 'direct'],
    [' ;; \n DIRECT ; ', 'direct'],
  ])('reads %j', (text, candidate) => {
    expect(parseAnswer(text)).toEqual({ candidates: [candidate] });
  });

  it.each([
    ['SOCKS4 old:1080', 'SOCKS4 old:1080'],
    ['PROXY a:0', 'port outside'],
    ['PROXY a:65536', 'port outside'],
    ['PROXY a:99999', 'port outside'],
    ['PROXY a:8080x', 'not understood'],
    ['PROXY a:', 'not understood'],
    ['PROXY', 'not understood'],
    ['PROXY a b', 'not understood'],
    ['PROXY http://a:80', 'not understood'],
    ['PROXY a/b', 'not understood'],
    ['PROXY 2001:db8::1', 'not understood'],
    ['PROXY [a', 'not understood'],
    ['PROXY [:::]:80', 'not understood'],
    ['DIRECT a:80', 'DIRECT stands alone'],
    ['QUIC a:443', 'not understood'],
    ['constructor a:443', 'not understood'],
    ['http://a:8080', 'not understood'],
  ])('leaves out %j with a reason, and keeps what stands beside it', (text, reason) => {
    const { candidates, problem } = parseAnswer(`${text}; PROXY good:1`);
    expect(candidates).toEqual([{ protocol: 'http', host: 'good', port: 1 }]);
    expect(problem).toContain(reason);
  });

  it('says that SOCKS version 4 is not spoken', () => {
    expect(parseAnswer('SOCKS4 a:1').problem).toMatch(/SOCKS version 4 is not spoken/);
  });

  it('never repeats a password that somebody wrote into it', () => {
    const { candidates, problem } = parseAnswer('PROXY user:hunter2@proxy:8080');
    expect(candidates).toEqual([]);
    expect(problem).toContain('"PROXY …" is not understood');
    expect(problem).not.toContain('hunter2');
  });

  it.each(['', ' ', ';;;'])('says that %j names nothing', (text) => {
    expect(parseAnswer(text)).toEqual({
      candidates: [],
      problem: "the script's answer names no proxy and not DIRECT",
    });
  });

  it('keeps ten proxies and says that there were more', () => {
    const answer = Array.from({ length: 11 }, (_, index) => `PROXY p${index}:1`).join(';');
    const { candidates, problem } = parseAnswer(answer);
    expect(candidates).toHaveLength(MAX_CANDIDATES);
    expect(candidates.at(-1)).toMatchObject({ host: 'p9' });
    expect(problem).toContain('more than 10');
    expect(parseAnswer(answer.slice(0, answer.lastIndexOf(';'))).problem).toBeUndefined();
  });

  it('names three entries that it can not use, not a thousand', () => {
    const { problem } = parseAnswer('X a;'.repeat(500));
    expect(problem?.split('is not understood')).toHaveLength(4);
  });

  it('looks at the first 4096 characters and says so', () => {
    expect(candidatesOf(`${' '.repeat(4090)}DIRECT`)).toEqual(['direct']);
    const { candidates, problem } = parseAnswer(`${' '.repeat(4096)}DIRECT`);
    expect(candidates).toEqual([]);
    expect(problem).toContain('longer than 4096');
  });

  it('takes no host whose name goes on behind the 4096 characters: half of it is the name of another', () => {
    const [start, name] = ['PROXY good:1;', 'PROXY proxy.example.company'];
    const padding = ' '.repeat(4096 - start.length - 'PROXY proxy.example.com'.length);
    const { candidates, problem } = parseAnswer(`${start}${padding}${name}`);
    expect(candidates).toEqual([{ protocol: 'http', host: 'good', port: 1 }]);
    expect(problem).toContain('the rest is left out');
  });

  it('repeats nothing that starts a line or steers a terminal', () => {
    const { problem } = parseAnswer('NONSENSE\n2026-11-21 forged \u001b[2J\u202e');
    // eslint-disable-next-line no-control-regex -- what must not be there
    expect(problem).not.toMatch(/[\u0000-\u001f\u202e]/);
    expect(problem).toContain('NONSENSE?2026-11-21 forged ?[2J?');
  });

  it('takes any text and stays within its bounds', () => {
    const words = fc.constantFrom(
      'PROXY',
      'SOCKS4',
      'DIRECT',
      ' ',
      ';',
      ':',
      '[',
      ']',
      '@',
      'a',
      '99',
      '\u0000',
      '::',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(words).map((all) => all.join('')),
        ),
        (text) => {
          const { candidates, problem = '' } = parseAnswer(text);
          expect(candidates.length).toBeLessThanOrEqual(MAX_CANDIDATES);
          expect(candidates.length > 0 || problem !== '').toBe(true);
          expect(problem.length).toBeLessThan(600);
          for (const candidate of candidates) {
            if (candidate === 'direct') continue;
            expect(candidate.host).not.toMatch(/^$|[\s/@?#[\]]/);
            expect(candidate.port).toBeGreaterThan(0);
            expect(candidate.port).toBeLessThan(65_536);
          }
        },
      ),
    );
  });

  it('reads back what it would be written as', () => {
    const proxy = fc.record({
      keyword: fc.constantFrom('PROXY', 'HTTPS', 'SOCKS5'),
      host: fc.oneof(
        fc.domain(),
        fc.ipV4(),
        fc.ipV6().map((address) => `[${address}]`),
      ),
      port: fc.integer({ min: 1, max: 65_535 }),
    });
    fc.assert(
      fc.property(fc.array(proxy, { minLength: 1, maxLength: MAX_CANDIDATES }), (proxies) => {
        const text = proxies.map(({ keyword, host, port }) => `${keyword} ${host}:${port}`).join('; ');
        expect(candidatesOf(text)).toEqual(
          proxies.map(({ keyword, host, port }) => ({
            protocol: { PROXY: 'http', HTTPS: 'https', SOCKS5: 'socks5' }[keyword],
            host: new URL(`http://${host}/`).hostname.replace(/^\[|\]$/g, ''),
            port,
          })),
        );
      }),
    );
  });
});
