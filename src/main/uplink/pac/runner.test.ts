import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacLimits, type PacJob } from './job.ts';
import type { Resolver } from './lookups.ts';
import { evaluate } from './runner.ts';

const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  'inside.example.com': ['10.1.2.3'],
  'both.example.com': ['192.0.2.7', '2001:db8::7'],
};

/** A network of two names that writes down what it was asked. */
function network(): Resolver & { readonly asked: string[] } {
  const asked: string[] = [];
  const find = (name: string): Promise<readonly string[]> => {
    asked.push(name);
    const found = ADDRESSES[name];
    return found === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(found);
  };
  return { asked, ipv4: find, all: find, own: () => Promise.resolve(['192.168.7.8', 'fd00::8']) };
}

const NOW = Date.UTC(2026, 10, 21, 14, 30);

function jobFor(script: string, limits: Partial<PacLimits> = {}): PacJob {
  const question = { url: 'https://www.example.com/', host: 'www.example.com' };
  return { script, question, now: NOW, limits: PacLimits.parse({ scriptMs: 30_000, ...limits }) };
}

/** What a script answers whose function has this body. */
async function answerOf(body: string, resolver: Resolver = network()): Promise<unknown> {
  return evaluate(jobFor(`function FindProxyForURL(url, host) { ${body} }`), resolver);
}

