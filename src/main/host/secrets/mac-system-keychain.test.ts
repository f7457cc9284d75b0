import { describe, expect, it } from 'vitest';
import { MacSystemKeychain } from './mac-system-keychain.ts';
import { SecretsUnavailable } from './secret-store.ts';
import { ToolFailed, type RunTool } from './tool.ts';

const TOOL = '/usr/bin/security';
const FILE = '/Library/Keychains/System.keychain';
const FIND = ['find-generic-password', '-s', 'Wayfarer', '-a', 'proxy-password', '-w', FILE];

interface Call {
  readonly file: string;
  readonly args: readonly string[];
  readonly input: string;
}

/** Answers calls of security(1) in order; a number is the code that it ends with. */
function scripted(...answers: (string | number)[]): { calls: Call[]; run: RunTool } {
  const calls: Call[] = [];
  const run: RunTool = (file, args, input) => {
    calls.push({ file, args, input });
    const answer = answers.shift();
    if (typeof answer === 'string') return Promise.resolve(answer);
    return Promise.reject(new ToolFailed(`${file}: SecKeychain… failed`, answer));
  };
  return { calls, run };
}

const SECRET = `p@ss "; & %\n'\\ ümlaut`;
const BASE64 = Buffer.from(SECRET).toString('base64');

describe('the System keychain of macOS', () => {
  it('gets a value on standard input alone, in base64, and is read back', async () => {
    const { calls, run } = scripted('', `${BASE64}\n`);
    await new MacSystemKeychain(run).set('proxy-password', SECRET);
    expect(calls).toEqual([
      {
        file: TOOL,
        args: ['-q', '-i'],
        input: `add-generic-password -U -s Wayfarer -a proxy-password -T ${TOOL} -w ${BASE64} ${FILE}\n`,
      },
      { file: TOOL, args: FIND, input: '' },
    ]);
  });

  it('takes the longest secret in one line of the tool (4,096 bytes)', async () => {
    const longest = 'é'.repeat(1_024);
    const { calls, run } = scripted('', Buffer.from(longest).toString('base64'));
    await new MacSystemKeychain(run).set('a'.repeat(64), longest);
    expect(calls[0]!.input.length).toBeLessThan(4_096);
  });

  it('gives the value back as it was, and nothing where there is none', async () => {
    expect(await new MacSystemKeychain(scripted(`${BASE64}\n`).run).get('proxy-password')).toBe(SECRET);
    expect(await new MacSystemKeychain(scripted(44).run).get('proxy-password')).toBeUndefined();
  });

  it('is unavailable when it refuses or gives back something else, and no message holds the value', async () => {
    const failures = [
      new MacSystemKeychain(scripted(36).run).get('proxy-password'),
      new MacSystemKeychain(scripted(1).run).set('proxy-password', SECRET),
      new MacSystemKeychain(scripted('', 'b2xk').run).set('proxy-password', SECRET),
      new MacSystemKeychain(scripted(1).run).delete('proxy-password'),
    ];
    for (const failure of failures) {
      await expect(failure).rejects.toThrow(SecretsUnavailable);
      await expect(failure).rejects.toThrow(FILE);
      await expect(failure).rejects.not.toThrow(BASE64);
    }
  });

  it('forgets a value; one that is not there is fine', async () => {
    const { calls, run } = scripted('', 44);
    const store = new MacSystemKeychain(run);
    await store.delete('proxy-password');
    await store.delete('proxy-password');
    expect(calls[0]!.args).toEqual([
      'delete-generic-password',
      '-s',
      'Wayfarer',
      '-a',
      'proxy-password',
      FILE,
    ]);
  });

  it('takes no name that would be another word of the command', async () => {
    const store = new MacSystemKeychain(scripted().run);
    await expect(store.set('a -w b', 'value')).rejects.toThrow(RangeError);
    await expect(store.get('a\nb')).rejects.toThrow(RangeError);
  });
});
