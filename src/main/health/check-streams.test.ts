import { describe, expect, it } from 'vitest';
import { STATUS } from '../../../test/support/agent-status.ts';
import type { AgentStatus, SensorStatus, TypeStatus } from '../../shared/status.ts';
import { checkStreams } from './check-streams.ts';

const type: TypeStatus = {
  manifestVersion: 1,
  seq: 0,
  root: null,
  rows: 0,
  tables: {},
  collectedAt: null,
  uploadedAt: null,
  processedAt: null,
  nextDueAt: null,
  intervalMin: 240,
  spreadMin: 0,
  demand: null,
};
const on = { ...STATUS.sensor.streams.fim, on: true };
const sensor: SensorStatus = { ...STATUS.sensor, state: 'running', streams: { fim: on, edr: on } };
const check = (change: Partial<AgentStatus>) =>
  checkStreams({ ...STATUS, types: { FIM: type }, sensor, ...change });

describe('R207 whether what is to be watched is', () => {
  it('asks nothing of a host without these modules', () => {
    expect(check({ types: {} })).toEqual([]);
  });

  it('is well when the sensor runs, and when the profile has it off', () => {
    expect(check({})).toMatchObject([{ name: 'watch FIM', state: 'good', nextStep: null }]);
    expect(check({ sensor: STATUS.sensor })).toMatchObject([{ state: 'good' }]);
  });

  it.each<[string, Partial<AgentStatus>, RegExp]>([
    ['no manifest', { types: { FIM: { ...type, manifestVersion: null } } }, /no manifest/],
    ['a sensor that is down', { sensor: { ...sensor, state: 'down' } }, /the sensor is down/],
    [
      'a condition',
      {
        conditions: [
          {
            code: 'FIM_INCOMPLETE',
            severity: 'warning',
            title: 'A part is not watched',
            text: 'do this',
            since: STATUS.since,
            stopsUploads: false,
          },
        ],
      },
      /A part is not watched/,
    ],
  ])('needs attention for %s', (_, change, detail) => {
    const [found] = check(change);
    expect(found).toMatchObject({ state: 'attention' });
    expect(JSON.stringify(found)).toMatch(detail);
  });
});
