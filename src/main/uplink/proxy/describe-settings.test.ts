import { describe, expect, it } from 'vitest';
import { settingsLine, shownSettings } from './describe-settings.ts';
import { interpretProxySettings } from './proxy-settings.ts';

const settings = (texts: Record<string, string>) =>
  interpretProxySettings(
    {
      given: Object.fromEntries(
        Object.entries(texts).map(([name, value]) => [name, { value, setting: `a_${name}`, source: '/f:1' }]),
      ),
      problems: [],
    },
    'linux',
  );

describe('proxy settings as they are shown', () => {
  it('R258 fit into one line of the log', () => {
    expect(settingsLine(settings({}))).toBe(
      'Proxy settings: no list; PAC none; WPAD by profile; system on; fail-open by profile; without proxy nothing',
    );
    expect(
      settingsLine(
        settings({
          urls: 'http://a:1;socks5://b:2',
          order: 'random',
          pac: '/p.pac',
          wpad: 'off',
          failOpen: 'on',
          systemUrl: 'http://s:3',
          noProxy: '.corp',
        }),
      ),
    ).toBe(
      'Proxy settings: http://a:1, socks5://b:2 in random order; PAC /p.pac; WPAD off; system http://s:3; fail-open on; without proxy .corp',
    );
  });

  it('stand in the log, and where they are shown, without the query of a PAC URL, which may hold a token', () => {
    const withToken = settings({ pac: 'http://pac.example/p?token=secret' });
    expect(settingsLine(withToken)).toContain('PAC http://pac.example/p; ');
    expect(shownSettings(withToken).pac).toBe('http://pac.example/p');
  });

  it('name the place of each', () => {
    expect(shownSettings(settings({ urls: 'http://a:1', order: 'x' }))).toMatchObject({
      sources: { urls: 'a_urls in /f:1', order: 'a_order in /f:1' },
      problems: ['a_order in /f:1: "x" is neither sequential nor random'],
    });
  });

  it('steer no terminal and hold no credentials', () => {
    const shown = JSON.stringify(
      shownSettings(
        settings({ noProxy: 'a\u001b[2J,u:secret@b', urls: 'http://u:secret@h:1', pac: 'http://u:secret@h' }),
      ),
    );
    expect(shown).not.toMatch(/secret|\\u001b/);
  });
});
