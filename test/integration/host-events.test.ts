import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EdrEvent, FimEvent } from '../../src/shared/host-events.ts';
import { because, noLinuxRoot } from '../support/reason.ts';
import { runNode } from '../support/run.ts';
import { WatchedSite } from '../support/watched-site.ts';

/** Runs a program of the system as a person at the laptop would: it lives long enough for everybody to know who it is. */
const work = (script: string): void => {
  execFileSync('/bin/sh', ['-euc', `sleep 0.1; ${script}; sleep 0.1`], { stdio: 'ignore' });
};

describe.skipIf(noLinuxRoot !== undefined)(
  `changes of files and processes, from the kernel to the platform${because(noLinuxRoot)}`,
  () => {
    const watched = new WatchedSite();
    const { site, dir, tree } = watched;

    /** Events as `wayfarer-platform events` prints them, the newest first. */
    const events = async (...args: string[]): Promise<unknown[]> => {
      const { stdout, stderr, code } = await runNode(
        ['src/platform/cli.ts', '--json', 'events', 'list', '--limit', '1000', ...args],
        site.environment,
      );
      if (code !== 0) throw new Error(stderr);
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown);
    };
    const changes = async (path: string): Promise<FimEvent[]> =>
      (await events('--stream', 'fim', '--path', path)).map((event) => FimEvent.parse(event));
    const change = (path: string, is: (event: FimEvent) => boolean): Promise<FimEvent> =>
      site.until(`an event of ${path}`, async () => (await changes(path)).find(is));

    beforeAll(() =>
      watched.start([
        { id: 'programs', table: 'process_events', params: { include: [join(dir, 'bin/*')] } },
        { id: 'suspect', table: 'dropped_executables', params: { paths: [join(dir, 'drop')] } },
      ]),
    );
    afterAll(() => watched.close());

    it('R199 R200 R206 a change of a watched file is with the platform, with what changed and who did it', async () => {
      work(`echo more >> ${tree}/kept; chmod 600 ${tree}/kept`);
      const updated = await change(join(tree, 'kept'), ({ event }) => event.action === 'updated');
      expect(updated.wayfarer).toMatchObject({
        detected: 'live',
        severity: 'high',
        actor: { state: 'known', process: { executable: '/usr/bin/dash' }, user: { id: '0', name: 'root' } },
      });
      expect(updated.wayfarer.changed).toContain('content');
      expect(updated.wayfarer.diff).toContain('+more');
      expect(updated.rule.id).toBe('tree');
    });

    it('R201 a program that is started and a file that is dropped are with the platform', async () => {
      mkdirSync(join(dir, 'bin'));
      mkdirSync(join(dir, 'drop'), { recursive: true });
      // Several starts, so that the payload is full and leaves before its time.
      const starts = `${dir}/bin/odd 0.3; `.repeat(4);
      work(`cp /bin/sleep ${dir}/bin/odd; cp /bin/true ${dir}/drop/tool; ${starts}true`);
      const found = await site.until('both events', async () => {
        const all = (await events('--stream', 'edr')).map((event) => EdrEvent.parse(event));
        const started = all.find(
          ({ event, process: { executable } = {} }) =>
            event.action === 'process_started' && executable === join(dir, 'bin/odd'),
        );
        const dropped = all.find(({ event }) => event.action === 'executable_dropped');
        return started === undefined || dropped === undefined ? undefined : { started, dropped };
      });
      expect(found.started.process).toMatchObject({
        executable: join(dir, 'bin/odd'),
        command_line: `${dir}/bin/odd 0.3`,
        parent: { executable: '/usr/bin/dash' },
      });
      expect(found.dropped.file?.path).toBe(join(dir, 'drop/tool'));
    });

    it('status and events of wayfarerctl say it for people', async () => {
      const { stdout } = await site.ctl('status');
      expect(stdout).toMatch(/1 of 1 rules?/);
      const shown = await site.ctl('events', '--stream', 'fim', '--path', `${tree}/*`);
      expect(shown.stdout).toContain(join(tree, 'kept'));
      expect(shown.stdout).toContain('dash');
    });

    it('R200 what happens while the agent is gone is found when it is back, and nothing is told twice', async () => {
      await site.end('agent', 'SIGKILL');
      work(`echo new > ${tree}/meanwhile; rm ${tree}/kept`);
      watched.startAgent();
      const created = await change(join(tree, 'meanwhile'), ({ event }) => event.action === 'created');
      expect(created.wayfarer).toMatchObject({ detected: 'baseline', actor: { state: 'unknown' } });
      await change(join(tree, 'kept'), ({ event }) => event.action === 'deleted');
      const all = await changes(tree);
      expect(new Set(all.map(({ event }) => event.id)).size).toBe(all.length);
      expect(
        all.filter(({ file, event }) => file.path.endsWith('/meanwhile') && event.action === 'created'),
      ).toHaveLength(1);
    });

    it('a killed sensor is started again, and its chain goes on', async () => {
      await watched.watching();
      const { sensor } = await site.status();
      process.kill(sensor.pid ?? 0, 'SIGKILL');
      work(`echo gone > ${tree}/during`);
      await change(join(tree, 'during'), ({ event }) => event.action === 'created');
      const again = await site.status();
      expect(again.sensor.pid).not.toBe(sensor.pid);
      expect(again.sensor.restarts).toBeGreaterThanOrEqual(1);
      const verified = await runNode(['src/platform/cli.ts', 'events', 'verify'], site.environment);
      expect(verified.stdout + verified.stderr).not.toMatch(/broken/i);
      expect(verified.code).toBe(0);
    });

    it('R202 R207 nothing is watched any more once the profile switches it off', async () => {
      await watched.profile('fimEnabled=false', 'edrEnabled=false');
      await site.until('no sensor runs', async () =>
        (await site.status()).sensor.pid === null ? true : undefined,
      );
    });
  },
);
