import { Argument, InvalidArgumentError, type Command } from 'commander';
import { DEFAULT_SCAN_MERGE_PORTS, MAX_SCAN_MERGE_PORTS, TcpPort } from '../../shared/profile.ts';
import { NotFound } from '../errors.ts';
import { answer, list, withAdmin, type Common } from './commands.ts';
import { print } from './output.ts';
import { agentsText, correlationText } from './render.ts';

interface Options extends Common {
  readonly customer?: string;
  readonly ports: readonly number[];
}

/** Commands about correlation identifiers: the customer's option, the look-up, and a scanner in small (R277). */
export function correlationCommands(program: Command): void {
  program
    .command('correlation')
    .addArgument(new Argument('[choice]', 'the new option').choices(['accept', 'decline']))
    .description('let scanners use correlation identifiers, or not; shows the option without an argument')
    .option('--customer <id>', 'the first one unless given')
    .action((choice: string | undefined, _, command: Command) => {
      const { customer } = command.optsWithGlobals<Options>();
      answer(
        command,
        (admin) =>
          choice === undefined ? admin.customers() : [admin.setCorrelation(choice === 'accept', customer)],
        correlationText,
      );
    });
  program
    .command('correlate <id>')
    .description('the agent whose host shows a correlation identifier')
    .option('--customer <id>', 'the first one unless given')
    .action((id: string, _, command: Command) => {
      const { customer } = command.optsWithGlobals<Options>();
      answer(
        command,
        (admin) => admin.correlate(id, customer),
        (agent) => agentsText([agent]),
      );
    });
  program
    .command('scan-merge <host>')
    .description('read the correlation identifier of a host from its ports, and name its agent')
    .option('--ports <list>', 'separated by commas', portsOf, [...DEFAULT_SCAN_MERGE_PORTS])
    .option('--customer <id>', 'the first one unless given')
    .action(async (host: string, _, command: Command) => {
      await scanMerge(host, command.optsWithGlobals<Options>());
    });
}

/** The option is asked before the host is; no database is open while a stranger is waited for. */
async function scanMerge(host: string, { data, json, customer, ports }: Options): Promise<void> {
  withAdmin(data, (admin) => admin.requireCorrelation(customer));
  const { readIdentifier } = await import('../scanner/read-identifier.ts');
  const read = await readIdentifier(host, ports);
  if ('reasons' in read) {
    throw new NotFound(`${read.address} shows no correlation identifier (${read.reasons.join('; ')})`);
  }
  const { address, port, correlationId } = read;
  const agent = withAdmin(data, (admin) => admin.correlate(correlationId, customer));
  print(
    json,
    { address, port, agent },
    () => `${address} port ${port}: ${correlationId}\n${agentsText([agent])}`,
  );
}

function portsOf(text: string): number[] {
  const ports = list(text).map(Number);
  const good = ports.length > 0 && ports.every((port) => TcpPort.safeParse(port).success);
  if (!good || ports.length > MAX_SCAN_MERGE_PORTS) {
    throw new InvalidArgumentError(`give 1 to ${String(MAX_SCAN_MERGE_PORTS)} ports separated by commas`);
  }
  return ports;
}
