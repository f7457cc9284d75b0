import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogLevel } from '../../shared/profile.ts';
import { formatLine, openLog, redact } from './log.ts';

const LINE =
  /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+0000 \[wayfarer-agent\]\[\d+\]:\[(Error|Warning|Information|Debug|Trace)\]:\[1\]:/;

describe('a log line', () => {
  const at = new Date('2026-11-20T23:19:56.123Z');
  const agent = { name: 'wayfarer-agent', pid: 412 };

  it('has the documented shape', () => {
    expect(formatLine(at, 'info', 'text', agent)).toBe(
      '2026-11-20 23:19:56.123 +0000 [wayfarer-agent][412]:[Information]:[1]:text',
    );
  });

  it('keeps what operators search for while the agent id goes', () => {
    const message =
      'Http request: POST v1/agents/0f8fad5b-d9cb-469f-a165-70867728950e/status via proxy#1, Http status code: 200 (312 B, 184 ms)';
    expect(formatLine(at, 'info', message, agent)).toBe(
      '2026-11-20 23:19:56.123 +0000 [wayfarer-agent][412]:[Information]:[1]:Http request: POST v1/agents/…/status via proxy#1, Http status code: 200 (312 B, 184 ms)',
    );
  });

  it.each([
    ['error', 'Error'],
    ['warn', 'Warning'],
    ['info', 'Information'],
    ['debug', 'Debug'],
    ['trace', 'Trace'],
  ] as const)('says %s as %s', (level, word) => {
    expect(formatLine(at, level, 'x', agent)).toContain(`:[${word}]:`);
  });
});

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
    );
    fc.assert(
      fc.property(form, secret, around, (write, text, before) => {
        expect(redact(`${before} ${write(text)}`)).not.toContain(text);
      }),
    );
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

describe('the log file', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'wayfarer-log-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const noTrouble = (error: Error): void => {
    throw error;
  };
  const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(0, -1);

  it('is made with its directory, closed to others, and appended to', async () => {
    const path = join(directory, 'made', 'agent.log');
    for (const text of ['one', 'two']) {
      const log = openLog(path, 'info', noTrouble);
      log.info(text);
      await log.close();
    }
    expect(linesOf(path).map((line) => line.replace(LINE, ''))).toEqual(['one', 'two']);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(statSync(join(directory, 'made')).mode & 0o777).toBe(0o750);
  });

  it('holds the levels asked for, each line in shape', async () => {
    const path = join(directory, 'agent.log');
    const log = openLog(path, 'warn', noTrouble);
    const levels: LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace'];
    for (const level of levels) log[level](`first ${level}`);
    log.setLevel('trace');
    for (const level of levels) log[level](`second ${level}`);
    await log.close();
    const lines = linesOf(path);
    for (const line of lines) expect(line).toMatch(LINE);
    expect(lines.map((line) => line.replace(LINE, ''))).toEqual([
      'first error',
      'first warn',
      ...levels.map((level) => `second ${level}`),
    ]);
  });

  it('keeps its bound of files and bytes, and loses no line of a burst that they can hold', async () => {
    const path = join(directory, 'agent.log');
    const log = openLog(path, 'info', noTrouble, { maxBytes: 10_000, maxFiles: 3 });
    for (let n = 0; n < 1000; n += 1) log.info(`line ${String(n)}`);
    await log.close();
    expect(readdirSync(directory).sort()).toEqual(['agent.log', 'agent.log.1', 'agent.log.2']);
    for (const name of readdirSync(directory)) {
      expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(10_000);
    }
    const kept = ['.2', '.1', ''].flatMap((suffix) => linesOf(`${path}${suffix}`));
    const numbers = kept.map((line) => Number(/line (\d+)$/.exec(line)?.[1]));
    expect(numbers).toEqual(numbers.map((_, at) => 1000 - numbers.length + at)); // the newest, in order, no gap
    expect(numbers.length).toBeGreaterThan(200);
  });

  it.each([
    'a file stands in place of its directory',
    'a directory stands in its place',
    'a link is planted',
  ])('stops nothing when %s: the trouble is told once and closing ends', async (trouble) => {
    const path = join(directory, 'sub', 'agent.log');
    if (trouble.startsWith('a file')) writeFileSync(join(directory, 'sub'), '');
    else mkdirSync(trouble.startsWith('a directory') ? path : join(directory, 'sub'), { recursive: true });
    if (trouble.startsWith('a link')) symlinkSync(join(directory, 'victim'), path);
    const troubles: Error[] = [];
    const log = openLog(path, 'info', (error) => troubles.push(error));
    log.info('one');
    log.error('two');
    await log.close();
    expect(troubles).toHaveLength(1);
    expect(readdirSync(directory)).toEqual(['sub']);
  });

  it('goes on by itself once the trouble is over, and when someone deletes the file', async () => {
    const path = join(directory, 'sub', 'agent.log');
    writeFileSync(join(directory, 'sub'), '');
    const log = openLog(path, 'info', () => undefined);
    const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    log.info('lost');
    await settle();
    rmSync(join(directory, 'sub'));
    log.info('back');
    await settle();
    expect(linesOf(path)[0]).toContain('back');
    rmSync(path);
    log.info('again');
    await log.close();
    expect(linesOf(path).map((line) => line.replace(LINE, ''))).toEqual(['again']);
  });
});
