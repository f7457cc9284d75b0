import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfiguration } from './configuration.ts';

const good = { correlationId: '0f8f2f3e-7a0e-4a52-9a3e-0f1b4a6b7c8d', ports: [10001, 65535], bindAll: false };

describe('the configuration of the endpoint', () => {
  it('is taken as it was sent, without what nobody asked for', () => {
    expect(parseConfiguration({ ...good, more: 1 })).toEqual(good);
  });

  it.each([
    ['no object', null, 'no object'],
    [
      'an identifier in upper case',
      { ...good, correlationId: good.correlationId.toUpperCase() },
      'correlationId',
    ],
    [
      'an identifier with more behind it',
      { ...good, correlationId: `${good.correlationId}\n` },
      'correlationId',
    ],
    ['no identifier', { ...good, correlationId: undefined }, 'correlationId'],
    ['no port', { ...good, ports: [] }, 'ports'],
    ['port 0', { ...good, ports: [0] }, 'ports'],
    ['port 65536', { ...good, ports: [65_536] }, 'ports'],
    ['half a port', { ...good, ports: [80.5] }, 'ports'],
    ['a port as text', { ...good, ports: ['80'] }, 'ports'],
    ['33 ports', { ...good, ports: Array.from({ length: 33 }, (_, n) => n + 1) }, 'ports'],
    ['no list', { ...good, ports: 10001 }, 'ports'],
    ['bindAll as text', { ...good, bindAll: 'yes' }, 'bindAll'],
  ])('is refused with %s, naming the field', (_, raw, field) => {
    expect(() => parseConfiguration(raw)).toThrow(TypeError);
    expect(() => parseConfiguration(raw)).toThrow(field);
  });

  it('never lets anything through that can not be bound', () => {
    fc.assert(
      fc.property(fc.anything(), fc.array(fc.anything()), (bindAll, ports) => {
        let parsed;
        try {
          parsed = parseConfiguration({ ...good, ports, bindAll });
        } catch (error) {
          return error instanceof TypeError;
        }
        return (
          typeof parsed.bindAll === 'boolean' &&
          parsed.ports.every((port) => Number.isInteger(port) && port > 0 && port < 65_536)
        );
      }),
    );
  });
});
