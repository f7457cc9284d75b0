import { describe, expect, it } from 'vitest';
import { attention, bad, good, skipped, sumUp } from '../health/health.ts';
import { formatHealth } from './format-health.ts';

describe('health in words', () => {
  it('begins with the verdict and the first next step, then says each check with its own', () => {
    const found = sumUp([
      good('service', 'runs'),
      attention('disk space', '100 MB free', 'Free space.'),
      bad('connection', 'no route', 'Check the network.'),
      skipped('clock', 'the service does not answer'),
    ]);
    expect(formatHealth(found).split('\n')).toEqual([
      'Needs attention',
      'Next step: Check the network.',
      '',
      'ok         service: runs',
      'attention  disk space: 100 MB free',
      '           → Free space.',
      'BAD        connection: no route',
      '           → Check the network.',
      '-          clock: not checked, the service does not answer',
      '',
    ]);
  });

  it('says no more than Good where all is', () => {
    expect(formatHealth(sumUp([good('service', 'runs')]))).toBe('Good\n\nok         service: runs\n');
  });

  it('lets nothing from the network steer the terminal', () => {
    const text = formatHealth(sumUp([bad('TLS', 'CN=a\u001b[2J', 'x\u202e')]));
    expect(text).toContain('CN=a?[2J');
    expect(text).toContain('→ x?');
  });
});
