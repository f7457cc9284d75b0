import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MainJob, resultOf, type MainJobResult } from '../support/main-job.ts';
import { because, noNamespaces, noProgram } from '../support/reason.ts';

/*
 * The main job as a user without rights, on a machine whose only network is loopback, with every connection that any of
 * its processes tries written down by strace.
 */

const NOBODY = 65_534;

const reason =
  noNamespaces(['--net']) ??
  noProgram('strace', 'strace') ??
  noProgram('setpriv', 'util-linux') ??
  noProgram('ip', 'iproute2');

describe.skipIf(reason !== undefined)(`without rights and without a network${because(reason)}`, () => {
  const job = new MainJob(NOBODY);
  const scratch = mkdtempSync(join(tmpdir(), 'wf-trace-'));
  const trace = join(scratch, 'trace');
  let result: MainJobResult;
  let said = '';

  beforeAll(async () => {
    const inside = [
      'ip link set lo up',
      `exec strace -f -qq --seccomp-bpf -e trace=connect,sendto,sendmsg,sendmmsg -o '${trace}' ` +
        `setpriv --reuid=${String(NOBODY)} --regid=${String(NOBODY)} --clear-groups ` +
        `'${process.execPath}' scripts/start.mjs --once --json`,
    ].join(' && ');
    const ended = await job.spawn('unshare', ['--net', 'sh', '-c', inside]).ended;
    said = ended.stderr;
    expect(ended.code, said).toBe(0);
    result = resultOf(ended);
  }, 240_000);
  afterAll(() => {
    job.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('R009 R012 brings the sync to its end and names the tables that it could not read', () => {
    for (const { root, platformRoot } of Object.values(result.types)) expect(root).toBe(platformRoot);
    expect(said).toMatch(/TABLE_ERRORS: Inventory: .*\busers\b/);
    expect(readFileSync(job.paths.logFile, 'utf8')).toMatch(/table users could not be read: .*EACCES/);
    expect(result.tables['os_version']).toBe(1);
  });

  it('R001 connects to nothing but loopback and local sockets, and asks no name server', () => {
    const lines = readFileSync(trace, 'utf8').split('\n');
    const internet = lines.filter((line) => line.includes('sa_family=AF_INET'));
    expect(internet.length).toBeGreaterThan(0);
    const elsewhere = internet.filter(
      (line) => !/inet_addr\("127\.|inet_pton\(AF_INET6, "::1"|sin6?_port=htons\(0\)/.test(line),
    );
    expect(elsewhere).toEqual([]);
  });
});
