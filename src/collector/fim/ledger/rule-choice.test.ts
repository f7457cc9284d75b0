import { describe, expect, it } from 'vitest';
import type { FimRule } from '../../../shared/file-integrity.ts';
import type { EventActor } from '../../../shared/host-events.ts';
import type { Os } from '../../table.ts';
import { ruleWith } from '../testing/fim-rules.ts';
import { chooseRule, chooseRuleOfMove } from './rule-choice.ts';

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

  it('is there for a program of which no path is known', () => {
    expect(change({ actor: { state: 'known', process: { pid: 7 } } })).toBe(rule.id);
  });

  it.each<[Os, string, string, boolean]>([
    ['win32', 'C:\\Windows\\*.exe', 'c:\\WINDOWS\\Explorer.EXE', true],
    ['win32', 'c:\\windows\\*.EXE', 'C:\\Windows\\explorer.exe', true],
    ['win32', 'C:\\Windows\\*.exe', 'C:\\Windows\\System32\\cmd.exe', false],
    ['linux', '/usr/bin/dpkg', '/usr/bin/DPKG', false],
    ['linux', '/usr/bin/DPKG', '/usr/bin/dpkg', false],
  ])(
    'takes notice of case where the system does: on %s %s excludes %s: %s',
    (os, pattern, executable, excluded) => {
      const excluding = ruleWith({ path: '/etc', excludeProcesses: [pattern] });
      const by = { actor: { state: 'known', process: { pid: 7, executable } } } as const;
      const part = { action: 'updated', changed: [], wanted: ['content'], by, others: [] } as const;
      expect(chooseRule([excluding], part, os) === undefined).toBe(excluded);
    },
  );
});

describe('the rule that wants a move', () => {
  const [mild, grave] = [
    ruleWith({ id: 'mild', path: '/etc', severity: 'low' }),
    ruleWith({ id: 'grave', path: '/etc/ssh', severity: 'critical' }),
  ];
  const told = (
    old: FimRule[],
    now: FimRule[],
    action: 'moved' | 'updated' = 'moved',
  ): string | undefined => {
    const part = { action, changed: ['path'], wanted: ['rename'], by: { actor: DPKG }, others: [] } as const;
    const choice = chooseRuleOfMove({ old, now }, part, 'linux');
    return choice && `${choice.as}: ${choice.severity}, ${choice.rule.id}`;
  };
  const wanting = (one: FimRule, ...events: FimRule['events']): FimRule => ({ ...one, events });

  it('R206 is the first where both paths have the same rules, with the severity of the gravest', () => {
    expect(told([mild, grave], [mild, grave])).toBe('move: critical, mild');
  });

  it('R200 R206 is one of the old path that wants to hear of moves and not of deletions', () => {
    expect(told([wanting(grave, 'rename')], [])).toBe('move: critical, grave');
    expect(told([wanting(grave, 'delete')], [])).toBe('deletion: critical, grave');
  });

  it('R200 R206 is none that wants what is new, where another file stood in the place', () => {
    expect(told([], [wanting(grave, 'create')])).toBe('creation: critical, grave');
    expect(told([], [wanting(grave, 'create')], 'updated')).toBeUndefined();
  });
});
