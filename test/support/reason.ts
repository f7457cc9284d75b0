import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/*
 * Why a test can't run here. The counts at the end of a run name what was skipped by its title alone, so the title has
 * to say what is missing and the one command that gives it:
 * it.skipIf(noRoot !== undefined)(`does something${because(noRoot)}`, …)
 */

/** What is missing, and how to have it; `undefined` where the test can run. */
export type Reason = string | undefined;

/** The end of a title: the reason in parentheses, or nothing. */
export function because(reason: Reason): string {
  return reason === undefined ? '' : ` (${reason})`;
}

/** A reason, unless `possible`. `command` is what a person types in the clone to have the test run. */
export function unless(possible: boolean, needs: string, command: string): Reason {
  return possible ? undefined : `needs ${needs}. To run it: ${command}`;
}

/** No rights over other users' files, mounts and processes. */
export const noRoot: Reason = unless(process.geteuid?.() === 0, 'root', 'sudo npm test');

/** Another system than Linux, and one without the ways of Unix. */
export const noLinux: Reason = unless(process.platform === 'linux', 'Linux', 'npm test, on Linux');
export const noUnix: Reason = unless(process.platform !== 'win32', 'Linux or macOS', 'npm test, there');

/** No Linux, or no rights there. */
export const noLinuxRoot: Reason = noLinux ?? noRoot;

/** A program that no directory of PATH has; `packageName` is Debian's name for what brings it. */
export function noProgram(program: string, packageName: string): Reason {
  const here = (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return unless(here, program, `apt-get install ${packageName} && npm test`);
}

/** A host that keeps no packages with dpkg: installing it there would give an empty database. */
export const noDpkg: Reason = unless(
  noProgram('dpkg-query', 'dpkg') === undefined,
  'dpkg',
  'npm test, on Debian or Ubuntu',
);

/** `unshare` with these options is refused, as it is without root and inside most containers. */
export function noNamespaces(options: readonly string[]): Reason {
  const { status } = spawnSync('unshare', [...options, 'true'], { stdio: 'ignore' });
  return (
    noLinuxRoot ?? unless(status === 0, 'the right to make namespaces', 'sudo npm test, outside a container')
  );
}
