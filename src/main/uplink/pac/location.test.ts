import { describe, expect, it } from 'vitest';
import { parseLocation } from './location.ts';
import { Unavailable } from './script-text.ts';

describe('the location of a script', () => {
  it.each([
    [
      'http://pac.example.com/proxy.pac',
      { kind: 'remote', url: new URL('http://pac.example.com/proxy.pac') },
    ],
    ['HTTPS://pac.example.com:8443/', { kind: 'remote', url: new URL('https://pac.example.com:8443/') }],
    ['file:///etc/proxy%20a.pac', { kind: 'local', path: '/etc/proxy a.pac' }],
    ['/etc/proxy.pac', { kind: 'local', path: '/etc/proxy.pac' }],
  ])('R246 may be %s', (text, location) => {
    expect(parseLocation(text)).toEqual(location);
  });

  it.each([
    ['', 'neither a URL nor an absolute path'],
    ['proxy.pac', 'neither a URL nor an absolute path'],
    ['ftp://pac.example.com/proxy.pac', 'no http:, https: or file: URL'],
    ['data:text/plain,x', 'no http:, https: or file: URL'],
    ['file://server/share/proxy.pac', 'without a path on this host'],
    ['http://user:hunter2@pac.example.com/', 'holds credentials'],
    ['http://user@pac.example.com/', 'holds credentials'],
  ])('is refused as %j', (text, reason) => {
    expect(() => parseLocation(text)).toThrow(reason);
    expect(() => parseLocation(text)).toThrow(Unavailable);
    expect(() => parseLocation(text)).not.toThrow('hunter2');
  });
});
