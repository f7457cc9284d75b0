import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { because, noNamespaces } from '../support/reason.ts';
import { CLONE } from '../support/run.ts';

const reason = noNamespaces(['--mount']);

/** Prints the offset in hours before and a minute after each change of the host's zone, by a clock of its own. */
const PROGRAM = `
import { rmSync, symlinkSync } from 'node:fs';
import { openLocalTime } from ${JSON.stringify(join(CLONE, 'src/main/host/local-time.ts'))};
delete process.env.TZ;
let now = Date.UTC(2026, 10, 27);
const { offsetAt } = openLocalTime(process.env, () => now);
const hours = [];
for (const zone of ['America/New_York', 'Asia/Kolkata', 'Europe/Berlin']) {
  rmSync('/etc/localtime', { force: true });
  symlinkSync('/usr/share/zoneinfo/' + zone, '/etc/localtime');
  now += 60_000;
  hours.push(offsetAt(now) / 3_600_000);
}
console.log(JSON.stringify(hours));
`;

describe.skipIf(reason !== undefined)(`the zone of a laptop that travels${because(reason)}`, () => {
  it('C12 is followed by a process that goes on, as /etc/localtime says', () => {
    const folder = mkdtempSync(join(tmpdir(), 'wf-travel-'));
    try {
      const program = join(folder, 'program.ts');
      writeFileSync(program, PROGRAM);
      // A copy of /etc in a mount namespace: the machine's own zone stays as it is.
      const script = 'cp -a /etc "$1/etc" && mount --bind "$1/etc" /etc && exec "$2" "$3"';
      const args = ['--mount', 'sh', '-c', script, 'sh', folder, process.execPath, program];
      expect(JSON.parse(execFileSync('unshare', args, { encoding: 'utf8' }))).toEqual([-5, 5.5, 1]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
