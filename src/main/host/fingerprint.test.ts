import { hostname, networkInterfaces } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostFacts } from '../../shared/wire.ts';
import { fingerprintOf, linuxFingerprintSources, type FingerprintSources } from './fingerprint.ts';
import { readHostFacts } from './host-facts.ts';

const SOURCES = {
  machineId: 'd2a5f0f7c1b94e6c8e3f5b7a9c1d3e5f',
  systemUuid: '4C4C4544-0042-3510-8052-B4C04F4E3232',
  systemSerial: 'B5R2N22',
};

describe('the hardware fingerprint', () => {
  it('R013 does not change with host name, addresses or network cards', async () => {
    const before = await readHostFacts();
    const card = {
      address: '192.0.2.7',
      netmask: '255.255.255.0',
      family: 'IPv4',
      mac: '02:00:00:00:00:07',
      internal: false,
      cidr: null,
    } as const;
    const after = await readHostFacts({
      hostname: () => 'another.example.com',
      networkInterfaces: () => ({ wlan9: [card] }),
    });
    expect(after).toMatchObject({ ips: ['192.0.2.7'], macs: ['02:00:00:00:00:07'], netbios: 'ANOTHER' });
    expect(after.fingerprint).toBe(before.fingerprint);
  });

  it('changes with every single source', () => {
    const whole = fingerprintOf(SOURCES).fingerprint;
    const others = Object.keys(SOURCES).map(
      (name) => fingerprintOf({ ...SOURCES, [name]: 'b1' }).fingerprint,
    );
    expect(new Set([whole, ...others]).size).toBe(4);
  });

  it('does not depend on order, case or blanks', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(Object.entries(SOURCES), { minLength: 3 }), (entries) => {
        const written = entries.map(([name, value]) => [name, ` ${value.toUpperCase()}\n`]);
        expect(fingerprintOf(Object.fromEntries(written) as FingerprintSources)).toEqual(
          fingerprintOf(SOURCES),
        );
      }),
    );
  });

  it.each([
    '',
    '0',
    '00000000-0000-0000-0000-000000000000',
    'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
    '03000200-0400-0500-0006-000700080009',
    'To Be Filled By O.E.M.',
    'Default string',
    'System Serial Number',
    'Not Specified',
    'N/A',
    'None',
    'O.E.M.',
    '0123456789',
    'uninitialized',
    'xxxxxxxxxx',
  ])('leaves out a value that says nothing: %j', (value) => {
    expect(fingerprintOf({ ...SOURCES, systemSerial: value })).toEqual(
      fingerprintOf({ machineId: SOURCES.machineId, systemUuid: SOURCES.systemUuid }),
    );
  });

  it.each(['0F', 'FF01', 'NONE-1', '1234567', 'PF0123456789'])(
    'takes a short but real value: %s',
    (value) => {
      expect(fingerprintOf({ systemSerial: value }).sources).toEqual(['systemSerial']);
    },
  );

  it('names the sources that it was made of', () => {
    expect(fingerprintOf(SOURCES).sources).toEqual(['machineId', 'systemSerial', 'systemUuid']);
    expect(fingerprintOf({ machineId: SOURCES.machineId, systemUuid: undefined }).sources).toEqual([
      'machineId',
    ]);
    expect(fingerprintOf({}).sources).toEqual([]);
  });

  it('is read on Linux from machine-id and DMI', () => {
    const files: Record<string, string> = {
      '/etc/machine-id': SOURCES.machineId,
      '/sys/class/dmi/id/product_uuid': SOURCES.systemUuid,
    };
    expect(linuxFingerprintSources((path) => files[path])).toEqual({
      machineId: SOURCES.machineId,
      systemUuid: SOURCES.systemUuid,
      systemSerial: undefined,
    });
  });
});

describe('the facts of the host', () => {
  it('are what the protocol takes, on this host', async () => {
    expect(HostFacts.parse(await readHostFacts())).toMatchObject({ hostname: hostname() });
  });

  it('are there without addresses when the kernel may not be asked', async () => {
    const refused = () => {
      throw new Error('uv_interface_addresses returned Unknown system error 97');
    };
    const facts = await readHostFacts({ hostname, networkInterfaces: refused });
    expect(facts).toMatchObject({ ips: [], macs: [] });
  });

  it('stay within the bounds of the protocol for a name as long as the system allows', async () => {
    const facts = await readHostFacts({ hostname: () => 'h'.repeat(300), networkInterfaces });
    expect(HostFacts.safeParse(facts).success).toBe(true);
  });
});
