import { ExitCode } from '../shared/exit-codes.ts';
import { shareOfThrottle } from '../shared/profile.ts';
import { ON_DEMAND_TYPES, type OnDemandType } from '../shared/scan.ts';
import { Answer } from './cli/answer.ts';

/** What a type of this dialect stands for, in the order of scanning. `vmpc` is VM, and PC when it is done. */
export const DIALECT_TYPES: Readonly<Record<string, readonly OnDemandType[]>> = {
  ...Object.fromEntries(Object.entries(ON_DEMAND_TYPES).map(([short, type]) => [short, [type]])),
  vmpc: ['Vulnerability', 'PolicyCompliance'],
};

const OPTIONS = ['action', 'type', 'cputhrottle'] as const;
type Option = (typeof OPTIONS)[number];

const MAX_THROTTLE_MS = 1000;

/** What a call of `cloudagentctl.sh` asks for, checked. Without a throttle the agent decides on the share of a core. */
export type CloudAgentCall =
  | { readonly kind: 'help' | 'version' }
  | {
      readonly kind: 'demand';
      readonly types: readonly OnDemandType[];
      readonly cpuLimitPct: number | undefined;
    }
  | { readonly kind: 'show'; readonly types: readonly OnDemandType[] };

/**
 * Reads the arguments of a call (R186): `action=demand type=…` with or without `cputhrottle=`, `action=show` or `show` with
 * or without a type. Names and values may be in any case, and values in braces. Throws an `Answer` for everything else.
 */
export function parseCloudAgentCall(args: readonly string[]): CloudAgentCall {
  if (args.some((arg) => /^(--help|-h)$/i.test(arg))) return { kind: 'help' };
  if (args.length === 1 && args[0]?.toLowerCase() === '--version') return { kind: 'version' };
  const values = optionsOf(args);
  const [action, type, throttle] = OPTIONS.map((option) => values.get(option));
  if (action === 'demand') {
    if (type === undefined) throw usage(`type= is missing: ${Object.keys(DIALECT_TYPES).join(', ')}`);
    return { kind: 'demand', types: typesOf(type), cpuLimitPct: shareOf(throttle) };
  }
  if (action !== 'show')
    throw usage(action === undefined ? 'action= is missing' : 'action is demand or show');
  if (throttle !== undefined) throw usage('cputhrottle= belongs to action=demand');
  return { kind: 'show', types: type === undefined ? Object.values(ON_DEMAND_TYPES) : typesOf(type) };
}

function optionsOf(args: readonly string[]): ReadonlyMap<Option, string> {
  const values = new Map<Option, string>();
  for (const [index, arg] of args.entries()) {
    const [name = '', value = ''] = (/^show$/i.test(arg) ? 'action=show' : arg).toLowerCase().split(/=(.*)/s);
    const option = OPTIONS.find((known) => known === name);
    if (option === undefined) throw usage(`argument ${index + 1} is none of ${OPTIONS.join('=, ')}=`);
    if (values.has(option)) throw usage(`${option} is given twice`);
    values.set(option, /^\{(.*)\}$/s.exec(value)?.[1] ?? value);
  }
  return values;
}

function typesOf(name: string): readonly OnDemandType[] {
  const types = Object.hasOwn(DIALECT_TYPES, name) ? DIALECT_TYPES[name] : undefined;
  if (types === undefined) throw usage(`type is one of ${Object.keys(DIALECT_TYPES).join(', ')}`);
  return types;
}

/** The share of a core that a throttle in ms stands for (R149). */
function shareOf(throttle: string | undefined): number | undefined {
  if (throttle === undefined) return undefined;
  const ms = /^\d{1,4}$/.test(throttle) ? Number(throttle) : Number.NaN;
  if (!(ms <= MAX_THROTTLE_MS))
    throw usage(`cputhrottle is a whole number of ms from 0 to ${MAX_THROTTLE_MS}`);
  return shareOfThrottle(ms);
}

const usage = (message: string): Answer => new Answer(ExitCode.usage, message);
