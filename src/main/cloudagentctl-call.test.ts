import { describe, expect, it } from 'vitest';
import { ExitCode } from '../shared/exit-codes.ts';
import { parseCloudAgentCall } from './cloudagentctl-call.ts';

const parse = (line: string) => parseCloudAgentCall(line.split(' ').filter((word) => word !== ''));
const demand = (types: string[], cpuLimitPct?: number) => ({ kind: 'demand', types, cpuLimitPct });

describe('a call of cloudagentctl.sh', () => {
  it.each([
    ['action=demand type=vm', demand(['Vulnerability'])],
    ['action={demand} type=vm', demand(['Vulnerability'])],
    ['type=PC ACTION=Demand', demand(['PolicyCompliance'])],
    ['action=demand type=vmpc', demand(['Vulnerability', 'PolicyCompliance'])],
    ['action=show type=inv', { kind: 'show', types: ['Inventory'] }],
    ['show type=udc', { kind: 'show', types: ['UDC'] }],
    ['show', { kind: 'show', types: ['Inventory', 'Vulnerability', 'PolicyCompliance', 'UDC', 'SCA'] }],
    ['--help', { kind: 'help' }],
    ['--version', { kind: 'version' }],
  ])('R173 R186 is understood: %s', (line, call) => {
    expect(parse(line)).toEqual(call);
  });

  it.each([
    [0, 100],
    [1, 20],
    [10, 20],
    [11, 10],
    [20, 10],
    [21, 5],
    [1000, 5],
  ])('R149 turns a throttle of %i ms into %i %% of a core', (ms, share) => {
    expect(parse(`action=demand type=sca cputhrottle=${ms}`)).toEqual(demand(['SCA'], share));
  });

  it.each([
    '',
    'action=demand',
    'type=vm',
    'action=scan type=vm',
    'action=demand type=fim',
    'action=demand type=__proto__',
    'action=demand type=',
    'action=demand type=vm type=pc',
    'action=demand action=demand type=vm',
    'show action=demand type=vm',
    'show action=show',
    'action=show cputhrottle=5',
    'action=demand type=vm cputhrottle=1001',
    'action=demand type=vm cputhrottle=-1',
    'action=demand type=vm cputhrottle=',
    'action=demand type=vm cputhrottle=1e2',
    'action=demand type=vm qid=105015',
    'demand vm',
    '--version type=vm',
  ])('R193 is refused as a whole: %s', (line) => {
    expect(() => parse(line)).toThrow(expect.objectContaining({ exitCode: ExitCode.usage }) as Error);
  });
});
