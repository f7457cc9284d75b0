import type { DemandedScan, OnDemandType } from '../shared/scan.ts';
import { ON_DEMAND_TYPES } from '../shared/scan.ts';
import type { AgentStatus } from '../shared/status.ts';
import { AGENT_VERSION } from '../shared/wire.ts';
import { askForStatus, askInTurn } from './cli/ask-in-turn.ts';
import { harmless } from './cli/harmless.ts';
import { runTool } from './cli/run-tool.ts';
import { parseCloudAgentCall } from './cloudagentctl-call.ts';

/*
 * Entry point of `cloudagentctl.sh`: scans on demand in the dialect that administrators' scripts know. A client of the
 * control channel; a call that is not valid as a whole asks for nothing.
 */

const HELP = `cloudagentctl.sh has the Wayfarer agent of this host scan now, whatever the interval says.

  cloudagentctl.sh action=demand type=vm|pc|inv|udc|sca|vmpc [cputhrottle=0..1000]
  cloudagentctl.sh action=show [type=vm|pc|inv|udc|sca|vmpc]
  cloudagentctl.sh show [type=...]

  action=demand  prints the control id of the scan that was accepted, for vmpc one id a line
  action=show    the last scan of a type that was asked for: control id, state, times
  type=vmpc      vm, and pc when the upload of vm is done
  cputhrottle    0 for a whole core, 1 to 10 for 20 %, 11 to 20 for 10 %, above for 5 % of a core

More of a core than the configuration profile allows is for root alone. Results are on the platform, not here.
Exit codes: 0 accepted, 1 failed, 2 usage, 3 refused, 4 not running, 5 not installed, 6 not registered,
7 needs root, 8 no answer in time.

Examples:
  cloudagentctl.sh action=demand type=vm
  cloudagentctl.sh action=demand type=vmpc cputhrottle=0
  cloudagentctl.sh show type=vm
`;

await runTool('cloudagentctl.sh', async (args, paths) => {
  const call = parseCloudAgentCall(args);
  switch (call.kind) {
    case 'help':
      process.stdout.write(HELP);
      return;
    case 'version':
      process.stdout.write(`${AGENT_VERSION}\n`);
      return;
    case 'demand':
      await askInTurn(paths, call.types, call.cpuLimitPct, ({ controlId }) => {
        process.stdout.write(`${controlId}\n`);
      });
      return;
    case 'show': {
      const status = await askForStatus(paths);
      process.stdout.write(`${call.types.map((type) => describe(type, status)).join('\n\n')}\n`);
    }
  }
});

/** The last scan of a type that was asked for; nothing of what it found (R194). */
function describe(type: OnDemandType, { types }: AgentStatus): string {
  const short = Object.entries(ON_DEMAND_TYPES).find(([, long]) => long === type)?.[0] ?? '';
  const known = types[type];
  const told = known === undefined ? ['state: not active on this host'] : linesOf(known.demand);
  return [`type: ${short} (${type})`, ...told].map(harmless).join('\n');
}

function linesOf(demand: DemandedScan | null): string[] {
  if (demand === null) return ['state: never asked for'];
  const { controlId, state, requestedAt, startedAt, endedAt, reason } = demand;
  return [
    `control id: ${controlId}`,
    `state: ${state}`,
    `requested: ${requestedAt}`,
    `started: ${startedAt ?? 'not yet'}`,
    `ended: ${endedAt ?? 'not yet'}`,
    ...(reason === '' ? [] : [`reason: ${reason}`]),
  ];
}
