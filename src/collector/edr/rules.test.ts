import { describe, expect, it } from 'vitest';
import { edrRules, processRule } from './rules.ts';

const ruleOf = (params: Record<string, string | string[] | boolean>) => {
  const [rule] = edrRules([
    { id: 'p', table: 'process_events', params: { severity: 'low', ...params } },
  ]).process;
  if (rule === undefined) throw new Error('refused');
  return processRule(rule);
};
const at = (path: string, isPlaced = true) => ({ path, isPlaced });
const ADA = { id: '1000', name: 'ada' };

describe('a rule of process events', () => {
  it('R201 wants what it includes and does not exclude, by path or by name', () => {
    const { wants } = ruleOf({ include: ['/opt/*/*', 'curl'], exclude: ['*.sh'] });
    const paths = ['/opt/a/b', '/usr/bin/curl', '/opt/a/c.sh', '/usr/bin/wget'];
    expect(paths.map((path) => wants(at(path), ADA))).toEqual([true, true, false, false]);
  });

  it('excludes users by number and by name, and wants what it can not know', () => {
    const { wants } = ruleOf({ excludeUsers: ['ada', '33'], include: ['/opt/*'] });
    expect(
      [ADA, { id: '33' }, { id: '0', name: 'root' }, undefined].map((user) => wants(at('/opt/x'), user)),
    ).toEqual([false, false, true, true]);
    expect(wants(undefined, undefined)).toBe(true);
  });

  it('is not to be escaped by a program that stands at an excluded path in a mount namespace of its own', () => {
    const { wants } = ruleOf({ include: ['/opt/*'], exclude: ['/usr/bin/dpkg'] });
    expect(wants(at('/usr/bin/dpkg'), ADA)).toBe(false);
    expect(wants(at('/usr/bin/dpkg', false), ADA)).toBe(true);
    expect(ruleOf({ exclude: ['/usr/bin/dpkg'] }).wants(at('/usr/bin/dpkg', false), ADA)).toBe(true);
  });

  it('is refused with the reason where its parameters or its table are none', () => {
    const { refused } = edrRules([
      { id: 'a', table: 'process_events', params: { severity: 'loud' } },
      { id: 'b', table: 'no_events', params: {} },
    ]);
    expect(refused).toMatchObject([
      { id: 'b', reason: 'no table no_events of process events' },
      { id: 'a', reason: expect.stringContaining('parameters refused') as string },
    ]);
  });
});
