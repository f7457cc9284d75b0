import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FimRuleParams } from '../../../shared/file-integrity.ts';
import { RuleSet } from '../rule-set.ts';
import { DirectoryCache } from './directory-cache.ts';
import { MountTable } from './mount-table.ts';
import { Scope } from './scope.ts';
import { touchedMounts } from './watched-mounts.ts';

type Rule = Partial<FimRuleParams> & { path: string };

const rules = (...list: Rule[]): RuleSet => rulesWith(undefined, ...list);
const rulesWith = (canary: string | undefined, ...list: Rule[]): RuleSet =>
  new RuleSet(
    list.map((rule, index) => ({ id: `${index}`, ...FimRuleParams.parse({ kind: 'directory', ...rule }) })),
    ['/var/lib/agent'],
    'linux',
    canary,
  );

describe('the scope', () => {
  const set = rulesWith(
    '/var/lib/agent/canary',
    { path: '/etc' },
    { path: '/data/deep/er', exclude: ['tmp'], depth: 2 },
    { path: '/var' },
  );

  it('asks for the canary among directories that are left out, and for nothing else there', () => {
    const scope = new Scope(set);
    expect(scope.interest('/var/lib/agent')).toEqual({ entries: 'named', names: new Set(['canary']) });
    expect(scope.roots()).toContain('/var/lib/agent/canary');
  });

  it('knows a directory from its parent as it would from its path', () => {
    const scope = new Scope(set);
    const name = fc.constantFrom('etc', 'data', 'deep', 'er', 'tmp', 'var', 'lib', 'agent', 'x');
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 6 }), (names) => {
        const last = names.at(-1) ?? '';
        const parent = `/${names.slice(0, -1).join('/')}`;
        const path = parent === '/' ? `/${last}` : `${parent}/${last}`;
        const [child] = scope.childOf([scope.view(parent)], last);
        expect(child).toEqual(scope.view(path));
      }),
    );
  });
});

describe('the mounts that rules touch', () => {
  const table = new MountTable(
    Buffer.from(
      `1 0 8:1 / / rw - ext4 a rw
2 1 8:2 / /home rw - ext4 b rw
3 1 0:5 / /data rw - xfs c rw
4 3 0:6 / /data/deep/er/sub rw - tmpfs d rw
5 3 0:7 / /data/deep/er/tmp rw - tmpfs d rw
6 1 0:8 / /usr rw - tmpfs d rw
`,
    ),
  );

  it('are those that hold a rule and those below one, but for what is left out', () => {
    const scope = new Scope(rules({ path: '/data/deep/er', exclude: ['tmp'] }));
    expect(touchedMounts(table, scope).map(({ point }) => point)).toEqual(['/data', '/data/deep/er/sub']);
    const all = new Scope(rules({ path: '/' }));
    expect(touchedMounts(table, all)).toHaveLength(6);
    const canary = new Scope(rulesWith('/home/canary', { path: '/data/deep/er/sub' }));
    expect(new Set(touchedMounts(table, canary).map(({ point }) => point))).toEqual(
      new Set(['/home', '/data/deep/er/sub']),
    );
  });
});

describe('the cache of directories', () => {
  it('never holds more than its limit, and keeps what is used', () => {
    const cache = new DirectoryCache(100);
    for (let n = 0; n < 10_000; n += 1) {
      cache.set(`${n}`, []);
      cache.get('0');
      expect(cache.size).toBeLessThanOrEqual(100);
    }
    expect(cache.get('0')).toEqual([]);
    expect(cache.get('1')).toBeUndefined();
    cache.clear();
    expect(cache.get('0')).toBeUndefined();
  });
});
