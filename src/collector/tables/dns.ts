import type { TableSpec } from '../table.ts';

export const dnsTable: TableSpec = {
  name: 'dns',
  group: 'network',
  description: 'Resolver configuration.',
  key: 'kind and value',
  columns: {
    kind: 'nameserver, search or option',
    value: 'the value',
    interface: 'interface it belongs to, null where it is global',
  },
  cost: 'low',
  readers: {},
};
