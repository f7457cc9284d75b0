import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FimEvent } from '../../src/shared/host-events.ts';
import { because, noLinuxRoot, noProgram } from '../support/reason.ts';
import { SensorProcess } from '../support/sensor-process.ts';
import { until } from '../support/until.ts';

const missing = noLinuxRoot ?? noProgram('update-alternatives', 'dpkg');

describe.skipIf(missing !== undefined)(`rules of single paths${because(missing)}`, () => {
  let dir: string;
  let sensor: SensorProcess;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'wayfarer-fim-rules-'));
    for (const name of ['sensor', 'releases', 'releases/1', 'releases/2', 'links', 'admin'])
      mkdirSync(join(dir, name));
  });
  afterEach(async () => {
    await sensor.stop();
    rmSync(dir, { recursive: true });
  });

  const watch = async (kind: string, name: string): Promise<void> => {
    const rule = { id: name, table: 'file_integrity', params: { kind, path: join(dir, name) } };
    sensor = await SensorProcess.start({ dataDir: join(dir, 'sensor'), fim: [rule] });
  };
  /** The next event is this one and no other; whoever lives for milliseconds need not be known, but nobody else may be named. */
  const expectTold = async (wanted: string, by: string): Promise<void> => {
    const events = await until('an event', () => (sensor.fim.length > 0 ? sensor.fim.splice(0) : undefined));
    expect(sensor.faults).toEqual([]);
    expect(events.map(brief)).toEqual([wanted]);
    expect([by, undefined]).toContain(actorOf(events[0]));
  };

  it('R200 R206 follow a symbolic link and not what it leads to', async () => {
    symlinkSync('releases/1', join(dir, 'current'));
    await watch('symlink', 'current');
    writeFileSync(join(dir, 'current/file'), 'below the target');
    execFileSync('ln', ['-sfn', 'releases/2', join(dir, 'current')]);
    await expectTold('updated current to releases/2', 'ln');
    execFileSync('rm', [join(dir, 'current')]);
    await expectTold('deleted current', 'rm');
  });

  it('R200 R206 follow a symbolic link that is there only later', async () => {
    await watch('symlink', 'editor');
    expect(sensor.state?.fim?.rules).toMatchObject([{ id: 'editor', state: 'absent' }]);
    const folders = ['--altdir', join(dir, 'links'), '--admindir', join(dir, 'admin')];
    const link = ['--install', join(dir, 'editor'), 'editor', join(dir, 'releases/1'), '1'];
    execFileSync('update-alternatives', ['--quiet', ...folders, '--log', '/dev/null', ...link]);
    await expectTold(`created editor to ${dir}/links/editor`, 'update-alternatives');
  });

  it('R200 R206 follow a file through every way of replacing it', async () => {
    writeFileSync(join(dir, 'settings'), 'first');
    await watch('file', 'settings');
    writeFileSync(join(dir, 'settings.new'), 'second');
    execFileSync('mv', [join(dir, 'settings.new'), join(dir, 'settings')]);
    await expectTold('updated settings', 'mv');
    execFileSync('sh', ['-c', 'echo third > settings'], { cwd: dir });
    await expectTold('updated settings', 'dash');
    execFileSync('rm', [join(dir, 'settings')]);
    await expectTold('deleted settings', 'rm');
  });

  function brief({ event, file }: FimEvent): string {
    const target = file.target_path === undefined ? '' : ` to ${file.target_path}`;
    return `${event.action} ${file.path.slice(dir.length + 1)}${target}`;
  }
});

function actorOf(event: FimEvent | undefined): string | undefined {
  const actor = event?.wayfarer.actor;
  return actor?.state === 'known' ? actor.process.name : undefined;
}
