import { randomUUID } from 'node:crypto';
import { RE2JS } from 're2js';
import { z } from 'zod';
import { addressProblems, givenRules } from '../../shared/on-premise.ts';
import {
  BlackoutWindowSchema,
  LOG_LEVELS,
  MAX_SCAN_MERGE_PORTS,
  MAX_WINDOWS,
  NUMBER_PARAMETERS,
  PRESETS,
  PRESET_VALUES,
  ProfileSchema,
  ReducedActivitySchema,
  SWITCH_PARAMETERS,
  TcpPort,
  outOfRange,
  type NumberParameter,
  type OnPremise,
  type Profile,
  type SwitchParameter,
} from '../../shared/profile.ts';
import { coverWholeWeek } from '../../shared/weekly-windows.ts';
import type { Records } from '../context.ts';
import { NotFound, Refused, reasonOf } from '../errors.ts';
import type { ProfileEntry } from '../store/profiles.ts';
import { TagList, parseInput } from './input.ts';

const numbers = Object.keys(NUMBER_PARAMETERS).map((name) => [name, z.number()] as const);
const switches = Object.keys(SWITCH_PARAMETERS).map((name) => [name, z.boolean()] as const);

/** Given in any order; kept ascending, each once (R271, R272). */
const PortList = z
  .array(TcpPort)
  .min(1)
  .max(MAX_SCAN_MERGE_PORTS)
  .transform((ports) => [...new Set(ports)].sort((a, b) => a - b));

/** Rules that are given change; an empty text takes one back. */
const OnPremiseRules = z
  .strictObject({
    ipRange: z.string().max(64),
    gateway: z.string().max(64),
    subnetMask: z.string().max(64),
    dnsSuffix: z.string().max(256),
  })
  .partial();

/** What an administrator may set. Unknown names are refused: a typo must not pass for a setting. */
const Settings = z.strictObject({
  name: z.string().trim().min(1).max(200),
  description: z.string().max(2_000),
  preset: z.enum(PRESETS),
  logLevel: z.enum(LOG_LEVELS),
  blackoutWindows: z.array(BlackoutWindowSchema).max(MAX_WINDOWS),
  reducedActivity: z.array(ReducedActivitySchema).max(MAX_WINDOWS),
  scanMergePorts: PortList,
  onPremise: OnPremiseRules,
  ...(Object.fromEntries(numbers) as Record<NumberParameter, z.ZodNumber>),
  ...(Object.fromEntries(switches) as Record<SwitchParameter, z.ZodBoolean>),
});
const Assignment = z.strictObject({
  includeTags: TagList,
  excludeTags: TagList,
  hostNames: z.array(z.string().trim().min(1).max(255)).max(10_000),
});

export const EditProfile = z.strictObject({
  settings: Settings.partial().default({}),
  assign: Assignment.partial().default({}),
  /** Makes it the default of its customer (R131). */
  isDefault: z.literal(true).optional(),
  /** New place in the list, 0 = top (R132). */
  position: z.number().int().min(0).optional(),
});
export type EditProfile = z.input<typeof EditProfile>;

/** Profiles of every customer, topmost first. */
export function listProfiles(context: Records): ProfileEntry[] {
  return context.store.customers.list().flatMap((customer) => context.store.profiles.list(customer.id));
}

/** Creates a profile at the end of the list. Throws `Refused`. */
export function createProfile(context: Records, input: EditProfile, customer?: string): ProfileEntry {
  return context.store.transaction(() => {
    const owner = customer ?? context.store.customers.list()[0]?.id;
    if (owner === undefined) throw new Refused('there is no customer; run "init" first');
    const entry: ProfileEntry = {
      customer: owner,
      position: context.store.profiles.list(owner).length,
      isDefault: false,
      includeTags: [],
      excludeTags: [],
      hostNames: [],
      profile: ProfileSchema.parse({ id: randomUUID(), name: 'New profile' }),
    };
    context.store.profiles.put(entry);
    return change(context, entry, input);
  });
}

/** Changes settings, assignment, place or default mark of a profile. Throws `NotFound`, `Refused`. */
export function editProfile(context: Records, id: string, input: EditProfile): ProfileEntry {
  return context.store.transaction(() => {
    const entry = context.store.profiles.get(id);
    if (entry === undefined) throw new NotFound(`there is no profile ${id}`);
    return change(context, entry, input);
  });
}

function change(context: Records, before: ProfileEntry, input: EditProfile): ProfileEntry {
  const { settings, assign, isDefault, position } = parseInput(EditProfile, input);
  const { profiles } = context.store;
  const preset =
    settings.preset === undefined || settings.preset === 'CUSTOM' ? {} : PRESET_VALUES[settings.preset];
  const onPremise = givenRules({ ...before.profile.onPremise, ...settings.onPremise } as OnPremise);
  const profile = ProfileSchema.parse({ ...before.profile, ...preset, ...settings, onPremise });
  requireInRange(profile);
  requireTimeToTalk(profile);
  requireRules(onPremise);
  if (isDefault === true) profiles.clearDefault(before.customer);
  profiles.put({
    ...before,
    includeTags: assign.includeTags ?? before.includeTags,
    excludeTags: assign.excludeTags ?? before.excludeTags,
    hostNames: assign.hostNames ?? before.hostNames,
    isDefault: isDefault ?? before.isDefault,
    profile,
  });
  if (assign.hostNames !== undefined) takeHosts(context, before, assign.hostNames);
  if (position !== undefined) move(context, before, position);
  return profiles.get(before.profile.id) ?? before;
}

/** Throws `Refused` naming parameter and range. */
function requireInRange(profile: Profile): void {
  const wrong = outOfRange(profile)[0];
  if (wrong === undefined) return;
  const { min, max } = NUMBER_PARAMETERS[wrong.parameter];
  throw new Refused(`${wrong.parameter}: ${wrong.given} is not a whole number from ${min} to ${max}`);
}

/** Throws `Refused` for blackout windows that would leave an agent no minute to hear of another profile. */
function requireTimeToTalk({ blackoutWindows }: Profile): void {
  if (coverWholeWeek(blackoutWindows)) {
    throw new Refused(
      'blackoutWindows: they cover the whole week, so that no agent would ever check in again',
    );
  }
}

/** Throws `Refused` naming the rule that no agent could apply. */
function requireRules(rules: OnPremise): void {
  const wrong = addressProblems(rules)[0];
  if (wrong !== undefined) throw new Refused(`onPremise.${wrong.field}: ${wrong.reason}`);
  try {
    RE2JS.compile(rules.dnsSuffix ?? '');
  } catch (error) {
    throw new Refused(`onPremise.dnsSuffix: ${reasonOf(error)}`);
  }
}

/** A host is named by one profile at a time: the last one it was assigned to. */
function takeHosts(context: Records, by: ProfileEntry, hostNames: readonly string[]): void {
  const taken = new Set(hostNames.map((name) => name.toLowerCase()));
  for (const other of context.store.profiles.list(by.customer)) {
    if (other.profile.id === by.profile.id) continue;
    const left = other.hostNames.filter((name) => !taken.has(name.toLowerCase()));
    if (left.length < other.hostNames.length) context.store.profiles.put({ ...other, hostNames: left });
  }
}

function move(context: Records, entry: ProfileEntry, position: number): void {
  const others = context.store.profiles
    .list(entry.customer)
    .map((one) => one.profile.id)
    .filter((id) => id !== entry.profile.id);
  others.splice(position, 0, entry.profile.id);
  others.forEach((id, place) => {
    const one = context.store.profiles.get(id);
    if (one !== undefined) context.store.profiles.put({ ...one, position: place });
  });
}
