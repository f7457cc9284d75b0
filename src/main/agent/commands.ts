import { z } from 'zod';
import {
  isManifestType,
  isModule,
  isStreamType,
  MANIFEST_TYPES,
  moduleConflict,
  type ManifestType,
} from '../../shared/modules.ts';
import { ScanRequest } from '../../shared/scan.ts';
import { COMMAND_RESULTS, type Command, type CommandResult as Result } from '../../shared/wire.ts';
import type { Context } from './context.ts';
import { demandScan } from './demand.ts';
import { overrideLevel } from './log-level.ts';
import { wantLogs } from './logs-upload.ts';
import { setModules } from './modules.ts';
import { recordCommand } from './records.ts';
import { wantReprovision } from './reprovision.ts';
import { scorch } from './sync-check.ts';
import { wantUninstall } from './uninstall-marker.ts';

const CommandResult = z.enum(COMMAND_RESULTS);

/** Arguments of SCAN_NOW: what `POST /v1/scan` takes; the vulnerability scan is what an administrator means by "scan". */
const ScanNow = ScanRequest.partial({ type: true }).transform((args) => ({
  ...args,
  type: args.type ?? 'Vulnerability',
}));

/** What came of a command. */
interface Outcome {
  readonly result: Result;
  readonly detail?: string;
}

/** `later`: what was begun acknowledges the command itself when it has ended. */
type Execute = (context: Context, command: Command) => Outcome | 'later';

const done: Outcome = { result: 'DONE' };
const refused = (detail: string): Outcome => ({ result: 'REFUSED', detail });

/** The commands of this build; every other one is acknowledged `UNSUPPORTED`. There is no shell among them, on purpose. */
const COMMANDS: Readonly<Record<string, Execute>> = {
  RESYNC: (context, command) => {
    const types = typesOf(context, command);
    if (types === undefined) return refused('args.types must name active manifest types that are scanned');
    scorch(context, types, 'the platform asked for it');
    return done;
  },
  SYNC_CHECK: (context) => {
    context.update({ syncCheckWanted: true });
    return done;
  },
  ACTIVATE: (context, command) => changeModules(context, command, (modules, module) => [...modules, module]),
  DEACTIVATE: (context, command) =>
    changeModules(context, command, (modules, module) => modules.filter((other) => other !== module)),
  UNINSTALL: (context) => {
    wantUninstall(context);
    return done;
  },
  SET_LOG_LEVEL: (context, command) => {
    const reason = overrideLevel(context, command.args);
    return reason === undefined ? done : refused(reason);
  },
  COLLECT_LOGS: (context, command) => {
    const reason = wantLogs(context, command);
    return reason === undefined ? 'later' : refused(reason);
  },
  SCAN_NOW: (context, command) => {
    const wish = ScanNow.safeParse(command.args);
    if (!wish.success)
      return refused('args.type must name a type that can be scanned on demand, args.cpuLimitPct 2 to 100');
    const answer = demandScan(context, { ...wish.data, origin: 'platform', controlId: command.id });
    return 'accepted' in answer
      ? { result: 'DONE', detail: answer.accepted.controlId }
      : refused(answer.reason);
  },
  UPGRADE: (context) =>
    context.facts().profile.preventAutoUpdate
      ? refused('the configuration profile prevents updates of the agent (preventAutoUpdate)')
      : {
          result: 'UNSUPPORTED',
          detail: 'this build of the agent cannot replace itself: install the release',
        },
  REPROVISION: (context) => {
    wantReprovision(context);
    return done;
  },
};

/**
 * Executes commands of a verified reply, each once per id however often it is sent, and acknowledges them. One that was
 * cut short by a crash is executed again: all of them lead to a state, so doing it twice does no harm.
 */
export function obey(context: Context, commands: readonly Command[]): void {
  for (const command of commands) {
    const begun = context.store.commands.begin(command.id, command.type);
    if (begun.state === 'done') {
      // It was acknowledged, but the platform asks again: the acknowledgement may be lost.
      const result = CommandResult.safeParse(begun.result);
      if (result.success) recordCommand(context, command, result.data);
      continue;
    }
    const execute = Object.hasOwn(COMMANDS, command.type) ? COMMANDS[command.type] : undefined;
    const outcome = execute?.(context, command) ?? { result: 'UNSUPPORTED' as const };
    if (outcome === 'later') continue;
    context.log.info(
      `command ${command.type}: ${outcome.result}${outcome.detail === undefined ? '' : `, ${outcome.detail}`}`,
    );
    // First the record, then the mark: a crash between the two repeats an idempotent command rather than its silence.
    recordCommand(context, command, outcome.result, outcome.detail);
    context.store.commands.finish(command.id, outcome.result);
  }
}

function typesOf(context: Context, command: Command): ManifestType[] | undefined {
  const given = command.args['types'];
  const active = context.facts().activeTypes.filter((type) => !isStreamType(type));
  if (given === undefined) return MANIFEST_TYPES.filter((type) => active.includes(type));
  if (!Array.isArray(given) || !given.every((type) => isManifestType(type) && active.includes(type)))
    return undefined;
  return given as ManifestType[];
}

function changeModules(
  context: Context,
  command: Command,
  change: (modules: readonly string[], module: string) => string[],
): Outcome {
  const module = command.args['module'];
  if (!isModule(module)) return refused('args.module must name a module');
  const modules = [...new Set(change(context.modules(), module))];
  const conflict = moduleConflict(modules);
  if (conflict !== undefined) return refused(conflict);
  setModules(context, modules);
  // The next heartbeat brings the manifests of what was activated.
  context.update({ heartbeatWanted: true });
  return done;
}
