import type { EventStream } from './host-events.ts';

/** Manifest types (R210), and patch assessment (R171): each is collected, snapshotted and uploaded on its own. */
export const MANIFEST_TYPES = [
  'Inventory',
  'Vulnerability',
  'PolicyCompliance',
  'UDC',
  'SCA',
  'AutoDiscovery',
  'MiddlewarePC',
  'FIM',
  'EDR',
  'PatchAssessment',
] as const;
export type ManifestType = (typeof MANIFEST_TYPES)[number];

/** Modules as an activation key selects them (R042). */
export const MODULES = ['AI', 'VM', 'PC', 'SCA', 'FIM', 'EDR', 'PM'] as const;
export type Module = (typeof MODULES)[number];

/** The manifest types that a module brings to an agent (R044, R210–R216). VM's CM and TP work on the platform alone. */
export const TYPES_OF_MODULE: Readonly<Record<Module, readonly ManifestType[]>> = {
  AI: ['Inventory'],
  VM: ['Vulnerability'],
  PC: ['PolicyCompliance', 'UDC', 'AutoDiscovery', 'MiddlewarePC'],
  SCA: ['SCA'],
  FIM: ['FIM'],
  EDR: ['EDR'],
  PM: ['PatchAssessment'],
};

/**
 * The types whose manifest says what to watch, by the stream that carries their events (R199, R210): these are reported as
 * they happen, so that nothing of such a type is scanned, scheduled or kept as a snapshot.
 */
export const TYPE_OF_STREAM = { fim: 'FIM', edr: 'EDR' } as const satisfies Readonly<
  Record<EventStream, ManifestType>
>;

/** Whether a type is reported by events, so that there is nothing of it to scan. */
export function isStreamType(type: ManifestType): boolean {
  return Object.values<ManifestType>(TYPE_OF_STREAM).includes(type);
}

/** Services of the platform that come with a module, with nothing more to do on the host (R044). */
const SERVICES_OF_MODULE: Readonly<Partial<Record<Module, readonly string[]>>> = { VM: ['CM', 'TP'] };

/** The services that a set of modules brings on the platform: continuous monitoring and threat protection with VM. */
export function servicesOfModules(modules: Iterable<string>): string[] {
  return [...modules].flatMap((module) => (isModule(module) ? (SERVICES_OF_MODULE[module] ?? []) : []));
}

export function isManifestType(value: unknown): value is ManifestType {
  return MANIFEST_TYPES.some((type) => type === value);
}

export function isModule(value: unknown): value is Module {
  return MODULES.some((module) => module === value);
}

/**
 * The manifest types active under a set of modules, in the order of `MANIFEST_TYPES`.
 * Inventory is always among them (R043). Unknown module names are ignored: a newer platform may know more.
 */
export function typesOfModules(modules: Iterable<string>): ManifestType[] {
  const active = new Set<ManifestType>(TYPES_OF_MODULE.AI);
  for (const module of modules) {
    if (isModule(module)) for (const type of TYPES_OF_MODULE[module]) active.add(type);
  }
  return MANIFEST_TYPES.filter((type) => active.has(type));
}

/** The module that a manifest type belongs to. */
export function moduleOfType(type: ManifestType): Module {
  const module = MODULES.find((candidate) => TYPES_OF_MODULE[candidate].includes(type));
  if (module === undefined) throw new Error(`manifest type ${type} belongs to no module`);
  return module;
}

/** Why a set of modules can't be active together on one host, or `undefined` if it can (R045). */
export function moduleConflict(modules: Iterable<string>): string | undefined {
  const set = new Set(modules);
  if (set.has('PC') && set.has('SCA')) {
    return 'PC and SCA exclude each other on one host: choose one of them';
  }
  return undefined;
}
