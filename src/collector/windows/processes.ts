import { z } from 'zod';
import { sampledReaders, type Sample, type SampledSocket } from '../runtime-sample.ts';
import type { ReadContext } from '../table.ts';
import { text } from './fields.ts';
import { cim, rowsIn, runBatch, type Batch, type Section } from './powershell.ts';

/**
 * What runs and listens.
 * Formats: Win32_Process (CIM Win32 provider), Get-Process -IncludeUserName (Microsoft.PowerShell.Management),
 * MSFT_NetTCPConnection and MSFT_NetUDPEndpoint (root/StandardCimv2).
 */
const PROCESS: Section<{ pid: number; parent: number; path: string | null; user: string | null }> = {
  name: 'process',
  script:
    `$u=@{};try{foreach($p in Get-Process -IncludeUserName){$u[[int]$p.Id]=$p.UserName}}catch{};` +
    `Get-CimInstance -ClassName 'Win32_Process' -Property ProcessId,ParentProcessId,ExecutablePath|ForEach-Object{` +
    `[pscustomobject]@{pid=[int]$_.ProcessId;parent=[int]$_.ParentProcessId;path=$_.ExecutablePath;` +
    `user=$u[[int]$_.ProcessId]}}`,
  shape: z.object({ pid: z.number(), parent: z.number(), path: text, user: text }),
};

const Endpoint = z.object({
  LocalAddress: z.string(),
  LocalPort: z.number().int(),
  OwningProcess: z.number(),
});
type Endpoint = z.output<typeof Endpoint>;

/** State 2 is "listen". */
const TCP = cim({
  name: 'tcp',
  namespace: 'root/StandardCimv2',
  className: 'MSFT_NetTCPConnection',
  filter: 'State=2',
  shape: Endpoint,
});

const UDP = cim({
  name: 'udp',
  namespace: 'root/StandardCimv2',
  className: 'MSFT_NetUDPEndpoint',
  shape: Endpoint,
});

export const SAMPLE_BATCH: Batch = [PROCESS, TCP, UDP];

function socketOf(kind: 'tcp' | 'udp', { LocalAddress, LocalPort, OwningProcess }: Endpoint): SampledSocket {
  const address = LocalAddress.replace(/%.*$/, '');
  const protocol = address.includes(':') ? (`${kind}6` as const) : kind;
  return { protocol, address, port: LocalPort, pid: OwningProcess };
}

async function sample(context: ReadContext): Promise<Sample> {
  const answers = await runBatch(context, SAMPLE_BATCH);
  const tcp = rowsIn(answers, TCP).map((endpoint) => socketOf('tcp', endpoint));
  const udp = rowsIn(answers, UDP).map((endpoint) => socketOf('udp', endpoint));
  return { processes: rowsIn(answers, PROCESS), sockets: [...tcp, ...udp] };
}

export const { processes, listeningPorts } = sampledReaders(
  'Win32_Process, Get-Process, MSFT_NetTCPConnection, MSFT_NetUDPEndpoint',
  sample,
);
