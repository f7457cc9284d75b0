import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { proxyUrl, type Candidate, type Resolution } from './candidate.ts';
import { parseProxyList } from './proxy-list.ts';
import { interpretProxySettings, type ProxySettingName } from './proxy-settings.ts';
import { createResolver, MAX_CANDIDATES, type ResolverOptions } from './resolver.ts';
import type { ProxyScript, ScriptAnswer, ScriptCandidate } from './script.ts';

const PLATFORM = new URL('https://platform.example/CloudAgent/status?q');

/** A resolver with settings by their names, and what each port would answer. */
function resolve(
  texts: Partial<Record<ProxySettingName, string>> = {},
  ports: Partial<ResolverOptions> = {},
  url = PLATFORM,
): Promise<Resolution> {
  return createResolver({
    settings: () => settingsOf(texts),
    profile: () => ({ wpadEnabled: false, proxyFailOpen: true }),
    openPac: () => script(),
    wpad: script('http://wpad-proxy:1'),
    random: { next: () => 0 },
    ...ports,
  }).resolve(url);
}

function settingsOf(texts: Partial<Record<ProxySettingName, string>>) {
  const given = Object.fromEntries(
    Object.entries(texts).map(([name, value]) => [name, { value, setting: `set_${name}`, source: 'file:1' }]),
  );
  return interpretProxySettings({ given, problems: [] }, 'linux');
}

/** A script that always answers these, `direct` among them. */
function script(...answer: readonly string[]): ProxyScript {
  return { evaluate: () => Promise.resolve({ candidates: scriptCandidates(answer) }) };
}

function scriptCandidates(answer: readonly string[]): ScriptCandidate[] {
  return answer.map((one) => (one === 'direct' ? one : parseProxyList(one).proxies[0]!));
}

const show = (candidate: Candidate): string =>
  candidate === 'direct' ? candidate : `${proxyUrl(candidate)} ${candidate.source}`;
const shown = async (resolution: Promise<Resolution>): Promise<string[]> =>
  (await resolution).candidates.map(show);
const refuse = { wpadEnabled: false, proxyFailOpen: false };

