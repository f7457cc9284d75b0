import { Command } from 'commander';
import { AGENT_VERSION } from '../../shared/wire.ts';
import type { Paths } from '../host/paths.ts';
import { addCompletion } from './completion.ts';
import { addConfig } from './config.ts';
import { addDiagnostics } from './diagnostics.ts';
import { addEvents } from './events.ts';
import { addHealth } from './health.ts';
import { addLogs } from './logs.ts';
import { addModules } from './modules.ts';
import { addPrepareImage } from './prepare-image.ts';
import { addProfile } from './profile.ts';
import { addProvision } from './provision.ts';
import { addProxy } from './proxy.ts';
import { addScan } from './scan.ts';
import { addStatus } from './status.ts';
import { addUninstall } from './uninstall.ts';

/** All commands of `wayfarerctl`: what is run, and what completions and the man page are made from. */
export function buildProgram(paths: Paths): Command {
  const program = new Command('wayfarerctl')
    .description('Asks the Wayfarer agent of this host.')
    .version(AGENT_VERSION)
    .exitOverride()
    .showHelpAfterError('(wayfarerctl --help lists the commands)')
    .addHelpText(
      'after',
      `
Examples:
  wayfarerctl status             what the agent does, in words
  wayfarerctl status --json      the same for a program
  wayfarerctl health             whether all is well, and what to do if not
  wayfarerctl scan vm --wait     scan for vulnerabilities now, until the platform has the result
  wayfarerctl proxy test         every way to the platform, and what it answers
  wayfarerctl config check       whether every line of agent.conf says what it should
  wayfarerctl diagnostics        one archive for support, without secrets

Exit codes: 0 running and registered, 1 failed, 2 usage, 3 refused, 4 installed but not running,
5 not installed, 6 not registered with a platform, 7 no permission, 8 timeout.`,
    );
  addStatus(program, paths);
  addHealth(program, paths);
  addScan(program, paths);
  addModules(program, paths);
  addProfile(program, paths);
  addEvents(program, paths);
  addLogs(program, paths);
  addDiagnostics(program, paths);
  addProxy(program, paths);
  addConfig(program, paths);
  addProvision(program, paths);
  addPrepareImage(program, paths);
  addUninstall(program, paths);
  addCompletion(program);
  return program;
}
