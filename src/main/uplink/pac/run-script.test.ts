import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { because, noLinuxRoot } from '../../../../test/support/reason.ts';
import { PacLimits, type PacJob } from './job.ts';
import { runInProcess } from './run-script.ts';

const scratch = mkdtempSync(join(tmpdir(), 'wf-pac-run-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

/** Time enough for any script that ends by itself, on a machine as busy as can be. */
const run = runInProcess(undefined, 60_000);

function jobFor(script: string, scriptMs = 30_000): PacJob {
  return {
    script,
    question: { url: 'https://www.example.com/', host: 'www.example.com' },
    now: Date.UTC(2026, 10, 21),
    limits: PacLimits.parse({ scriptMs }),
  };
}
const body = (text: string): string => `function FindProxyForURL(url, host) { ${text} }`;

const LATE = 'the script ran longer than 0.2 s';
const HUNGRY = 'the script needs more than 16 MB of memory';
const DEEP = 'the script is nested or recurses too deeply';

const childrenOfThisProcess = (): string[] =>
  readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .split(' ')
    .filter((pid) => pid !== '');

/** The effective user of a process, `undefined` once it is gone. */
function userOf(pid: string): number | undefined {
  try {
    const uid = /^Uid:\s+\d+\s+(?<effective>\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(uid?.groups?.['effective']);
  } catch {
    return undefined;
  }
}

/** Whether a process is there and no mere entry that nobody has waited for. */
function isRunning(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('a proxy script in a process of its own', () => {
  it('is answered for', async () => {
    expect(await run(jobFor(body('return "PROXY " + host')))).toEqual({ answer: 'PROXY www.example.com' });
  });

  it.each([
    ['an endless loop', body('for (;;);'), LATE],
    ['an endless loop outside the function', 'for (;;);', LATE],
    ['an expression that explodes', body('return /^(a+)+$/.test("a".repeat(50) + "b")'), LATE],
    ['a shell expression that explodes', body('shExpMatch("a".repeat(50) + "b", "(a+)+")'), LATE],
    ['an error whose name never ends', body('throw { get name() { for (;;); } }'), LATE],
    ['an endless list', body('const all = []; for (;;) all.push("x".repeat(1e5) + all.length)'), HUNGRY],
    ['a text of half a gigabyte', body('return "x".repeat(2 ** 29)'), HUNGRY],
    ['endless recursion', body('return FindProxyForURL() + "x"'), DEEP],
    ['a million brackets', '['.repeat(500_000), DEEP],
    ['a syntax error', 'function FindProxyForURL( {', /^the script can't be read in line 1: SyntaxError: /],
    ['no function', 'var x = 1;', 'the script defines no function FindProxyForURL'],
    [
      'a function of another kind',
      'var FindProxyForURL = "DIRECT";',
      'the script defines no function FindProxyForURL',
    ],
    ['a number', body('return 5'), 'FindProxyForURL returned a value of type number instead of text'],
    [
      'an object',
      body('return { toString: () => "DIRECT" }'),
      'FindProxyForURL returned a value of type object instead of text',
    ],
    ['null', body('return null'), 'FindProxyForURL returned null instead of text'],
    ['nothing', body(''), 'FindProxyForURL returned nothing instead of text'],
    ['a promise', `async ${body('return "DIRECT"')}`, 'FindProxyForURL returned a promise instead of text'],
    [
      'an error',
      '\n\nfunction FindProxyForURL() { nowhere.x }',
      'the script failed in line 3: ReferenceError: nowhere is not defined',
    ],
    [
      'an error over lines',
      body('throw new Error("a\\nb\\u202ec")'),
      'the script failed in line 1: Error: a b c',
    ],
  ])('with %s gives the reason', async (_name, script, reason) => {
    const outcome = await run(jobFor(script, reason === LATE ? 200 : undefined));
    const given = 'reason' in outcome ? outcome.reason : '';
    if (typeof reason === 'string') expect(given).toBe(reason);
    else expect(given).toMatch(reason);
  });

  it('may answer a million semicolons, of which a few thousand come back', async () => {
    const outcome = await run(jobFor(body('return ";".repeat(1e6)')));
    expect('answer' in outcome && outcome.answer).toMatch(/^;{8192}$/);
  });

  it('is killed when it hangs where the engine does not look at its clock', async () => {
    const hang = jobFor(body('Array.prototype.reverse.call({ length: 2 ** 53 - 1 })'));
    expect(await runInProcess(undefined, 1_500)(hang)).toEqual({
      reason: 'the script did not end within 1.5 s',
    });
  });

  it.each([
    ['breaks off', 'process.exit(1)', 'the process of the script broke off'],
    ['says nonsense', 'console.log("nonsense")', 'the process of the script gave an answer that is none'],
    [
      'says another shape',
      'console.log(JSON.stringify({ answer: 5 }))',
      'the process of the script gave an answer that is none',
    ],
    [
      'never stops talking',
      'process.stdout.write("x".repeat(200_000)); setInterval(() => 0, 1e6)',
      'the process of the script said too much',
    ],
    [
      'could start programs',
      'require("node:child_process").spawnSync("true")',
      'the process of the script broke off',
    ],
    [
      'could write files',
      `require("node:fs").writeFileSync(${JSON.stringify(join(scratch, 'written'))}, "")`,
      'the process of the script broke off',
    ],
  ])('whose runner %s gives the reason', async (name, program, reason) => {
    const entry = join(scratch, `${name.replaceAll(' ', '-')}.cjs`);
    writeFileSync(entry, `process.stdin.resume().on("end", () => { ${program} })`);
    expect(await runInProcess(entry)(jobFor(''))).toEqual({ reason });
  });

  it.skipIf(noLinuxRoot !== undefined)(
    `runs as nobody when the agent is root${because(noLinuxRoot)}`,
    async () => {
      const state = { over: false, nobody: false };
      const hang = run(jobFor(body('for (;;);'), 1_500)).finally(() => {
        state.over = true;
      });
      while (!state.over && !state.nobody) {
        state.nobody = childrenOfThisProcess().some((pid) => userOf(pid) === 65_534);
        await setImmediate();
      }
      expect(state.nobody).toBe(true);
      expect(await hang).toHaveProperty('reason');
    },
  );

  const noProc = process.platform === 'linux' ? '' : ' (needs /proc)';
  it.skipIf(noProc !== '')(`is killed with the agent that ends meanwhile${noProc}`, async () => {
    const agent = join(scratch, 'agent.mjs');
    writeFileSync(
      agent,
      `import { readFileSync } from 'node:fs';
      import { runInProcess } from ${JSON.stringify(new URL('run-script.ts', import.meta.url).href)};
      void runInProcess()(${JSON.stringify(jobFor(body('for (;;);')))});
      console.log(readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim());
      process.exit();`,
    );
    const runner = execFileSync(process.execPath, [agent], { encoding: 'utf8' }).trim();
    expect(runner).toMatch(/^\d+$/);
    await expect.poll(() => isRunning(runner), { timeout: 5_000 }).toBe(false);
  });

  it('that can not even be started gives the reason', async () => {
    const outcome = await runInProcess('no\0where')(jobFor(''));
    expect(outcome).toEqual({ reason: expect.stringMatching(/^no process for the script: /) as string });
  });

  it('gets nothing of the environment of the agent', async () => {
    const entry = join(scratch, 'environment.cjs');
    writeFileSync(entry, 'console.log(JSON.stringify({ answer: Object.keys(process.env).sort().join() }))');
    process.env['WAYFARER_TEST_SECRET'] = 'x';
    try {
      const outcome = await runInProcess(entry)(jobFor(''));
      expect('answer' in outcome && outcome.answer.split(',')).not.toContain('WAYFARER_TEST_SECRET');
    } finally {
      delete process.env['WAYFARER_TEST_SECRET'];
    }
  });
});
