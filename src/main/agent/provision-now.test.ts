import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveSettings } from '../host/settings.ts';
import { refusal } from './testing/fake-platform.ts';
import { MINUTE, Rig } from './testing/rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig.dispose());

const attempts = (): number => rig.platform.of('provision').length;

describe('an attempt to register that an administrator asks for', () => {
  it('is made at once, and leaves the back-off as it was', async () => {
    const fail = refusal(403, 'KEY_UNKNOWN');
    rig.platform.twist('provision', { fail }, { fail }, { fail });
    await rig.start();
    expect(attempts()).toBe(1);
    expect(rig.core.provisionNow()).toMatchObject({ state: 'trying' });
    await rig.settle();
    expect(attempts()).toBe(2);
    await rig.pass(1.4 * MINUTE);
    expect(attempts()).toBe(2);
    await rig.pass(0.2 * MINUTE);
    expect(attempts()).toBe(3);
  });

  it('is not needed by an agent that is registered', async () => {
    await rig.start();
    expect(rig.core.provisionNow()).toEqual({ state: 'registered' });
  });

  it('is refused where settings are missing or wrong, naming them', async () => {
    const problem = { setting: 'CaFile', source: 'agent.conf:1', reason: 'x' };
    rig.settings = { ...resolveSettings([]), missing: ['CustomerId'], problems: [problem] };
    await rig.start();
    expect(rig.core.provisionNow()).toEqual({
      refused: 'NOT_CONFIGURED',
      reason: 'missing or not valid: CustomerId, CaFile',
    });
  });
});
