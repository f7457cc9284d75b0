import { describe, expect, it } from 'vitest';
import { SecretsUnavailable } from '../host/secrets/secret-store.ts';
import { interpretProxySettings } from '../uplink/proxy/proxy-settings.ts';
import { writeProxyCredentials } from '../uplink/proxy/proxy-credentials.ts';
import { MemorySecrets } from '../uplink/proxy/testing/memory-secrets.ts';
import { formatProxyReport, proxyReport } from './proxy-report.ts';
import { formatAttempts } from './proxy-test.ts';
import { readPassword } from './read-password.ts';

const secrets = new MemorySecrets();

function report(texts: Record<string, string>) {
  const given = Object.fromEntries(
    Object.entries(texts).map(([name, value]) => [name, { value, setting: `s_${name}`, source: '/f:1' }]),
  );
  return proxyReport({
    source: {
      place: '/f',
      read: () => ({ given, problems: [] }),
      checkWritable: () => undefined,
      apply: () => undefined,
    },
    settings: () => interpretProxySettings({ given, problems: [] }, 'linux'),
    secrets: () => Promise.resolve(secrets),
    change: () => Promise.resolve(),
  });
}

describe('the report of the proxy settings', () => {
  it('says what is set, where, and what is wrong', async () => {
    secrets.failing = undefined;
    await writeProxyCredentials(secrets, { username: 'bob', password: 'secret' });
    const found = await report({ urls: 'http://a:1', wpad: 'off', systemUrl: 'http://s:1', order: 'no' });
    expect(formatProxyReport(found)).toBe(
      [
        'Proxies      http://a:1 (s_urls in /f:1)',
        'Order        sequential (s_order in /f:1)',
        'PAC file     none',
        'WPAD         off (s_wpad in /f:1)',
        'System       http://s:1 (s_systemUrl in /f:1)',
        'Fail-open    as the profile says',
        'Without      no exceptions',
        'Credentials  user "bob", password kept (memory)',
        'Written to   /f',
        'problem: s_order in /f:1: "no" is neither sequential nor random',
        '',
      ].join('\n'),
    );
    expect(JSON.stringify(found)).not.toContain('secret');
  });

  it('does not fail for credentials that cannot be read', async () => {
    secrets.failing = new SecretsUnavailable('the keychain is locked');
    expect(formatProxyReport(await report({}))).toContain('Credentials  unknown: the keychain is locked');
    const cause = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    secrets.failing = new SecretsUnavailable("/s/proxy-credentials can't be used", { cause });
    expect(formatProxyReport(await report({}))).toContain(
      'Credentials  unknown: this user may not read them',
    );
  });
});

describe('the attempts of a test', () => {
  it('stand in their order with source, answer and time, and what is wrong below them', () => {
    expect(
      formatAttempts(
        'https://platform.example/',
        [
          {
            route: 'proxy#1',
            proxy: 'http://a:1',
            source: 'PAC',
            ok: false,
            result: 'refused\u001b',
            elapsedMs: 1.4,
          },
          { route: 'direct', proxy: null, source: null, ok: true, result: 'HTTP 204, signed', elapsedMs: 20 },
        ],
        ['wayfarer_proxy_pac in /f:1: no\u001b such file'],
      ),
    ).toBe(
      [
        'Ways to https://platform.example/, in the order of trying:',
        'failed proxy#1  http://a:1 (PAC): refused? (1 ms)',
        'ok     direct   HTTP 204, signed (20 ms)',
        'problem: wayfarer_proxy_pac in /f:1: no? such file',
        '',
      ].join('\n'),
    );
  });
});

describe('a password on standard input', () => {
  const input = (...parts: (string | Buffer)[]): AsyncIterable<Buffer> =>
    // eslint-disable-next-line @typescript-eslint/require-await -- streams are asynchronous
    (async function* () {
      for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part;
    })();

  it.each([
    [['pa', 'ss'], 'pass'],
    [['pass\n'], 'pass'],
    [['pass\r\n'], 'pass'],
    [['pass\n\n'], 'pass\n'],
    [[' p ä😀 '], ' p ä😀 '],
    [['\ufeffpass\r\n'], 'pass'],
  ])('of %j is %j', async (parts, password) => {
    expect(await readPassword(input(...parts))).toBe(password);
  });

  it.each([
    ['nothing', [], 'there is no password'],
    ['a line break alone', ['\n'], 'there is no password'],
    ['Latin-1', [Buffer.from('päss', 'latin1')], 'not UTF-8'],
    ['UTF-16', [Buffer.from('\ufeffpass', 'utf16le')], 'not UTF-8'],
  ])('is refused when it is %s', async (_, parts, reason) => {
    await expect(readPassword(input(...parts))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(reason) as string,
    });
  });

  it('is not read beyond 4096 bytes, nor from a terminal', async () => {
    await expect(readPassword(input('x'.repeat(4096)))).resolves.toHaveLength(4096);
    await expect(readPassword(input('x'.repeat(4096), 'y'))).rejects.toMatchObject({ exitCode: 2 });
    await expect(readPassword(Object.assign(input('x'), { isTTY: true }))).rejects.toMatchObject({
      exitCode: 2,
    });
  });
});