describe('the candidates for a URL', () => {
  it('R243 are the direct way alone where nothing is set', async () => {
    expect(await resolve()).toEqual({ candidates: ['direct'], problems: [] });
  });

  it('R246 come from the list, the PAC file, WPAD and the system, in this order', async () => {
    const found = resolve(
      { urls: 'http://own:1', pac: 'http://pac.example/p', wpad: 'on' },
      {
        openPac: () => script('http://pac-proxy:1'),
        system: () => Promise.resolve({ proxies: parseProxyList('http://system:1').proxies, bypass: '' }),
        hint: () => Promise.resolve({ candidates: scriptCandidates(['http://browser:1']) }),
      },
    );
    expect(await shown(found)).toEqual([
      'http://own:1 configured',
      'http://pac-proxy:1 PAC',
      'http://wpad-proxy:1 WPAD',
      'http://system:1 system',
      'http://browser:1 hint',
      'direct',
    ]);
  });

  it('R260 R261 are the listed proxies in sequence, then the direct way', async () => {
    expect(await shown(resolve({ urls: 'http://b:1;http://a:1;http://b:2' }))).toEqual([
      'http://b:1 configured',
      'http://a:1 configured',
      'http://b:2 configured',
      'direct',
    ]);
  });

  it('R242 are the system proxies where nothing else is set', async () => {
    const system = () => Promise.resolve({ proxies: parseProxyList('http://system:1').proxies, bypass: '' });
    expect(await shown(resolve({}, { system }))).toEqual(['http://system:1 system', 'direct']);
    expect(await shown(resolve({ system: 'off' }, { system }))).toEqual(['direct']);
  });

  it('R262 are the same ones in the same order at every connection', async () => {
    const resolver = createResolver({
      settings: () => settingsOf({ urls: 'http://a:1;http://b:1' }),
      profile: () => refuse,
      openPac: () => script(),
      wpad: script(),
      random: { next: () => 0.9 },
    });
    const first = await shown(resolver.resolve(PLATFORM));
    expect(first).toEqual(['http://a:1 configured', 'http://b:1 configured']);
    expect(await shown(resolver.resolve(PLATFORM))).toEqual(first);
  });

  it('R258 follow a change of the settings without a restart', async () => {
    let urls = 'http://a:1';
    const resolver = createResolver({
      settings: () => settingsOf({ urls }),
      profile: () => refuse,
      openPac: () => script(),
      wpad: script(),
      random: { next: () => 0 },
    });
    expect(await shown(resolver.resolve(PLATFORM))).toEqual(['http://a:1 configured']);
    urls = 'http://b:1';
    expect(await shown(resolver.resolve(PLATFORM))).toEqual(['http://b:1 configured']);
  });

  it('R266 are all the proxies that a PAC file lists, in its order', async () => {
    const openPac = () => script('http://x:1', 'socks5://y:2', 'https://z:3');
    expect(await shown(resolve({ pac: '/etc/proxy.pac' }, { openPac }))).toEqual([
      'http://x:1 PAC',
      'socks5://y:2 PAC',
      'https://z:3 PAC',
      'direct',
    ]);
  });

  it('take the listed proxies in any order when the order is random', async () => {
    const draws = [0.99, 0.5, 0];
    const random = { next: () => draws.shift() ?? 0 };
    expect(
      await shown(resolve({ urls: 'http://a:1;http://b:1;http://c:1', order: 'random' }, { random })),
    ).toEqual(['http://c:1 configured', 'http://b:1 configured', 'http://a:1 configured', 'direct']);
  });

  it('end without the direct way when fail-open is off, here or in the profile', async () => {
    const urls = 'http://a:1';
    expect(await shown(resolve({ urls, failOpen: 'off' }))).toEqual(['http://a:1 configured']);
    expect(await shown(resolve({ urls }, { profile: () => refuse }))).toEqual(['http://a:1 configured']);
    expect(await shown(resolve({ urls, failOpen: 'on' }, { profile: () => refuse }))).toContain('direct');
  });

  it('are the direct way all the same when nothing else is left', async () => {
    const found = await resolve({ urls: 'nonsense', failOpen: 'off' });
    expect(found.candidates).toEqual(['direct']);
    expect(found.problems).toHaveLength(1);
  });

  it('keep DIRECT where a PAC file puts it, also when fail-open is off', async () => {
    const openPac = () => script('http://x:1', 'direct', 'http://y:1');
    const wanted = ['http://x:1 PAC', 'direct', 'http://y:1 PAC'];
    expect(await shown(resolve({ pac: '/p' }, { openPac }))).toEqual(wanted);
    expect(await shown(resolve({ pac: '/p', failOpen: 'off' }, { openPac }))).toEqual(wanted);
  });

  it("R261 take no network's word for going directly where fail-open is off", async () => {
    const network = { wpad: script('direct', 'http://wpad-proxy:1') };
    expect(await shown(resolve({ urls: 'http://a:1', wpad: 'on', failOpen: 'off' }, network))).toEqual([
      'http://a:1 configured',
      'http://wpad-proxy:1 WPAD',
    ]);
    expect(await shown(resolve({ urls: 'http://a:1', wpad: 'on' }, network))).toEqual([
      'http://a:1 configured',
      'direct',
      'http://wpad-proxy:1 WPAD',
    ]);
  });

  it("are the administrator's where the network names the same, so that they get credentials", async () => {
    const same = parseProxyList('http://wpad-proxy:1').proxies;
    const ports = {
      system: () => Promise.resolve({ proxies: same, bypass: '' }),
      hint: () => Promise.resolve({ candidates: same }),
    };
    expect(await shown(resolve({ wpad: 'on' }, ports))).toEqual(['http://wpad-proxy:1 system', 'direct']);
    expect(await shown(resolve({ urls: 'http://wpad-proxy:1', wpad: 'on' }, ports))).toEqual([
      'http://wpad-proxy:1 configured',
      'direct',
    ]);
  });

  it("take no hint's word for going directly", async () => {
    const hint = () => Promise.resolve({ candidates: ['direct'] as const });
    expect(await shown(resolve({ urls: 'http://a:1', failOpen: 'off' }, { hint }))).toEqual([
      'http://a:1 configured',
    ]);
  });

  it('name a proxy once, where it stands first', async () => {
    const openPac = () => script('http://a:1', 'http://b:1');
    expect(await shown(resolve({ urls: 'http://A:1', pac: '/p' }, { openPac }))).toEqual([
      'http://a:1 configured',
      'http://b:1 PAC',
      'direct',
    ]);
  });

  it('ask WPAD when this host or the profile wants it, and this host has the last word', async () => {
    const on = () => ({ wpadEnabled: true, proxyFailOpen: true });
    expect(await shown(resolve())).not.toContain('http://wpad-proxy:1 WPAD');
    expect(await shown(resolve({}, { profile: on }))).toContain('http://wpad-proxy:1 WPAD');
    expect(await shown(resolve({ wpad: 'off' }, { profile: on }))).toEqual(['direct']);
  });
});

describe('exceptions', () => {
  it('no_proxy leads directly, without asking anyone', async () => {
    const openPac = () => {
      throw new Error('asked');
    };
    const found = await resolve(
      { urls: 'http://a:1', pac: '/p', noProxy: 'localhost,.platform.example', failOpen: 'off' },
      { openPac },
    );
    expect(found).toEqual({ candidates: ['direct'], problems: [] });
  });

  it("the system's exceptions are about the system's proxies alone", async () => {
    const system = () =>
      Promise.resolve({ proxies: parseProxyList('http://system:1').proxies, bypass: '*.example' });
    expect(await shown(resolve({ urls: 'http://a:1' }, { system }))).toEqual([
      'http://a:1 configured',
      'direct',
    ]);
  });
});

