import { describe, expect, it } from 'vitest';
import type { EventActor } from '../../../shared/host-events.ts';
import { ruleWith } from '../testing/fim-rules.ts';
import { chooseRule } from './rule-choice.ts';

const DPKG: EventActor = {
  state: 'known',
  process: { pid: 7, executable: '/usr/bin/dpkg' },
  user: { id: '0', name: 'root' },
};
const rule = ruleWith({ path: '/etc', excludeProcesses: ['/usr/bin/dpkg'] });
const change = (by: { actor: EventActor; isElsewhere?: boolean }, others: { actor: EventActor }[] = []) =>
  chooseRule([rule], { action: 'updated', changed: ['content'], wanted: ['content'], by, others }, 'linux')
    ?.rule.id;

describe('the rule that wants a change', () => {
  it('is none where everybody who took part is excluded', () => {
    expect(change({ actor: DPKG })).toBeUndefined();
    expect(change({ actor: DPKG }, [{ actor: DPKG }])).toBeUndefined();
    expect(change({ actor: DPKG }, [{ actor: { state: 'unknown', reason: 'gone' } }])).toBe(rule.id);
  });

  it('is there for a program that stands at an excluded path in a mount namespace of its own', () => {
    expect(change({ actor: DPKG, isElsewhere: true })).toBe(rule.id);
  });
});
