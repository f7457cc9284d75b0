import { z } from 'zod';
import { ExitCode } from '../shared/exit-codes.ts';
import type { OnDemandType } from '../shared/scan.ts';
import { AGENT_VERSION } from '../shared/wire.ts';
import { Answer, answerOf } from './cli/answer.ts';
import { askForStatus, askInTurn, unready } from './cli/ask-in-turn.ts';
import { runTool } from './cli/run-tool.ts';
import { ControlClient } from './control/client.ts';
import type { Paths } from './host/paths.ts';

/* Entry point of `wayfarer-agent.sh`: the three commands of the runbook with the words that it waits for (R187–R189). */

const HELP = `wayfarer-agent.sh asks the Wayfarer agent of this host.

  wayfarer-agent.sh scan         scans for vulnerabilities now; compliance is not looked at
  wayfarer-agent.sh policy_eval  evaluates policies now (PC or SCA, and UDC, as they are active)
  wayfarer-agent.sh status       when the last assessment was; the time moves only when a scan ran

Results are on the platform, not here. Exit codes: 0 accepted, 1 failed, 2 usage, 3 refused, 4 not running,
5 not installed, 6 not registered, 7 no permission, 8 no answer in time.

Example:
  sudo wayfarer-agent.sh policy_eval
`;

/** What compliance comes from; the first two exclude each other on a host (R045). */
const COMPLIANCE: readonly OnDemandType[] = ['PolicyCompliance', 'SCA', 'UDC'];
const ASSESSMENTS: readonly OnDemandType[] = ['Vulnerability', ...COMPLIANCE];

/** All that `status` needs: whatever else an agent of another version says does not matter (R191). */
const Collected = z.object({
  types: z.record(z.string(), z.object({ collectedAt: z.iso.datetime().nullable().catch(null) })),
});

type Command = (paths: Paths) => Promise<void>;

const COMMANDS: Readonly<Record<string, Command>> = {
  scan: async (paths) => {
    await askInTurn(paths, ['Vulnerability'], undefined, () => undefined);
    say('Scan request submitted successfully');
  },
  policy_eval: policyEval,
  status: async (paths) => {
    const found = await new ControlClient(paths.readEndpoint).statusAs(Collected).catch((error: unknown) => {
      throw answerOf(error, paths);
    });
    const times = ASSESSMENTS.map((type) => found.types[type]?.collectedAt ?? '');
    const last = times.sort().at(-1) ?? '';
    say(`Last assessment: ${last === '' ? 'never' : last}`);
  },
};

/** Every compliance type that can be scanned, one after the other; without any the agent says why. */
async function policyEval(paths: Paths): Promise<void> {
  const status = await askForStatus(paths);
  const ready = COMPLIANCE.filter((type) => unready(status, type) === undefined);
  const first = COMPLIANCE.find((type) => status.types[type] !== undefined) ?? 'PolicyCompliance';
  let started = false;
  await askInTurn(paths, ready.length === 0 ? [first] : ready, undefined, () => {
    if (!started) say('Policy evaluation started');
    started = true;
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

await runTool('wayfarer-agent.sh', async (args, paths) => {
  if (args.some((arg) => /^(--help|-h)$/.test(arg))) {
    process.stdout.write(HELP);
    return;
  }
  if (args.length === 1 && args[0] === '--version') {
    say(AGENT_VERSION);
    return;
  }
  await commandOf(args)(paths);
});

/** `status` takes keys that it does not know and passes over them (R191); options that are none are still wrong. */
function commandOf([name = '', ...more]: readonly string[]): Command {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new Answer(ExitCode.usage, `give one of ${Object.keys(COMMANDS).join(', ')}`);
  }
  const left = name === 'status' ? more.filter((key) => key.startsWith('-')) : more;
  if (left.length > 0) throw new Answer(ExitCode.usage, `${name} takes no options`);
  return command;
}
