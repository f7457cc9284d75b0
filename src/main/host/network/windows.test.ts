import { describe, expect, it } from 'vitest';
import { parsePowerShell } from './windows.ts';

describe('Windows', () => {
  it('gives default routes and search domains from the answer of PowerShell', () => {
    const answer =
      '{"routes":[{"InterfaceAlias":"Wi-Fi","NextHop":"192.168.7.1"},{"InterfaceAlias":"VPN","NextHop":"0.0.0.0"},' +
      '{"InterfaceAlias":"Wi-Fi","NextHop":"fe80::1%12"}],"search":["corp.example.com","fritz.box"]}';
    expect(parsePowerShell(answer)).toEqual({
      routes: [
        { interface: 'Wi-Fi', gateway: '192.168.7.1' },
        { interface: 'VPN', gateway: null },
        { interface: 'Wi-Fi', gateway: 'fe80::1' },
      ],
      searchDomains: ['corp.example.com', 'fritz.box'],
    });
  });

  it.each(['', 'null', '{"routes":[]}', '{"routes":[{"InterfaceAlias":7,"NextHop":"::"}],"search":[]}', '{'])(
    'has no answer in %j',
    (text) => {
      expect(parsePowerShell(text)).toBeUndefined();
    },
  );
});
