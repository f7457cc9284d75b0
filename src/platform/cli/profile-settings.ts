import { parseBlackout, parseReduced, WINDOWS_HELP } from './windows-text.ts';
import { NUMBER_PARAMETERS, SWITCH_PARAMETERS } from '../../shared/profile.ts';

const NAMES = ['name', 'description', 'preset', 'logLevel', ...Object.keys(NUMBER_PARAMETERS)];

/** What `profiles create` and `profiles edit` take, for their help. */
export const SETTINGS_HELP = `
Assign by tags rather than by host names: a host that is renamed or new then gets the right profile by itself.

Settings are name=value: ${[...NAMES, ...Object.keys(SWITCH_PARAMETERS)].join(', ')},
  scanMergePorts=10001,10002         ports that offer the correlation identifier
  onPremise.ipRange=10.0.0.0/8       where it is offered: every rule that is set has to hold;
  onPremise.gateway, .subnetMask     an empty value takes a rule back
  onPremise.dnsSuffix='^(.*)\\.example\\.com$'${WINDOWS_HELP}`;

const ON_PREMISE = 'onPremise.';

/**
 * Settings as the administration takes them, from `name=value` pairs: lists and groups are spelled out there. Throws
 * `Refused`.
 */
export function profileSettings(pairs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  const onPremise: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(pairs)) {
    if (name === 'blackout') settings['blackoutWindows'] = parseBlackout(String(value));
    else if (name === 'reduced') settings['reducedActivity'] = parseReduced(String(value));
    else if (name === 'scanMergePorts') settings[name] = portsOf(String(value));
    // A text whatever it looks like: an expression may consist of digits.
    else if (name.startsWith(ON_PREMISE)) onPremise[name.slice(ON_PREMISE.length)] = String(value);
    else settings[name] = value;
  }
  return Object.keys(onPremise).length === 0 ? settings : { ...settings, onPremise };
}

/** What is no number stays what it is, for the administration to refuse. */
const portsOf = (text: string): unknown[] =>
  text.split(',').map((port) => (/^\d{1,10}$/.test(port.trim()) ? Number(port) : port));
