import {
  existsSync,
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
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { extract, list } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeArchive, type Part } from './archive.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const UUID = '0f8fad5b-d9cb-469f-a165-70867728950e';

describe('an archive for support', () => {
  let directory: string;
  let output: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'wayfarer-archive-'));
    output = join(directory, 'out', 'd.tar.gz');
    mkdirSync(join(directory, 'out'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };

  /** Writes an archive and unpacks it; what is in a file of it. */
  async function made(parts: readonly Part[], logBytes?: number): Promise<(name: string) => string> {
    await writeArchive(output, parts, NOW, directory, logBytes);
    const into = mkdtempSync(join(directory, 'into-'));
    await extract({ file: output, cwd: into, strict: true });
    return (name) => readFileSync(join(into, 'wayfarer-diagnostics', name), 'utf8');
  }

  it('holds the parts, a manifest that lists them, and nothing else; only its owner can read it', async () => {
    const read = await made([
      { name: 'status.json', value: { phase: 'idle', rows: 3, at: null, list: [true] } },
      { name: 'settings/agent.conf', file: file('agent.conf', 'Syslog=on\n') },
      { name: 'log/a.log', missing: 'not there' },
    ]);
    expect(JSON.parse(read('status.json'))).toEqual({ phase: 'idle', rows: 3, at: null, list: [true] });
    expect(read('settings/agent.conf')).toBe('Syslog=on\n');
    expect(JSON.parse(read('manifest.json'))).toEqual({
      createdAt: '2026-11-20T12:00:00.000Z',
      agentVersion: '0.1.0',
      files: [
        { name: 'status.json', bytes: read('status.json').length },
        { name: 'settings/agent.conf', bytes: 10 },
      ],
      missing: [{ name: 'log/a.log', reason: 'not there' }],
    });
    const names: string[] = [];
    await list({ file: output, onReadEntry: (entry) => names.push(entry.path) });
    expect(names.sort()).toEqual(
      ['manifest.json', 'settings/agent.conf', 'status.json'].map((name) => `wayfarer-diagnostics/${name}`),
    );
    expect(statSync(output).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, 'out'))).toEqual(['d.tar.gz']);
  });

  it('holds no id and no credentials, wherever they stood', async () => {
    const secrets = `ActivationId=${UUID}\nhttps_proxy=http://me:S3cr3t@p:3128\nproxy-authorization: Negotiate S3cr3tS3cr3t\n`;
    const read = await made([
      {
        name: 'status.json',
        value: { identity: { hostId: UUID, tags: [`a ${UUID}`] }, text: 'password=S3cr3t' },
      },
      { name: 'settings/agent.conf', file: file('agent.conf', secrets) },
      { name: 'log/a.log', file: file('a.log', secrets.repeat(3)), log: true },
      { name: 'log/a.log.1', file: file('a.log.1.gz', gzipSync(secrets)), log: true },
    ]);
    for (const name of ['status.json', 'settings/agent.conf', 'log/a.log', 'log/a.log.1']) {
      expect(read(name)).not.toMatch(/S3cr3t|0f8fad5b/);
    }
    expect(JSON.parse(read('status.json'))).toEqual({
      identity: { hostId: '…', tags: ['a …'] },
      text: 'password=…',
    });
    expect(read('log/a.log.1')).toBe('ActivationId=…\nhttps_proxy=http://…@p:3128\nproxy-authorization: …\n');
  });

  it('keeps every line and its order, through any cuts between reads', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30_000 }),
        fc.integer({ min: 0, max: 90 }),
        async (count, width) => {
          const lines = Array.from({ length: count }, (_, n) => `${String(n)} ${'é '.repeat(width)}`);
          rmSync(output, { force: true });
          const read = await made([
            { name: 'log/a.log', file: file('a.log', `${lines.join('\n')}\n`), log: true },
          ]);
          expect(read('log/a.log')).toBe(`${lines.join('\n')}\n`);
        },
      ),
      { numRuns: 8 },
    );
  });

  it('leaves out the line that the bound cuts in a compressed log: half a secret shows no sign', async () => {
    const whole = 'first line\n';
    const log = gzipSync(`${whole}password=S3cr3t http://joe:S3cr3t@proxy:3128\n`);
    const read = await made(
      [{ name: 'log/a.log.1', file: file('a.log.1.gz', log), log: true }],
      whole.length + 36,
    );
    expect(read('log/a.log.1')).toBe(whole);
  });

  it('keeps all logs within one bound: the newest lines stay, and the manifest says what was cut', async () => {
    const lines = (from: number): string =>
      Array.from({ length: 1_000 }, (_, n) => `line ${String(from + n)}\n`).join('');
    const read = await made(
      [
        { name: 'log/a.log', file: file('a.log', lines(3_000)), log: true },
        { name: 'log/a.log.1', file: file('a.log.1', lines(2_000)), log: true },
        { name: 'log/a.log.2', file: file('a.log.2.gz', gzipSync(lines(1_000))), log: true },
      ],
      lines(3_000).length + 95,
    );
    expect(read('log/a.log')).toBe(lines(3_000));
    // Of 95 bytes the first ones are half a line.
    expect(read('log/a.log.1')).toBe(lines(2_000).split('\n').slice(-10).join('\n'));
    const { files, missing } = JSON.parse(read('manifest.json')) as {
      files: { name: string; cut?: string }[];
      missing: unknown[];
    };
    expect(files.map(({ name, cut }) => [name, cut !== undefined])).toEqual([
      ['log/a.log', false],
      ['log/a.log.1', true],
      ['log/a.log.2', true],
    ]);
    expect(missing).toEqual([]);
  });

  it('neither believes a line without an end, nor an archive of a log that is broken or swells', async () => {
    const zeros = gzipSync(Buffer.alloc(20 * 1024 * 1024, 'a '));
    const read = await made(
      [
        { name: 'log/endless', file: file('endless', `${'x'.repeat(5_000_000)}password=S3cr3t`), log: true },
        { name: 'log/broken', file: file('broken.gz', zeros.subarray(0, 100)), log: true },
        { name: 'log/bomb', file: file('bomb.gz', zeros), log: true },
      ],
      6_000_000,
    );
    expect(read('log/endless').length).toBeLessThan(20_000);
    expect(read('log/bomb').length).toBeLessThan(1_000_100);
    const { missing } = JSON.parse(read('manifest.json')) as { missing: { name: string; reason: string }[] };
    expect(missing).toEqual([
      { name: 'log/broken', reason: expect.stringMatching(/unexpected end/i) as string },
    ]);
  });

  it('follows no link and waits on no pipe to a part', async () => {
    const secret = file('shadow', 'root:S3cr3t\n');
    symlinkSync(secret, join(directory, 'linked.log'));
    const read = await made([{ name: 'log/a.log', file: join(directory, 'linked.log'), log: true }]);
    const { files, missing } = JSON.parse(read('manifest.json')) as { files: unknown[]; missing: unknown[] };
    expect([files.length, missing.length]).toEqual([0, 1]);
  });

  it.each(['a file', 'a link'])('writes over nothing: %s in its place stays as it is', async (what) => {
    const victim = file('victim', 'mine');
    if (what === 'a file') writeFileSync(output, 'mine');
    else symlinkSync(victim, output);
    await expect(writeArchive(output, [], NOW, directory)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(output, 'utf8')).toBe('mine');
    expect(readFileSync(victim, 'utf8')).toBe('mine');
  });

  it('makes its parts where it is told and not beside itself, and leaves nothing behind where that fails', async () => {
    const nowhere = join(directory, 'absent');
    await expect(writeArchive(output, [], NOW, nowhere)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(readdirSync(join(directory, 'out'))).toEqual([]);
    await writeArchive(output, [], NOW, directory);
    expect(readdirSync(directory)).toEqual(['out']);
  });

  it('leaves nothing behind where it can not be written', async () => {
    const nowhere = join(directory, 'absent', 'd.tar.gz');
    await expect(writeArchive(nowhere, [], NOW, directory)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(existsSync(join(directory, 'absent'))).toBe(false);
  });
});
