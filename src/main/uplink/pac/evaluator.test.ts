import { describe, expect, it } from 'vitest';
import { Evaluator, questionOf } from './evaluator.ts';
import { MAX_SCRIPT, type PacJob } from './job.ts';

const URL_A = new URL('https://a.example.com/CloudAgent/status?x=1');

/** A runner that says which script ran for which host, and how many ran at once. */
function runner() {
  const jobs: PacJob[] = [];
  let running = 0;
  const seen = { jobs, most: 0, now: 1_000_000 };
  const evaluator = new Evaluator(
    async (job) => {
      jobs.push(job);
      running += 1;
      seen.most = Math.max(seen.most, running);
      await Promise.resolve();
      running -= 1;
      if (job.script === 'bad') return { reason: 'the script failed' };
      return { answer: `PROXY ${job.question?.host ?? 'none'}:1` };
    },
    () => seen.now,
  );
  return { evaluator, seen };
}

describe('what a script learns of a URL', () => {
  it.each([
    ['https://user:pw@a.example.com:8443/path?query#part', 'https://a.example.com:8443/', 'a.example.com'],
    ['wss://a.example.com/path?query', 'wss://a.example.com/', 'a.example.com'],
    ['http://user:pw@a.example.com/path?query#part', 'http://a.example.com/path?query', 'a.example.com'],
    ['https://[2001:db8::1]:8443/x', 'https://[2001:db8::1]:8443/', '2001:db8::1'],
  ])('is of %s only %s', (url, shown, host) => {
    expect(questionOf(new URL(url))).toEqual({ url: shown, host });
  });
});

describe('asking a script', () => {
  it('gives its answer, and the same for a minute without running it again', async () => {
    const { evaluator, seen } = runner();
    const answer = { candidates: [{ protocol: 'http', host: 'a.example.com', port: 1 }] };
    expect(await evaluator.ask('s', URL_A)).toEqual(answer);
    seen.now += 59_999;
    expect(await evaluator.ask('s', new URL('https://a.example.com/other'))).toEqual(answer);
    expect(seen.jobs).toHaveLength(1);
    seen.now += 1;
    await evaluator.ask('s', URL_A);
    expect(seen.jobs).toHaveLength(2);
    expect(seen.jobs[1]).toMatchObject({ now: seen.now, question: { url: 'https://a.example.com/' } });
  });

  it('runs again for another script, another host, another network and a clock that was set back', async () => {
    const { evaluator, seen } = runner();
    await evaluator.ask('s', URL_A);
    await evaluator.ask('t', URL_A);
    expect(seen.jobs).toHaveLength(2);
    await evaluator.ask('t', new URL('https://b.example.com/'));
    expect(seen.jobs).toHaveLength(3);
    evaluator.forget();
    await evaluator.ask('t', URL_A);
    expect(seen.jobs).toHaveLength(4);
    seen.now -= 1;
    await evaluator.ask('t', URL_A);
    expect(seen.jobs).toHaveLength(5);
  });

  it('keeps the failure for the minute, too: an endless loop costs its time once', async () => {
    const { evaluator, seen } = runner();
    const failed = { candidates: [], problem: 'the script failed' };
    expect(await evaluator.ask('bad', URL_A)).toEqual(failed);
    expect(await evaluator.ask('bad', URL_A)).toEqual(failed);
    expect(seen.jobs).toHaveLength(1);
  });

  it('runs one script at a time', async () => {
    const { evaluator, seen } = runner();
    await Promise.all([
      evaluator.check('s'),
      ...['a', 'b', 'c'].map((host) => evaluator.ask('s', new URL(`https://${host}/`))),
    ]);
    expect(seen.jobs).toHaveLength(4);
    expect(seen.most).toBe(1);
  });

  it('keeps a bounded number of answers', async () => {
    const { evaluator, seen } = runner();
    for (let host = 0; host < 33; host += 1) await evaluator.ask('s', new URL(`https://h${host}/`));
    await evaluator.ask('s', new URL('https://h32/'));
    expect(seen.jobs).toHaveLength(33);
    await evaluator.ask('s', new URL('https://h0/'));
    expect(seen.jobs).toHaveLength(34);
  });

  it('says so when the URL is too long to be asked for', async () => {
    const { evaluator, seen } = runner();
    const { candidates, problem } = await evaluator.ask('s', new URL(`http://a/${'x'.repeat(2_048)}`));
    expect(candidates).toEqual([]);
    expect(problem).toBe('the URL is longer than 2048 characters');
    expect(seen.jobs).toEqual([]);
  });
});

describe('looking at a script', () => {
  it('asks it for nothing and says why it is of no use', async () => {
    const { evaluator, seen } = runner();
    expect(await evaluator.check('s')).toBeUndefined();
    expect(await evaluator.check('bad')).toBe('the script failed');
    expect(seen.jobs.map((job) => job.question)).toEqual([null, null]);
  });

  it('refuses one whose text is too long', async () => {
    const { evaluator } = runner();
    expect(await evaluator.check(' '.repeat(MAX_SCRIPT))).toBeUndefined();
    expect(await evaluator.check(' '.repeat(MAX_SCRIPT + 1))).toBe('is larger than 1048576 characters');
  });
});
