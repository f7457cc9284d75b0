import { describe, expect, it } from 'vitest';
import { onDemandType } from './scan.ts';

describe('the name of a type', () => {
  it('R173 may be the short or the long one, in any case', () => {
    expect(['vm', 'PC', 'Inv', 'udc', 'sca'].map(onDemandType)).toEqual([
      'Vulnerability',
      'PolicyCompliance',
      'Inventory',
      'UDC',
      'SCA',
    ]);
    expect(['vulnerability', 'POLICYCOMPLIANCE', 'Inventory'].map(onDemandType)).toEqual([
      'Vulnerability',
      'PolicyCompliance',
      'Inventory',
    ]);
  });

  it('is none where it is unknown, or a type that nobody can ask for', () => {
    expect(['', 'FIM', 'vmpc', 'toString', '__proto__'].map(onDemandType)).toEqual(Array(5).fill(undefined));
  });
});
