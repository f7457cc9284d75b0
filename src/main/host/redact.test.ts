import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact } from './redact.ts';

describe('redaction', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9!#$%&*+./:=?@^_~-]{8,40}$/).map((text) => `S3cr3t${text}`);
  const around = fc.string({ maxLength: 20 });

  it('lets no UUID through, in whatever case and between whatever', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.boolean(), around, around, (uuid, upper, before, after) => {
        const written = upper ? uuid.toUpperCase() : uuid;
        expect(redact(`${before}${written}${after}`).toLowerCase()).not.toContain(uuid);
      }),
    );
  });

  it('lets no credentials of a URL through', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('user:', ':', '', 'DOMAIN\\user:'),
        secret,
        around,
        (user, text, before) => {
          expect(redact(`${before} http://${user}${text}@proxy.example:3128/path`)).not.toContain(text);
        },
      ),
    );
  });

  it('lets no password, token, header or signature through, however it is written', () => {
    const form = fc.constantFrom<(text: string) => string>(
      (text) => `password=${text}`,
      (text) => `proxy_password: ${text}`,
      (text) => `ProxyPassword = "${text}"`,
      (text) => JSON.stringify({ user: 'u', password: `a "${text}`, next: 1 }),
      (text) => `'passphrase': '${text}'`,
      (text) => `Authorization: Bearer ${text}`,
      (text) => `proxy-authorization: Basic ${text}==`,
      (text) => `signature: sig1=:${text}:`,
      (text) => `api-key = ${text}`,
      (text) => `access_token=${text}&x=1`,
      (text) => `Set-Cookie: id=${text}; Path=/`,
      (text) => `Proxy-Authenticate: Negotiate ${text}`,
      (text) => `"correlationId":"${text}"`,
      (text) => `correlation identifier: ${text}`,
    );
    fc.assert(
      fc.property(form, secret, around, (write, text, before) => {
        expect(redact(`${before} ${write(text)}`)).not.toContain(text);
      }),
    );
  });

  it('lets no credentials of a proxy or PAC URL through, blanks and all of Unicode in them', () => {
    const wild = fc
      .string({
        unit: fc.oneof(
          fc.constantFrom(...Array.from('@;&% :/?#"\'äß€漢🔑')),
          fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
        ),
        minLength: 1,
      })
      .map((text) => `S3cr3t${text.replace(/[\r\n]/g, '')}t3rc3S`);
    const form = fc.constantFrom<(text: string) => string>(
      (text) => `http://user:${text}@proxy.example:3128`,
      (text) => `http://${text}@proxy.example`,
      (text) => `PacUrl: "https://user:${text}@pac.example/proxy.pac" is not a URL`,
      (text) => `socks5://${text}:${text}@[2001:db8::1]:1080;http://other:3128`,
      (text) => `wayfarer_https_proxy=joe:${text}@proxy.example:3128`,
      (text) => `"proxy": "${text}@proxy.example" needs a scheme`,
    );
    fc.assert(
      fc.property(form, wild, around, (write, text, before) => {
        const shown = redact(`${before} ${write(text)}`);
        expect(shown).not.toContain('S3cr3t');
        expect(shown).not.toContain('t3rc3S');
      }),
    );
  });

  it('lets no credentials through where a scheme was forgotten, and keeps the rest of such a line', () => {
    fc.assert(
      fc.property(fc.constantFrom('joe:', ':', 'DOMAIN\\joe:'), secret, (user, text) => {
        expect(redact(`"${user}${text}@proxy.example:3128" needs a scheme`)).toBe(
          '"…@proxy.example:3128" needs a scheme',
        );
      }),
    );
    const line =
      '2026-11-20 23:19:56.123 +0000 [wayfarer-agent][412]:[Information]:[1]:…@proxy.example via direct';
    expect(redact(line)).toBe(line);
  });

  it('lets no token of an authentication scheme through, and leaves sentences about one alone', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Negotiate', 'negotiate', 'Kerberos', 'NTLM', 'Basic', 'Bearer'),
        fc.uint8Array({ minLength: 16, maxLength: 600 }),
        (scheme, bytes) => {
          const token = Buffer.from(bytes).toString('base64');
          expect(redact(`the proxy sent ${scheme} ${token} back`)).toBe(`the proxy sent ${scheme} … back`);
        },
      ),
    );
    // Letters alone are no word yet.
    for (const token of ['AAAAAAAAAAAAAAAAAAAAAAAA', 'YWFhYWFh']) {
      expect(redact(`Basic ${token}`)).toBe('Basic …');
    }
    for (const text of [
      'Negotiate authentication failed',
      'offers Basic, NTLM and Negotiate',
      'Basic Authentication',
    ]) {
      expect(redact(text)).toBe(text);
    }
  });

  it('lets no bare Ed25519 signature or signed document through', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        const signature = Buffer.from(bytes);
        expect(redact(`got ${signature.toString('base64')} there`)).toBe('got … there');
        expect(redact(`eyJhbGciOiJFZERTQSJ9.e30.${signature.toString('base64url')}`)).not.toContain(
          signature.toString('base64url'),
        );
      }),
    );
  });

  it('leaves one line without control characters, whatever the message', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, tail) => {
        const line = redact(`${text}\r\n2026-01-01 forged\u2028\u0085\u202e\u001b[31m${tail}`);
        // eslint-disable-next-line no-control-regex -- control characters are what is looked for
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
      }),
    );
  });

  it('says the same when it is applied again', () => {
    fc.assert(
      fc.property(fc.string(), fc.uuid(), secret, (text, uuid, word) => {
        const once = redact(`${text} ${uuid} https://u:${word}@h/ password=${word}`);
        expect(redact(once)).toBe(once);
      }),
    );
  });

  it('leaves alone what helps: paths, addresses, key fingerprints, hashes', () => {
    const text =
      'pinned If71XRuddG5mmm9kPMFhOpNH4oo2vH6X4M79PDhROG8 at https://platform.example.com:8443/CloudAgent/, ' +
      `root ${'ab'.repeat(32)}, /var/lib/wayfarer/agent.db, 192.0.2.1, fe80::1`;
    expect(redact(text)).toBe(text);
  });

  it('bounds a message, and cuts no secret in half', () => {
    const uuid = '0f8fad5b-d9cb-469f-a165-70867728950e';
    for (let shift = 0; shift < uuid.length + 2; shift += 1) {
      const text = redact(`${'word '.repeat(1640).slice(0, 8_155 + shift)}${uuid}${' tail'.repeat(9)}`);
      expect(text.length).toBeLessThanOrEqual(8_192);
      expect(text).not.toContain(uuid.slice(0, 5));
    }
    expect(redact('x'.repeat(9_000))).toBe(' …');
  });

  // Without a bound on what the patterns see, these run beyond the time limit of a test.
  it('bounds the worst that someone can have us log', () => {
    const hostile = ['://'.repeat(30_000), 'password'.repeat(12_000), `"password":"${'\\"'.repeat(50_000)}`];
    for (const text of hostile)
      expect(redact(` ${text.slice(0, 8_000)} ${text}`).length).toBeLessThanOrEqual(8_192);
  });
});
