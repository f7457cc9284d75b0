import type { Profile } from '../../shared/profile.ts';
import type { Admin } from '../admin/admin.ts';
import { printable } from '../printable.ts';
import { formatBlackout, formatReduced } from './windows-text.ts';

type Entry = ReturnType<Admin['profiles']>[number];
/** Settings that are one plain value. */
type Setting = {
  [N in keyof Profile]: Profile[N] extends string | number | boolean ? N : never;
}[keyof Profile];

/** The sections of a profile (R129) and the settings of each, but for those that are written in a way of their own. */
const SECTIONS: Readonly<Record<string, readonly Setting[]>> = {
  'General Info': ['preset', 'logLevel', 'statusIntervalSec', 'suspendCollection', 'preventAutoUpdate'],
  'Blackout Windows': [],
  Performance: [
    'deltaUploadIntervalSec',
    'chunkSizeKb',
    'networkThrottleTxKbps',
    'cpuLimitPct',
    'cpuThrottleMs',
    'onDemandCpuLimitPct',
    'requestTimeoutSec',
    'wpadEnabled',
    'proxyFailOpen',
  ],
  'Assign Hosts': [],
  'Agent Scan Merge': ['scanMergeEnabled', 'scanMergeBindAll'],
  'VM, PC and SCA Scan Interval': [
    'vmIntervalMin',
    'pcIntervalMin',
    'scaIntervalMin',
    'scanDelayMin',
    'scanRandomizeMin',
  ],
  FIM: ['fimEnabled', 'fimPayloadKb', 'fimPayloadThresholdSec', 'fimMaxDiskMb', 'fimRescanHours'],
  EDR: ['edrEnabled', 'edrPayloadKb', 'edrPayloadThresholdSec', 'edrMaxDiskMb'],
  PM: ['pmEnabled', 'pmIntervalMin'],
};

/** What the editor recommends beside a value (R150; the reference marks 1 to 20 ms and 10 to 20 %). */
const RECOMMENDED: Readonly<Partial<Record<Setting, string>>> = {
  cpuLimitPct: 'recommended: 10 to 20',
  cpuThrottleMs: 'recommended: 1 to 20',
};

/** A profile with every setting, by sections, as `profiles edit` takes it; what is no setting stands behind `#`. */
export function profileText(entry: Entry): string {
  const lines = Object.entries(SECTIONS).flatMap(([section, settings]) => [
    '',
    `# ${section}`,
    ...settings.map((setting) => settingLine(entry.profile, setting)),
    ...(OWN_WAYS[section]?.(entry) ?? []),
  ]);
  return [`# profile ${entry.profile.id}`, ...lines].join('\n');
}

function settingLine(profile: Profile, setting: Setting): string {
  const note = RECOMMENDED[setting];
  return `${setting}=${String(profile[setting])}${note === undefined ? '' : `   # ${note}`}`;
}

const OWN_WAYS: Readonly<Record<string, (entry: Entry) => string[]>> = {
  'General Info': ({ profile, isDefault }) => [
    `name=${printable(profile.name)}${isDefault ? '   # the default' : ''}`,
    `description=${printable(profile.description)}`,
  ],
  'Blackout Windows': ({ profile }) => [
    `blackout=${formatBlackout(profile.blackoutWindows)}`,
    `reduced=${formatReduced(profile.reducedActivity)}`,
  ],
  'Assign Hosts': ({ includeTags, excludeTags, hostNames }) => [
    `# --include-tags ${includeTags.map(printable).join(',')}`,
    `# --exclude-tags ${excludeTags.map(printable).join(',')}`,
    `# --hosts ${hostNames.map(printable).join(',')}`,
  ],
  'Agent Scan Merge': ({ profile }) => [
    `scanMergePorts=${profile.scanMergePorts.join(',')}`,
    ...Object.entries(profile.onPremise).map(
      ([rule, value]) => `onPremise.${rule}=${printable(value ?? '')}`,
    ),
  ],
};