describe('what a script sees', () => {
  const seenBy = async (url: string): Promise<string[]> => {
    const seen: string[] = [];
    const spy: ProxyScript = {
      evaluate: (asked) => {
        seen.push(asked.href);
        return Promise.resolve({ candidates: [] });
      },
    };
    const system = () => Promise.resolve({ proxies: [], bypass: '', pac: 'http://pac.example/system' });
    const hint = (asked: URL): Promise<ScriptAnswer> => spy.evaluate(asked);
    await resolve({ pac: '/p', wpad: 'on' }, { openPac: () => spy, wpad: spy, system, hint }, new URL(url));
    return seen;
  };

  it('is the origin of an https URL, with a port that is not the common one', async () => {
    expect(await seenBy('https://u:p@platform.example/CloudAgent/x?q#f')).toEqual(
      Array(4).fill('https://platform.example/'),
    );
    expect(await seenBy('https://platform.example:8443/x')).toEqual(
      Array(4).fill('https://platform.example:8443/'),
    );
  });

  it('is an http URL without credentials and fragment', async () => {
    expect(new Set(await seenBy('http://u:p@h.example/a?b#c'))).toEqual(new Set(['http://h.example/a?b']));
  });
});

describe('problems', () => {
  it('name the place of a PAC file without a user, a password or a token', async () => {
    const failing = { evaluate: () => Promise.resolve({ candidates: [], problem: 'gone' }) };
    const system = () => Promise.resolve({ proxies: [], bypass: '', pac: 'http://bob:secret@sys.example/p' });
    const { problems } = await resolve(
      { pac: 'http://pac.example/p?token=secret' },
      { openPac: () => failing, system },
    );
    expect(problems.map(({ source }) => source)).toEqual([
      'file:1 (http://pac.example/p)',
      "the system's settings (…@sys.example/p)",
    ]);
  });

  it('name setting, place and cause, and leave the rest in force', async () => {
    const openPac = () => ({ evaluate: () => Promise.reject(new Error('it never ends')) });
    const system = () => Promise.reject(new Error('no scutil'));
    const found = await resolve(
      { urls: 'http://a:1;nonsense', pac: 'http://pac.example/p', wpad: 'on', failOpen: 'perhaps' },
      { openPac, system },
    );
    expect(found.candidates.map(show)).toEqual([
      'http://a:1 configured',
      'http://wpad-proxy:1 WPAD',
      'direct',
    ]);
    expect(found.problems).toEqual([
      { setting: 'set_urls', source: 'file:1', reason: expect.stringContaining('nonsense') as string },
      { setting: 'set_failOpen', source: 'file:1', reason: '"perhaps" is neither on nor off' },
      { setting: 'set_pac', source: 'file:1 (http://pac.example/p)', reason: 'it never ends' },
      { setting: 'proxy', source: "the system's settings", reason: 'no scutil' },
    ]);
  });

  it('may stand beside an answer: a last good copy', async () => {
    const openPac = () => ({
      evaluate: () =>
        Promise.resolve({ candidates: scriptCandidates(['http://x:1']), problem: 'an old copy' }),
    });
    const found = await resolve({ pac: '/p' }, { openPac });
    expect(found.candidates.map(show)).toEqual(['http://x:1 PAC', 'direct']);
    expect(found.problems.map((problem) => problem.reason)).toEqual(['an old copy']);
  });

  it('of a hint that never answers hold nobody', async () => {
    const hint = () => new Promise<ScriptAnswer>(() => undefined);
    expect(await shown(resolve({ urls: 'http://a:1' }, { hint }))).toEqual([
      'http://a:1 configured',
      'direct',
    ]);
  });

  it('of a hint are nobody else’s', async () => {
    const hint = () => Promise.reject(new Error('no window'));
    expect(await resolve({}, { hint })).toEqual({ candidates: ['direct'], problems: [] });
  });
});

describe('whatever is set and answered', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
  const one = fc.tuple(names, fc.integer({ min: 1, max: 4 })).map(([host, port]) => `http://${host}:${port}`);
  const answer = fc.array(
    fc.oneof({ weight: 9, arbitrary: one }, { weight: 1, arbitrary: fc.constant('direct') }),
    {
      maxLength: 20,
    },
  );

  it('there are 1 to 16 ways, none twice, and none that nobody named', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(one, { maxLength: 5 }),
        answer,
        answer,
        fc.boolean(),
        async (list, pac, wpad, failOpen) => {
          const found = await resolve(
            {
              ...(list.length > 0 && { urls: list.join(';') }),
              pac: '/p',
              wpad: 'on',
              failOpen: failOpen ? 'on' : 'off',
            },
            { openPac: () => script(...pac), wpad: script(...wpad) },
          );
          const ways = found.candidates.map((way) => (way === 'direct' ? way : proxyUrl(way)));
          expect(ways.length).toBeGreaterThan(0);
          expect(ways.length).toBeLessThanOrEqual(MAX_CANDIDATES);
          expect(new Set(ways).size).toBe(ways.length);
          const named = [...list, ...pac, ...wpad];
          for (const way of ways) expect(way === 'direct' || named.includes(way)).toBe(true);
          if (failOpen || named.length === 0) expect(ways).toContain('direct');
          else if (!named.includes('direct')) expect(ways).not.toContain('direct');
          expect(ways.slice(0, new Set(list).size)).toEqual([...new Set(list)]);
        },
      ),
    );
  });
});
