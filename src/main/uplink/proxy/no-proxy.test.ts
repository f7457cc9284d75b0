import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bypassesProxy } from './no-proxy.ts';

const bypass = (list: string, url: string): boolean => bypassesProxy(list, new URL(url));

describe('a list of hosts that are reached without a proxy', () => {
  it.each([
    ['*', 'https://anything.example/'],
    ['other.example, Platform.Example', 'https://platform.example/'],
    ['platform.example', 'https://eu.platform.example/'],
    ['.platform.example', 'https://platform.example/'],
    ['.platform.example', 'https://eu.platform.example/'],
    ['platform.example.', 'https://platform.example/'],
    ['platform.example', 'https://platform.example./'],
    ['a b\tplatform.example', 'https://platform.example/'],
    ['a;platform.example', 'https://platform.example/'],
    ['platform.example:443', 'https://platform.example/'],
    ['platform.example:8443', 'https://platform.example:8443/'],
    ['platform.example:80', 'http://platform.example/'],
    ['*.example', 'https://eu.platform.example/'],
    ['eu*example', 'https://eu.platform.example/'],
    ['10.*', 'https://10.1.2.3/'],
    ['10.1.2.3', 'https://10.1.2.3/'],
    ['10.1.2.3:443', 'https://10.1.2.3/'],
    ['10.0.0.0/8', 'https://10.1.2.3/'],
    ['169.254/16', 'https://169.254.9.9/'],
    ['0.0.0.0/0', 'https://1.2.3.4/'],
    ['fd00::/8', 'https://[fd12::1]/'],
    ['[fd00::]/8', 'https://[fd12::1]/'],
    ['FD00:0::1', 'https://[fd00::1]/'],
    ['[fd00::1]:8443', 'https://[fd00::1]:8443/'],
    ['<local>', 'https://platform/'],
  ])('%s meets %s', (list, url) => {
    expect(bypass(list, url)).toBe(true);
  });

  it.each([
    ['', 'https://platform.example/'],
    [' , ;', 'https://platform.example/'],
    ['.', 'https://platform.example/'],
    ['platform.example', 'https://notplatform.example/'],
    ['platform.example', 'https://platform.example.evil/'],
    ['eu.platform.example', 'https://platform.example/'],
    ['platform.example:8443', 'https://platform.example/'],
    ['platform.example:x', 'https://platform.example/'],
    ['*.example', 'https://example/'],
    ['ab*ba', 'https://aba/'],
    ['2.3', 'https://1.2.3.4/'],
    ['3.4', 'https://1.2.3.4/'],
    ['10.0.0.0/8', 'https://11.0.0.1/'],
    ['10.0.0.0/8', 'https://10.platform.example/'],
    ['10.0.0.0/33', 'https://10.0.0.1/'],
    ['10.0.0.0/', 'https://10.0.0.1/'],
    ['fd00::/129', 'https://[fd00::1]/'],
    ['nonsense/8', 'https://10.0.0.1/'],
    ['<local>', 'https://platform.example/'],
    ['<local>', 'https://[::1]/'],
  ])('"%s" does not meet %s', (list, url) => {
    expect(bypass(list, url)).toBe(false);
  });

  it('means only the name itself in the style of Windows and macOS', () => {
    const exact = (list: string, url: string): boolean =>
      bypassesProxy(list, new URL(url), { subdomains: false });
    expect(exact('platform.example', 'https://platform.example/')).toBe(true);
    expect(exact('platform.example', 'https://eu.platform.example/')).toBe(false);
    expect(exact('*.platform.example', 'https://eu.platform.example/')).toBe(true);
  });

  it('finds a host whatever stands before and behind its entry', () => {
    const entry = fc.string({ unit: fc.constantFrom(...Array.from('ab.:/[]<>-_0')), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(entry), fc.array(entry), fc.domain(), (before, behind, host) => {
        expect(bypass([...before, host.toUpperCase(), ...behind].join(','), `https://${host}/`)).toBe(true);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.webUrl(), (list, url) => {
        expect(typeof bypass(list, url)).toBe('boolean');
      }),
    );
  });

  it('meets a network exactly when the first bits are the same', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (network, host, bits) => {
        const number = (address: string): number =>
          address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
        const size = 2 ** (32 - bits);
        const same = Math.floor(number(network) / size) === Math.floor(number(host) / size);
        expect(bypass(`${network}/${bits}`, `https://${host}/`)).toBe(same);
      }),
    );
  });
});
