import type { ProfileReply, ShownParameter } from '../../shared/control.ts';
import {
  defaultProfile,
  NUMBER_PARAMETERS,
  SWITCH_PARAMETERS,
  type BlackoutWindow,
  type NumberParameter,
  type Profile,
  type SwitchParameter,
} from '../../shared/profile.ts';
import type { Facts } from './facts.ts';

/** Units by the end of a parameter's name, which carries it. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/Sec$/, 's'],
  [/Kbps$/, 'KB/s'],
  [/Kb$/, 'KB'],
  [/Mb$/, 'MB'],
  [/Pct$/, '%'],
  [/Ms$/, 'ms'],
  [/Min$/, 'min'],
  [/Hours$/, 'h'],
];

/** The profile in force with every parameter, its unit, range and default, and what was clamped (R127, R128). */
export function profileReport({ profile, profileVersion, profileClamped }: Facts): ProfileReply {
  const standard = defaultProfile();
  const clampedFrom = (name: string): number | string | null =>
    profileClamped.find(({ parameter }) => parameter === name)?.given ?? null;
  const words = (name: string, textOf: (profile: Profile) => string): ShownParameter => ({
    name,
    value: textOf(profile),
    unit: null,
    range: null,
    default: textOf(standard),
    clampedFrom: clampedFrom(name),
  });
  return {
    id: profile.id,
    name: profile.name,
    description: profile.description,
    version: profileVersion,
    preset: profile.preset,
    parameters: [
      ...(Object.keys(NUMBER_PARAMETERS) as NumberParameter[]).map((name): ShownParameter => {
        const { min, max, default: value } = NUMBER_PARAMETERS[name];
        const unit = UNITS.find(([end]) => end.test(name))?.[1] ?? null;
        const shown = { name, value: profile[name], unit, range: { min, max }, default: value };
        return { ...shown, clampedFrom: clampedFrom(name) };
      }),
      ...(Object.keys(SWITCH_PARAMETERS) as SwitchParameter[]).map((name): ShownParameter => {
        const shown = { name, value: profile[name], unit: null, range: null };
        return { ...shown, default: SWITCH_PARAMETERS[name], clampedFrom: null };
      }),
      words('logLevel', ({ logLevel }) => logLevel),
      words('blackoutWindows', ({ blackoutWindows }) => blackoutWindows.map(windowText).join('; ') || 'none'),
      words('scanMergePorts', ({ scanMergePorts }) => scanMergePorts.join(',')),
      words('onPremise', ({ onPremise }) =>
        Object.entries(onPremise)
          .map(([name, value]) => `${name} ${value}`)
          .join(', '),
      ),
    ],
  };
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

const windowText = ({ days, start, end }: BlackoutWindow): string =>
  `${days.map((day) => DAYS[day - 1]).join(',')} ${start}–${end}`;
