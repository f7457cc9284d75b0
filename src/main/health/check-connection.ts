import { attention, bad, good, skipped, type Finding } from './health.ts';
import type { TlsInspection } from '../uplink/tls-inspection.ts';
import type { HealthInput } from './input.ts';

/** A certificate that ends sooner wants attention, ms: 14 days. */
const SOON_MS = 14 * 24 * 3600 * 1000;

const MEND_PROXY = 'Mend the proxy, or change the list with wayfarerctl proxy.';

const MEND_SETTING = 'Correct the setting that is named here; wayfarerctl proxy test shows whether it is.';

/** Whether the platform can be reached, by every route there is. */
export function checkConnection({ connectivity }: HealthInput): Finding {
  const name = 'connection';
  if (!connectivity.tried) return skipped(name, connectivity.reason);
  const { attempts, platform, problems } = connectivity;
  const tried = attempts
    .map(({ route, proxy, source, result }) =>
      [route, ...(proxy === null ? [] : [`${proxy} (${source ?? '?'})`]), result].join(' '),
    )
    .join('; ');
  const detail = [`${platform}: ${tried}`, ...problems].join('; ');
  const first = attempts.findIndex((attempt) => attempt.ok);
  if (first < 0) {
    return bad(
      name,
      detail,
      'Check the network, the proxy settings (wayfarerctl proxy test) and WebServiceUri.',
    );
  }
  // What comes after a route that leads there is never used.
  if (first > 0) return attention(name, detail, MEND_PROXY);
  return problems.length > 0 ? attention(name, detail, MEND_SETTING) : good(name, detail);
}

/** Whether TLS to the platform is in order. */
export function checkTls({ connectivity, now }: HealthInput): Finding {
  const name = 'TLS';
  if (!connectivity.tried) return skipped(name, connectivity.reason);
  const { tls } = connectivity;
  if (tls === null) return skipped(name, 'no route leads to the platform');
  const { inspection, explanation } = tls;
  const detail = `${inspection.protocol}, ${chainText(inspection)}`;
  if (!inspection.authorized) {
    return bad(
      name,
      `${explanation}; ${detail}`,
      'Set CaFile to the CA that issued the certificate, or have it added to the system.',
    );
  }
  const ending = inspection.chain.find(({ validTo }) => Date.parse(validTo) - now < SOON_MS);
  if (ending !== undefined) {
    const what = `${ending.subject} ends ${ending.validTo}; ${detail}`;
    return attention(name, what, 'Have the certificate renewed.');
  }
  return good(name, detail);
}

function chainText({ chain }: TlsInspection): string {
  return chain
    .map(({ subject, issuer }) =>
      subject === issuer ? `${subject} (self-signed)` : `${subject} issued by ${issuer}`,
    )
    .join(' ← ');
}
