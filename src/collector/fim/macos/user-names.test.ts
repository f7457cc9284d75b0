import { describe, expect, it } from 'vitest';
import { macSample, sampleMac } from '../../macos/testing/sample-mac.ts';
import { sampleContext, type Answer } from '../../testing/sample-host.ts';
import { UserNames } from './user-names.ts';

function open(answer: (file: string, args: readonly string[]) => Answer) {
  const context = sampleContext({ os: 'darwin', run: answer });
  const logged: string[] = [];
  const names = new UserNames({ context, log: (_level, message) => logged.push(message) });
  return { context, names, logged };
}

describe('the names of users of macOS', () => {
  it('are those of the local accounts, numbers below zero as messages have them', async () => {
    const nobody = macSample('users.plist')
      .toString('utf8')
      .replace('>70<', '>-2<')
      .replace('_www', 'nobody');
    const { names } = open(() => nobody);
    expect(names.of(501)).toBeUndefined();
    await names.read();
    expect([501, 4_294_967_294, 70].map(names.of)).toEqual(['joerg', 'nobody', undefined]);
  });

  it('are read again for a number without one, and not more often than once a minute', async () => {
    const { context, names } = open(sampleMac);
    await names.read();
    names.of(7_777);
    expect(context.calls).toHaveLength(1);
    await context.sleep(60_000);
    names.of(7_777);
    names.of(7_777);
    expect(context.calls).toHaveLength(2);
  });

  it('are none where they can not be read, which the log says', async () => {
    const { names, logged } = open(() => undefined);
    await names.read();
    expect(names.of(501)).toBeUndefined();
    expect(logged).toEqual(['no names of users: dscl: not installed']);
  });
});