describe('a proxy script', () => {
  it('gets URL and host, and gives its answer', async () => {
    expect(await answerOf('return "PROXY " + host + " " + url')).toEqual({
      answer: 'PROXY www.example.com https://www.example.com/',
    });
  });

  it.each([
    ['isPlainHostName("www")', true],
    ['isPlainHostName("www.example.com")', false],
    ['isPlainHostName("::1")', false],
    ['dnsDomainIs("www.example.com", ".example.com")', true],
    ['dnsDomainIs("www.example.org", ".example.com")', false],
    ['dnsDomainIs("notexample.com", "example.com")', true],
    ['dnsDomainLevels("a.b.c")', 2],
    ['localHostOrDomainIs("www", "www.example.com")', true],
    ['localHostOrDomainIs("www.example.com", "www.example.com")', true],
    ['localHostOrDomainIs("www.example", "www.example.com")', true],
    ['localHostOrDomainIs("ww", "www.example.com")', false],
    ['localHostOrDomainIs("www.example.org", "www.example.com")', false],
    ['shExpMatch("http://a.example.com/x/y", "*/x/*")', true],
    ['shExpMatch("a.example.com", "?.example.com")', true],
    ['shExpMatch("aXexample.com", "a.example.com")', false],
    ['shExpMatch("b.example.com", "(a|b).example.com")', true],
    ['shExpMatch("A.example.com", "a.*")', false],
    ['dnsResolve("inside.example.com")', '10.1.2.3'],
    ['dnsResolve("10.9.8.7")', '10.9.8.7'],
    ['dnsResolve("nowhere.example.com")', null],
    ['dnsResolve("::1")', null],
    ['isResolvable("inside.example.com")', true],
    ['isResolvable("nowhere.example.com")', false],
    ['isInNet("inside.example.com", "10.0.0.0", "255.0.0.0")', true],
    ['isInNet("nowhere.example.com", "0.0.0.0", "0.0.0.0")', false],
    ['isInNet("10.1.1.1", "10.0.0.0", "255.0.0.0")', true],
    ['dnsResolveEx("both.example.com")', '192.0.2.7;2001:db8::7'],
    ['dnsResolveEx("nowhere.example.com")', ''],
    ['isResolvableEx("both.example.com")', true],
    ['isInNetEx("2001:db8::7", "2001:db8::/32")', true],
    ['sortIpAddressList("10.0.0.1;::1")', '::1;10.0.0.1'],
    ['myIpAddress()', '192.168.7.8'],
    ['myIpAddressEx()', '192.168.7.8;fd00::8'],
    ['convert_addr("10.0.0.1")', 0x0a00_0001],
    ['weekdayRange("SAT", "GMT")', true],
    ['dateRange(21, "NOV", 2026, 21, "NOV", 2026, "GMT")', true],
    ['timeRange(14, "GMT")', true],
    ['alert("hello")', null],
    ['new Date().getTime()', NOW],
    ['[1, 2].at(-1) ?? 0', 2],
  ])('finds %s', async (expression, expected) => {
    expect(await answerOf(`return JSON.stringify(${expression})`)).toEqual({
      answer: JSON.stringify(expected),
    });
  });

  it('may replace a function by its own', async () => {
    const script =
      'function isPlainHostName() { return "mine" } function FindProxyForURL() { return isPlainHostName("a") }';
    expect(await evaluate(jobFor(script), network())).toEqual({ answer: 'mine' });
  });

  it('looks a name up once, whatever else it does meanwhile', async () => {
    const resolver = network();
    const body =
      'for (let i = 0; i < 3; i += 1) { try { dnsResolve("inside.example.com") } catch { for (;;); } } return "DIRECT"';
    expect(await answerOf(body, resolver)).toEqual({ answer: 'DIRECT' });
    expect(resolver.asked).toEqual(['inside.example.com']);
  });

  it('has twenty different names looked up and no more', async () => {
    const resolver = network();
    const body =
      'let n = 0; for (let i = 0; i < 100; i += 1) if (dnsResolve("h" + i) === null) n += 1; return "" + n';
    expect(await answerOf(body, resolver)).toEqual({ answer: '100' });
    expect(resolver.asked).toHaveLength(20);
  });

  it('goes on without the names that a resolver keeps it waiting for', async () => {
    const silent: Resolver = { ...network(), ipv4: () => new Promise(() => undefined) };
    const script = 'function FindProxyForURL() { return String(dnsResolve("a")) + dnsResolve("b") }';
    const outcome = await evaluate(jobFor(script, { lookupMs: 20 }), silent);
    expect(outcome).toEqual({ answer: 'nullnull' });
  });

  it.each(['', ' ', 'a b', 'x'.repeat(256), 'a\0b'])('asks nobody for the name %j', async (name) => {
    const resolver = network();
    await answerOf(`return String(dnsResolve(${JSON.stringify(name)}))`, resolver);
    expect(resolver.asked).toEqual([]);
  });

  it('leaves nothing behind for the next question', async () => {
    await answerOf(
      'Array.prototype.map = null; globalThis.kept = 1; Object.prototype.polluted = 1; return ""',
    );
    expect(await answerOf('return [typeof kept, typeof {}.polluted, typeof [].map].join()')).toEqual({
      answer: 'undefined,undefined,function',
    });
  });

  it('sees nothing of the process around it', async () => {
    const body =
      'return [typeof process, typeof require, typeof fetch, typeof module, typeof WebAssembly].join()';
    expect(await answerOf(body)).toEqual({ answer: Array(5).fill('undefined').join() });
    const escape = 'return String(alert.constructor.constructor("return typeof process")())';
    expect(await answerOf(escape)).toEqual({ answer: 'undefined' });
  });

  it('is told apart from one that is only looked at', async () => {
    const look = (script: string) => evaluate({ ...jobFor(script), question: null }, network());
    expect(await look('function FindProxyForURL() { throw 1 }')).toEqual({ answer: '' });
    expect(await look('const FindProxyForURL = () => "DIRECT"')).toEqual({ answer: '' });
    expect(await look('var x')).toEqual({ reason: 'the script defines no function FindProxyForURL' });
  });

  it('never breaks its runner, whatever text it is', async () => {
    const piece = fc.constantFrom(
      ...[
        'function FindProxyForURL',
        '(u,h)',
        '{',
        '}',
        'return ',
        'dnsResolve(h)',
        '"',
        ';',
        'throw ',
        '/',
        '`${',
        '(',
      ],
      ...[
        'myIpAddress()',
        'shExpMatch(h,"[")',
        'null',
        'Symbol()',
        '[',
        'async ',
        'FindProxyForURL',
        '=',
        '1n',
        '\\',
      ],
    );
    const script = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece).map((pieces) => pieces.join('')),
    );
    await fc.assert(
      fc.asyncProperty(script, async (text) => {
        const outcome = await evaluate(jobFor(text), network());
        expect('answer' in outcome ? outcome.answer.length : outcome.reason.length).toBeLessThan(9_000);
      }),
      { numRuns: 60 },
    );
  });

  it('never breaks its runner, whatever it returns or throws', async () => {
    const value = fc.json().map((json) => json);
    await fc.assert(
      fc.asyncProperty(value, fc.constantFrom('return', 'throw'), async (json, word) => {
        const outcome = await answerOf(`${word} ${json}`);
        const isText = word === 'return' && typeof JSON.parse(json) === 'string';
        expect(outcome).toHaveProperty(isText ? 'answer' : 'reason');
      }),
      { numRuns: 40 },
    );
  });
});
