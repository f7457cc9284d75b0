import { z } from 'zod';
import type { OnPremise } from './profile.ts';

/** The range that holds everywhere, with or without a network (R275). */
export const EVERYWHERE = '0.0.0.0/0';

/** How an editor of the reference writes that gateway or mask do not matter. */
const ANY_ADDRESS = '0.0.0.0';

/** A rule that can't be applied, in words for a person. */
export interface RuleProblem {
  readonly field: keyof OnPremise;
  readonly reason: string;
}

/** Rules without the fields that ask for nothing: empty ones, and `0.0.0.0` as gateway or mask. */
export function givenRules(rules: OnPremise): OnPremise {
  const { gateway, subnetMask, dnsSuffix } = rules;
  return {
    ipRange: rules.ipRange.trim() === '' ? EVERYWHERE : rules.ipRange.trim(),
    ...(isGiven(gateway) && { gateway: gateway.trim() }),
    ...(isGiven(subnetMask) && { subnetMask: subnetMask.trim() }),
    ...(dnsSuffix !== undefined && dnsSuffix !== '' && { dnsSuffix }),
  };
}

const isGiven = (text: string | undefined): text is string =>
  text !== undefined && text.trim() !== '' && text.trim() !== ANY_ADDRESS;

/**
 * What is wrong with the addresses of on-premise rules (R274). The DNS suffix is not looked at: whether it is an
 * expression only its engine can tell.
 */
export function addressProblems(rules: OnPremise): RuleProblem[] {
  const { ipRange, gateway, subnetMask } = givenRules(rules);
  const problems: RuleProblem[] = [];
  const isIpv6 = z.cidrv6().safeParse(ipRange).success;
  if (!isIpv6 && !z.cidrv4().safeParse(ipRange).success) {
    problems.push({ field: 'ipRange', reason: `${quoted(ipRange)} is not a network such as 10.0.0.0/8` });
  }
  if (gateway !== undefined && !z.union([z.ipv4(), z.ipv6()]).safeParse(gateway).success) {
    problems.push({ field: 'gateway', reason: `${quoted(gateway)} is not an IP address` });
  }
  if (subnetMask !== undefined && prefixOfMask(subnetMask) === undefined) {
    problems.push({
      field: 'subnetMask',
      reason: `${quoted(subnetMask)} is not a mask such as 255.255.255.0`,
    });
  } else if (subnetMask !== undefined && isIpv6) {
    problems.push({ field: 'subnetMask', reason: 'an IPv6 range has no mask: its prefix says the same' });
  }
  return problems;
}

/** Length in bits of the prefix that an IPv4 mask in dotted notation stands for; `undefined` for what is no mask. */
export function prefixOfMask(mask: string): number | undefined {
  if (!z.ipv4().safeParse(mask).success) return undefined;
  const bits = mask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : undefined;
}

const quoted = (text: string): string => `"${text.slice(0, 64)}"`;
