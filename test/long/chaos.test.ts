import { describe } from 'vitest';
import { provesAgreementAfter } from '../support/agreement-oracle.ts';
import { chaos } from '../support/chaos.ts';
import { because, noNamespaces, noProgram } from '../support/reason.ts';

/** Minutes of faults; `WAYFARER_CHAOS_MINUTES=60` is the run whose result stands in docs/figures.md. */
const MINUTES = Number(process.env['WAYFARER_CHAOS_MINUTES'] ?? '5');

const reason =
  noNamespaces(['--net']) ??
  noProgram('squid', 'squid') ??
  noProgram('tinyproxy', 'tinyproxy-bin') ??
  noProgram('nft', 'nftables') ??
  noProgram('tc', 'iproute2');

describe.skipIf(reason !== undefined)(
  `${String(MINUTES)} minutes of faults in network, proxies, platform and processes${because(reason)}`,
  () => {
    provesAgreementAfter(() => chaos(MINUTES), {
      shippedManifests: false,
      deadlineMs: (MINUTES + 10) * 60_000,
    });
  },
);
