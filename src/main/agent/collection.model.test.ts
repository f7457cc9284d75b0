import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lost, refusal } from './testing/fake-platform.ts';
import { DAY, deb, MINUTE, Rig } from './testing/rig.ts';

type Happening =
  | { readonly kind: 'package'; readonly name: string; readonly version: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'kill' | 'stop' | 'collector dies' | 'clock back' }
  | { readonly kind: 'trouble'; readonly call: (typeof CALLS)[number]; readonly how: number };

const CALLS = [
  'provision',
  'heartbeat',
  'openUpload',
  'putChunk',
  'commit',
  'acknowledge',
  'manifest',
] as const;

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    kind: fc.constant('package' as const),
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    version: fc.nat(3),
  }),
  fc.record({
    kind: fc.constant('pass' as const),
    ms: fc.constantFrom(1, 1000, 10_000, MINUTE, 20 * MINUTE, DAY),
  }),
  fc.record({
    kind: fc.constantFrom('kill' as const, 'stop' as const, 'collector dies' as const, 'clock back' as const),
  }),
  fc.record({ kind: fc.constant('trouble' as const), call: fc.constantFrom(...CALLS), how: fc.nat(4) }),
);

async function happen(subject: Rig, { ...what }: Happening): Promise<void> {
  switch (what.kind) {
    case 'package': {
      const others = (subject.collector.host.get('Inventory') ?? []).filter(
        (item) => !item.key.endsWith(what.name),
      );
      const row = what.version === 0 ? [] : [deb(what.name, what.version)];
      subject.collector.host.set('Inventory', [...others, ...row]);
      subject.collector.changed();
      return;
    }
    case 'pass':
      return subject.pass(what.ms);
    case 'kill':
      await subject.kill();
      return subject.begin();
    case 'stop':
      await subject.stop();
      return subject.start();
    case 'collector dies':
      subject.collector.die();
      return;
    case 'clock back':
      return subject.jump(-3 * 60 * MINUTE);
    case 'trouble': {
      const fails = [lost, refusal(500, 'INTERNAL'), refusal(503, 'BUSY', 20), refusal(409, 'BASE_MISMATCH')];
      const fail = fails[what.how];
      subject.platform.twist(what.call, fail === undefined ? { lose: true } : { fail });
    }
  }
}

describe('whatever happens', () => {
  it(
    'R008 R219 R220 both sides are equal in the end, and nothing was committed twice',
    { timeout: 60_000 },
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(happening, { minLength: 3, maxLength: 25 }), async (script) => {
          const subject = new Rig();
          try {
            await subject.start();
            for (const what of script) await happen(subject, what);
            subject.platform.straighten();
            await subject.settle();
            await subject.pass(2 * DAY);
            expect(subject.inSync()).toBe(true);
            expect(subject.platform.agents.size).toBe(1);
            const { seq, root } = subject.facts.types.Inventory ?? {};
            const held = subject.platform.agent.snapshots.get('Inventory');
            expect(held?.seq).toBe(seq);
            expect(subject.core.context.store.snapshots.recomputeRoot('Inventory')).toBe(root);
            expect(subject.conditions).toEqual([]);
          } finally {
            await subject.dispose();
          }
        }),
        { numRuns: 25 },
      ),
  );
});
