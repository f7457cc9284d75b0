/** What one run of the endpoint serves. A change of it is another run. */
export interface Configuration {
  /** The opaque identifier, a lower-case UUID. */
  readonly correlationId: string;
  /** TCP ports, ascending: the first free one is taken, or all with `bindAll`. */
  readonly ports: readonly number[];
  readonly bindAll: boolean;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_PORTS = 32;

const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;

/**
 * Reads the first message of the agent core. Throws `TypeError` naming the field. By hand, since a schema library would
 * cost this small process more memory than everything else in it.
 */
export function parseConfiguration(raw: unknown): Configuration {
  if (typeof raw !== 'object' || raw === null) throw new TypeError('the configuration is no object');
  const { correlationId, ports, bindAll } = raw as Record<string, unknown>;
  if (typeof correlationId !== 'string' || !UUID.test(correlationId)) {
    throw new TypeError('correlationId is not a lower-case UUID');
  }
  if (!Array.isArray(ports) || ports.length === 0 || ports.length > MAX_PORTS || !ports.every(isPort)) {
    throw new TypeError(`ports is not a list of 1 to ${String(MAX_PORTS)} port numbers`);
  }
  if (typeof bindAll !== 'boolean') throw new TypeError('bindAll is neither true nor false');
  return { correlationId, ports, bindAll };
}
