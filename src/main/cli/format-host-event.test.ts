import { describe, expect, it } from 'vitest';
import { Chain, edrEvent } from '../../../test/support/sealed-events.ts';
import { EdrEvent } from '../../shared/host-events.ts';
import type { UnsealedEdrEvent } from '../../wire/event-chain.ts';
import { hostEventLine } from './format-host-event.ts';

/** The line without its time. */
const lineOf = (event: UnsealedEdrEvent): string =>
  hostEventLine(EdrEvent.parse(JSON.parse(new Chain().seal(event)))).replace(/^.*? {2}/, '');

describe('the line of an event of processes', () => {
  it('R201 names a mutex, and why nobody is known', () => {
    const { process: _none, user: _nobody, event, ...rest } = edrEvent();
    const item = '\\BaseNamedObjects\\Worm';
    expect(
      lineOf({
        ...rest,
        event: { ...event, action: 'mutex_created' },
        wayfarer: { severity: 'critical', item, reason: 'not told' },
      }),
    ).toBe('mutex_created \\BaseNamedObjects\\Worm, unknown: not told, rule process-events, critical');
  });

  it('R201 names a socket that listens, and who holds it', () => {
    const { event } = edrEvent();
    const server = { address: '::1', port: 8080, transport: 'tcp' } as const;
    expect(lineOf(edrEvent({ event: { ...event, action: 'listener_opened' }, server }))).toBe(
      'listener_opened tcp ::1:8080 curl https://example.org  curl 815 from systemd 1, alice, rule process-events, low',
    );
  });
});
