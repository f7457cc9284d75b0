import { describe, expect, it } from 'vitest';
import { parseScutil } from './scutil.ts';

/** In the shape that scutil(8) prints. */
const FULL = `<dictionary> {
  ExceptionsList : <array> {
    0 : *.local
    1 : 169.254/16
  }
  ExcludeSimpleHostnames : 1
  FTPPassive : 1
  HTTPEnable : 1
  HTTPPort : 8080
  HTTPProxy : http.example.com
  HTTPSEnable : 1
  HTTPSPort : 8443
  HTTPSProxy : secure.example.com
  ProxyAutoConfigEnable : 1
  ProxyAutoConfigURLString : http://pac.example.com/proxy.pac
  SOCKSEnable : 1
  SOCKSPort : 1080
  SOCKSProxy : fd00::1
  __SCOPED__ : <dictionary> {
    en0 : <dictionary> {
      ExceptionsList : <array> {
        0 : scoped.example.com
      }
      HTTPSEnable : 1
      HTTPSPort : 1
      HTTPSProxy : scoped.example.com
    }
  }
}
`;

describe('the output of scutil --proxy', () => {
  it('R242 names the secure proxy, SOCKS, the PAC file and the exceptions', () => {
    expect(parseScutil(FULL)).toEqual({
      proxies: [
        { protocol: 'http', host: 'secure.example.com', port: 8443 },
        { protocol: 'socks5', host: 'fd00::1', port: 1080 },
      ],
      pac: 'http://pac.example.com/proxy.pac',
      bypass: '*.local 169.254/16 <local>',
    });
  });

  it('counts nothing that is switched off', () => {
    expect(parseScutil(FULL.replaceAll('Enable : 1', 'Enable : 0'))).toMatchObject({ proxies: [] });
    expect(parseScutil(FULL.replaceAll('Enable : 1', 'Enable : 0')).pac).toBeUndefined();
  });

  it.each(['', '<dictionary> {\n}\n', 'nonsense } } {{{\n : \n'])('%j names nothing', (output) => {
    expect(parseScutil(output)).toEqual({ proxies: [], bypass: '' });
  });

  it('names a proxy that can not be used', () => {
    const output = '<dictionary> {\n  HTTPSEnable : 1\n  HTTPSProxy : a\n  HTTPSPort : 99999\n}\n';
    expect(parseScutil(output)).toEqual({
      proxies: [],
      problem: 'a:99999: the port is not a number from 1 to 65535',
      bypass: '',
    });
  });
});
