import { beforeAll, describe, expect, it } from 'vitest';
import { drain, type DrainReport } from '../support/drain.ts';

const RECORDS = 100_000;
const THROTTLE_KBPS = 256;

describe('100,000 records queued off-line and drained through 256 KB/s', () => {
  let report: DrainReport;

  beforeAll(async () => {
    report = await drain({ records: RECORDS, throttleKbps: THROTTLE_KBPS });
    const { queuedBytes, queueSec, drainSec, kbPerSec, startMb, peakMb } = report;
    console.log(
      [
        `queued ${String(RECORDS)} records, ${(queuedBytes / 1e6).toFixed(1)} MB, in ${queueSec.toFixed(1)} s`,
        `drained in ${drainSec.toFixed(1)} s, ${kbPerSec.toFixed(0)} KB/s of a throttle of ${String(THROTTLE_KBPS)}`,
        `agent ${startMb.toFixed(0)} MB at the start of the drain, ${peakMb.toFixed(0)} MB at most`,
      ].join('\n'),
    );
  }, 30 * 60_000);

  it('R008 arrive all, in their order, none of them twice', () => {
    expect(report.arrived).toHaveLength(RECORDS);
    expect(report.arrived.findIndex((number, n) => number !== n)).toBe(-1);
  });

  it('R145 leave no faster than the throttle', () => {
    expect(report.kbPerSec).toBeLessThanOrEqual(THROTTLE_KBPS * 1.05);
  });

  it('cost the agent no memory that grows with them', () => {
    expect(report.peakMb - report.startMb).toBeLessThan(40);
  });
});
