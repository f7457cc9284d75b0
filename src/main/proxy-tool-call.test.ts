import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProxyToolCall, withPassword, type ProxyToolCall } from './proxy-tool-call.ts';
import { InvalidChange, type ProxyChange } from './uplink/proxy/proxy-change.ts';

const call = (...args: string[]): ProxyToolCall => parseProxyToolCall(args, 'linux');
function change(...args: string[]): ProxyChange {
  const found = call(...args);
  if (found.kind !== 'change') throw new Error('not a change');
  return found.change;
}
const settings = (...args: string[]) => Object.fromEntries(change(...args).settings);

describe('the arguments of WayfarerProxy', () => {
  it.each([
    ['http://my-proxy:8080'],
    ['http://my-proxy-1:8080;http://my-proxy-2:8080'],
    ['http://my-proxy:8080;http://my-proxy:1080'],
  ])('R247 R248 /u sets %s and takes out the PAC file', (urls) => {
    expect(settings('/u', urls)).toEqual({ urls, pac: undefined });
  });

  it('R249 R250 /n and /p give user and password for /u', () => {
    expect(
      change('/u', 'http://my-proxy:8080', '/n', 'ProxyUsername', '/p', 'ProxyPassword').credentials,
    ).toEqual({
      username: 'ProxyUsername',
      password: 'ProxyPassword',
    });
  });

  it('R251 /a sets a PAC file and takes out the list', () => {
    expect(settings('/a', 'http://my-pac-file-server/Agent.pac')).toEqual({
      pac: 'http://my-pac-file-server/Agent.pac',
      urls: undefined,
    });
  });

  it('R249 R250 R251 /n and /p go with /a too, in any order', () => {
    const found = change('/n', 'ProxyUsername', '/p', 'ProxyPassword', '/a', '/etc/agent.pac');
    expect(Object.fromEntries(found.settings)).toEqual({ pac: '/etc/agent.pac', urls: undefined });
    expect(found.credentials).toEqual({ username: 'ProxyUsername', password: 'ProxyPassword' });
  });

  it('/x is taken as /a', () => {
    expect(settings('/x', '/etc/agent.pac')).toEqual(settings('/a', '/etc/agent.pac'));
    expect(() => call('/x', '/etc/agent.pac', '/u', 'http://a:1')).toThrow('/u and /a exclude each other');
  });

  it('R252 /d takes out everything and the credentials', () => {
    const found = change('/d');
    expect([...found.settings.values()].every((value) => value === undefined)).toBe(true);
    expect([...found.settings.keys()].sort()).toEqual(
      ['failOpen', 'noProxy', 'order', 'pac', 'system', 'systemUrl', 'urls', 'wpad'].sort(),
    );
    expect(found.credentials).toBe('removed');
  });

  it('R253 R254 /w and /h switch and leave the rest', () => {
    expect(settings('/w', 'on')).toEqual({ wpad: 'on' });
    expect(settings('/h', 'OFF')).toEqual({ system: 'off' });
    expect(change('/w', 'on', '/h', 'off').credentials).toBeUndefined();
    expect(settings('/u', 'http://a:1', '/w', 'off')).toEqual({
      urls: 'http://a:1',
      pac: undefined,
      wpad: 'off',
    });
  });

  it('are options in any case, with a slash or a hyphen', () => {
    expect(settings('-U', 'http://a:1', '/W', 'on')).toEqual(settings('/u', 'http://a:1', '-w', 'on'));
  });

  it('R255 may hold blanks, and quotes behind backslashes', () => {
    expect(change('/u', 'http://a:1', '/n', 'a user', '/p', 'pass \\"word\\" \\n').credentials).toEqual({
      username: 'a user',
      password: 'pass "word" \\n',
    });
  });

  it.each(['--help', '-?', '/?'])('%s asks for help, whatever stands beside it', (word) => {
    expect(call('/d', word)).toEqual({ kind: 'help' });
  });

  it('have the password read from standard input for "/p -"', () => {
    const found = call('/u', 'http://a:1', '/n', 'bob', '/p', '-');
    expect(found).toMatchObject({ kind: 'change', userFromStdin: 'bob' });
    const made = withPassword(change('/u', 'http://a:1', '/n', 'bob', '/p', '-'), 'bob', 'x;y');
    expect(made.credentials).toEqual({ username: 'bob', password: 'x;y' });
    expect(made.settings.get('urls')).toBe('http://a:1');
  });

  it.each([
    [[], 'nothing is asked for'],
    [['/u'], '/u has no value'],
    [['/u', '/n', 'x'], '/u has no value'],
    [['/u', 'http://a:1', '/a', 'http://b/p'], '/u and /a exclude each other'],
    [['/n', 'secret', '/p', 'secret'], '/n needs /u or /a'],
    [['/p', 'secret'], '/p needs /u or /a'],
    [['/u', 'http://a:1', '/n', 'secret'], '/n and /p belong together'],
    [['/u', 'http://a:1', '/p', 'secret'], '/n and /p belong together'],
    [['/d', '/w', 'on'], '/d deletes all settings and stands alone'],
    [['/u', 'http://a:1', '/d'], '/d deletes all settings and stands alone'],
    [['/u', 'http://a:1', '/u', 'http://b:1'], '/u is given twice'],
    [['/a', 'x', '/x', 'y'], '/a is given twice'],
    [['/w', 'maybe'], '/w is on or off'],
    [['/w', 'default'], '/w is on or off'],
    [['/h', '1'], '/h is on or off'],
    [['/z', 'secret'], 'argument 1 is neither'],
    [['secret'], 'argument 1 is neither'],
    [['/w', 'on', 'secret'], 'argument 3 is neither'],
    [['/u', 'http://u:secret@a:1'], 'would stand in clear'],
    [['/u', 'my-proxy:8080'], 'has no scheme'],
    [['/u', 'http://my-proxy'], 'has no port'],
    [['/u', 'http://my proxy:1'], 'holds a blank'],
    [['/u', Array.from({ length: 6 }, (_, at) => `http://p${at}:1`).join(';')], 'at most 5'],
    [['/u', ''], 'the list is empty'],
    [['/a', 'ftp://x/y'], 'is refused'],
    [['/u', 'http://a:1', '/n', '', '/p', 'secret'], 'the user is empty'],
    [['/w', 'on', '/u', 'nonsense'], 'has no scheme'],
  ])('R256 %j is refused: %s', (args, reason) => {
    expect(() => call(...args)).toThrow(InvalidChange);
    expect(() => call(...args)).toThrow(reason);
    expect(() => call(...args)).not.toThrow('secret');
  });

  it('never throw anything but a refusal', () => {
    const arg = fc.oneof(
      fc.constantFrom('/u', '/n', '/p', '/a', '/d', '/w', '/h', 'on', 'http://a:1', '-'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(arg, { maxLength: 8 }), (args) => {
        try {
          expect(['help', 'change']).toContain(call(...args).kind);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidChange);
        }
      }),
    );
  });
});
