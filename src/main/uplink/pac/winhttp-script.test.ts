import { describe, expect, it } from 'vitest';
import type { AutoProxy, FindAutoProxy } from './winhttp-auto.ts';
import { createWinHttpScript } from './winhttp-script.ts';
import { createWpadScript } from './wpad.ts';

const PLATFORM = new URL('https://platform.example.com:8443/CloudAgent/status?x');

function asking(found: AutoProxy) {
  const asked: string[] = [];
  const find: FindAutoProxy = (url) => {
    asked.push(url);
    return Promise.resolve(found);
  };
  return { asked, script: createWinHttpScript(() => find) };
}

describe('WPAD through WinHTTP', () => {
  it('R246 gives the proxies that Windows found for the origin of a URL', async () => {
    const { asked, script } = asking({ kind: 'proxies', proxy: 'a.example.com:8080;b' });
    expect(await script.evaluate(PLATFORM)).toEqual({
      candidates: [
        { protocol: 'http', host: 'a.example.com', port: 8080 },
        { protocol: 'http', host: 'b', port: 80 },
      ],
    });
    expect(asked).toEqual(['https://platform.example.com:8443/']);
  });

  it('goes directly where the script says so, and says nothing where there is none', async () => {
    expect(await asking({ kind: 'direct' }).script.evaluate(PLATFORM)).toEqual({ candidates: ['direct'] });
    expect(await asking({ kind: 'none' }).script.evaluate(PLATFORM)).toEqual({ candidates: [] });
  });

  it('keeps ten proxies', async () => {
    const proxy = Array.from({ length: 50 }, (_, index) => `p${index}:1`).join(';');
    expect((await asking({ kind: 'proxies', proxy }).script.evaluate(PLATFORM)).candidates).toHaveLength(10);
  });

  it('says why Windows can not be asked', async () => {
    const script = createWinHttpScript(() => {
      throw new Error('no winhttp.dll');
    });
    expect(await script.evaluate(PLATFORM)).toEqual({
      candidates: [],
      problem: "WinHTTP can't be asked: no winhttp.dll",
    });
  });

  it('is not waited for without end, and asked by one at a time', async () => {
    let waiting = 0;
    let answer = (_found: AutoProxy): void => undefined;
    const find: FindAutoProxy = () => {
      waiting += 1;
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    const script = createWinHttpScript(() => find, 20);
    const late = { candidates: [], problem: 'WinHTTP found nothing within 0.02 s' };
    expect(await script.evaluate(PLATFORM)).toEqual(late);
    const others = [script.evaluate(PLATFORM), script.evaluate(new URL('https://other.example.com/'))];
    expect(await Promise.all(others)).toEqual([late, late]);
    expect(waiting).toBe(1);
    const next = script.evaluate(PLATFORM);
    answer({ kind: 'direct' });
    expect(await next).toEqual({ candidates: ['direct'] });
  });

  it('is what discovery means on Windows, and off Windows says that there is no such library', async () => {
    const script = createWpadScript({
      dataDir: '/nonexistent',
      secureContext: () => {
        throw new Error('unused');
      },
      clock: { now: () => 0 },
      log: { debug: () => undefined },
      suffixes: () => Promise.reject(new Error('unused')),
      platform: 'win32',
    });
    if (process.platform === 'win32') expect(await script.evaluate(PLATFORM)).toHaveProperty('candidates');
    else expect((await script.evaluate(PLATFORM)).problem).toMatch(/^WinHTTP can't be asked: .*load/);
  });
});
