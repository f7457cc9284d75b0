import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { extract } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../../shared/wire.ts';
import { ENDED, type Failure } from '../uplink/failure.ts';
import { chunkCountOf } from './side-upload.ts';
import { lost, refusal } from './testing/fake-platform.ts';
import { MINUTE, Rig } from './testing/rig.ts';

describe('logs that the platform collects', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig();
    rig.platform.profile = { ...rig.platform.profile, chunkSizeKb: 64, deltaUploadIntervalSec: 10 };
    await rig.start();
    writeLog(400);
  });
  afterEach(() => rig.dispose());

  /** A log of about so many KB once compressed: lines that say nothing twice. */
  function writeLog(kilobytes: number): void {
    mkdirSync(dirname(rig.paths.logFile), { recursive: true });
    const lines =
      randomBytes(kilobytes * 1024)
        .toString('hex')
        .match(/.{64}/g) ?? [];
    writeFileSync(rig.paths.logFile, `${lines.join('\n')}\n`);
  }

  const collect = (): Command => rig.platform.command('COLLECT_LOGS');
  const results = (command: Command): (string | undefined)[] =>
    [...rig.platform.records.values()].flatMap((record) =>
      record.kind === 'command' && record.commandId === command.id ? [record.result, record.detail] : [],
    );
  /** Lets heartbeats pass until the command is acknowledged. */
  async function acknowledged(command: Command): Promise<(string | undefined)[]> {
    for (let n = 0; n < 20 && results(command).length === 0; n += 1) await rig.pass(15 * MINUTE);
    return results(command);
  }
  /** The archives that the platform has. */
  const archives = (): Buffer[] =>
    [...rig.platform.uploads.values()]
      .filter(({ terms, result }) => terms.kind === 'logs' && result !== undefined)
      .map(({ chunks }) => Buffer.concat([...chunks].sort(([a], [b]) => a - b).map(([, bytes]) => bytes)));
  /** What stands in a file of an archive that the platform has. */
  async function read(archive: Buffer | undefined, name: string): Promise<string> {
    const into = mkdtempSync(join(rig.root, 'into-'));
    writeFileSync(join(into, 'a.tar.gz'), archive ?? '');
    await extract({ file: join(into, 'a.tar.gz'), cwd: into, strict: true });
    return readFileSync(join(into, 'wayfarer-diagnostics', name), 'utf8');
  }
  const support = (): string => join(rig.paths.dataDir, 'support');

  it('arrive whole, are acknowledged once, and leave nothing behind', async () => {
    const command = collect();
    expect(await acknowledged(command)).toEqual(['DONE', expect.stringMatching(/^\d+ bytes, upload /)]);
    expect(archives()).toHaveLength(1);
    expect(await read(archives()[0], 'log/wayfarer-agent.log')).toBe(readFileSync(rig.paths.logFile, 'utf8'));
    expect(existsSync(support())).toBe(false);
    await rig.pass(60 * MINUTE);
    expect(archives()).toHaveLength(1);
    expect(rig.facts.logs).toBeNull();
  });

  it('R144 go in chunks that start a delta upload interval apart', async () => {
    await acknowledged(collect());
    const times = rig.platform
      .of('putChunk')
      .slice(-4)
      .map((call) => call.at);
    expect(times.map((at) => at - (times[0] ?? 0))).toEqual([0, 10_000, 20_000, 30_000]);
  });

  it('resume at the first missing chunk after a kill, without making the archive anew', async () => {
    const command = collect();
    const before = rig.platform.of('putChunk').length;
    await rig.pass(15 * MINUTE); // the heartbeat that brings the command
    for (let n = 0; n < 40 && rig.platform.of('putChunk').length < before + 2; n += 1) await rig.pass(10_000);
    const terms = rig.facts.logs?.terms;
    if (terms === null || terms === undefined) throw new Error('no upload is under way');
    await rig.kill();
    await rig.start();
    expect(rig.facts.logs?.terms).toEqual(terms);
    expect((await acknowledged(command))[0]).toBe('DONE');
    expect(rig.platform.of('putChunk').length - before).toBe(chunkCountOf(terms));
  });

  it.each(['openUpload', 'uploadState', 'putChunk', 'commit'] as const)(
    'arrive once when answers to %s are lost, the first time after the platform did it',
    async (call) => {
      const command = collect();
      rig.platform.twist(call, { lose: true }, { fail: lost }, { fail: refusal(503, 'BUSY', 30) });
      if (call === 'uploadState') rig.platform.twist('putChunk', { lose: true });
      expect((await acknowledged(command))[0]).toBe('DONE');
      expect(archives()).toHaveLength(1);
    },
  );

  it('go on at once after another network ended one of their exchanges, however often they had failed', async () => {
    const command = collect();
    const ended: Failure = { kind: 'transport', code: ENDED, reason: 'the connection was reset' };
    const tried = rig.platform.of('openUpload').length;
    rig.platform.twist('openUpload', ...Array.from({ length: 5 }, () => ({ fail: lost })), { fail: ended });
    expect((await acknowledged(command))[0]).toBe('DONE');
    const [atEnd, after] = rig.platform
      .of('openUpload')
      .slice(tried + 5)
      .map(({ at }) => at);
    expect(after).toBe(atEnd);
  });

  it('are made anew when their archive went away meanwhile', async () => {
    const command = collect();
    rig.platform.twist('openUpload', { fail: lost });
    await rig.pass(15 * MINUTE);
    rmSync(support(), { recursive: true, force: true });
    expect((await acknowledged(command))[0]).toBe('DONE');
  });

  it('are cut smaller after 413 and opened anew after the platform forgot them', async () => {
    await rig.stop();
    rig.platform.profile = { ...rig.platform.profile, chunkSizeKb: 200 };
    rig.platform.profileVersion += 1;
    await rig.start();
    const command = collect();
    rig.platform.twist('putChunk', { fail: refusal(413, 'TOO_LARGE') });
    rig.platform.twist('commit', { fail: refusal(404, 'UPLOAD_UNKNOWN') });
    expect((await acknowledged(command))[0]).toBe('DONE');
    const sizes = rig.platform
      .of('openUpload')
      .map(({ body }) => body as { kind: string; chunkBytes: number })
      .filter((terms) => terms.kind === 'logs')
      .map((terms) => terms.chunkBytes / 1024);
    expect(sizes).toEqual([200, 100, 100]);
  });

  it.each([
    ['openUpload', 400, 'BAD_REQUEST'],
    ['openUpload', 413, 'TOO_LARGE'],
    ['commit', 403, 'MODULE_NOT_ACTIVE'],
  ] as const)('fail with the reason where the platform refuses them: %s %i', async (call, status, code) => {
    const command = collect();
    rig.platform.twist(call, { fail: refusal(status, code) });
    expect(await acknowledged(command)).toEqual(['FAILED', expect.stringContaining(code)]);
    expect(existsSync(support())).toBe(false);
  });

  it('are refused to a second command while the first is served', async () => {
    const [first, second] = [collect(), collect()];
    expect(await acknowledged(second)).toEqual(['REFUSED', expect.stringContaining('another command')]);
    expect((await acknowledged(first))[0]).toBe('DONE');
  });

  it('wait while an upload of a collection is pending', async () => {
    rig.platform.twist('openUpload', ...Array.from({ length: 6 }, () => ({ fail: lost })));
    rig.core.requestCycle({});
    await rig.settle();
    expect(rig.facts.pending).not.toBeNull();
    const command = collect();
    await rig.pass(15 * MINUTE);
    const kinds = (): string[] =>
      rig.platform.of('openUpload').map(({ body }) => (body as { kind: string }).kind);
    expect((await acknowledged(command))[0]).toBe('DONE');
    expect(kinds().lastIndexOf('delta')).toBeLessThan(kinds().indexOf('logs'));
  });

  it('wait for a network that is not metered where they are too large for it, and say so', async () => {
    rig.settings = { ...rig.settings, meteredUploadLimitMb: 0 };
    await rig.stop();
    await rig.start();
    rig.network.change({ metered: true });
    const command = collect();
    await rig.pass(60 * MINUTE);
    expect(results(command)).toEqual([]);
    expect(rig.status.conditions).toMatchObject([
      { code: 'METERED_WAIT', text: expect.stringContaining('The logs upload') as string },
    ]);
    rig.network.change({ metered: false });
    expect((await acknowledged(command))[0]).toBe('DONE');
    expect(rig.conditions).toEqual([]);
  });

  it('go with everything else when the platform removes the agent', async () => {
    collect();
    rig.platform.twist('openUpload', ...Array.from({ length: 99 }, () => ({ fail: lost })));
    await rig.pass(15 * MINUTE);
    expect(existsSync(support())).toBe(true);
    rig.platform.command('UNINSTALL');
    await rig.pass(60 * MINUTE);
    expect(rig.facts.uninstalled).toBe(true);
    expect(existsSync(support())).toBe(false);
  });
});
