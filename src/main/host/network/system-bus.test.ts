import { describe, expect, it } from 'vitest';
import { busSocket, SystemBus } from './system-bus.ts';
import { FakeTime } from './testing/fake-time.ts';

describe('the address of the system bus', () => {
  it.each([
    ['unix:path=/run/dbus/system_bus_socket', '/run/dbus/system_bus_socket'],
    ['unix:path=/tmp/a%20b%2c,guid=0123', '/tmp/a b,'],
    ['unix:guid=0123,path=/tmp/bus', '/tmp/bus'],
    ['unix:abstract=/tmp/bus', '\0/tmp/bus'],
    ['tcp:host=127.0.0.1,port=1;unix:path=/tmp/bus', '/tmp/bus'],
  ])('%s names a Unix socket', (address, socket) => {
    expect(busSocket(address)).toBe(socket);
  });

  it.each([
    'unixexec:path=/bin/sh,argv1=-c',
    'tcp:host=127.0.0.1,port=1',
    'autolaunch:',
    'unix:tmpdir=/tmp',
    'unix:path=%zz',
    '/run/bus',
    '',
  ])('%s starts no program and connects to nothing', (address) => {
    expect(busSocket(address)).toBeUndefined();
  });
});

describe('a system bus that is not there', () => {
  it('is tried again after 1, 2, 4 s and so on up to a minute, and not after the end', async () => {
    const time = new FakeTime();
    const told: unknown[] = [];
    const bus = new SystemBus(time.clock, 'tcp:host=127.0.0.1,port=1');
    await bus.start({
      suspending: () => told.push('suspending'),
      woke: () => told.push('woke'),
      metered: (metered) => told.push(metered),
      up: () => told.push('up'),
      down: (reason) => told.push(reason),
    });
    expect(told).toEqual(['its address names no Unix socket']);
    const pauses: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      pauses.push((time.clock.nextAt ?? 0) - time.clock.now());
      await time.pass(pauses.at(-1) ?? 0);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    expect(told[1]).toBe('its address names no Unix socket');
    expect(told[2]).toBe('unknown');
    await bus.stop();
    expect(time.clock.nextAt).toBeUndefined();
  });
});
