import { Unreadable, type KeyedRow, type ReadContext, type Reader } from '../table.ts';
import { updateRow, type Update } from '../updates.ts';
import { aptUpdates } from './apt-updates.ts';
import { dnfUpdates } from './dnf-updates.ts';
import { zypperUpdates } from './zypper-updates.ts';

/** One package manager's updates; nothing where the host does not have it. Throws `Unreadable`. */
type ReadUpdates = (context: ReadContext) => AsyncIterable<Update>;

const MANAGERS: readonly ReadUpdates[] = [aptUpdates, dnfUpdates, zypperUpdates];

/** All managers after one another: one that can't be asked does not hide what another one says. */
async function* readUpdates(context: ReadContext): AsyncGenerator<KeyedRow> {
  const reasons: string[] = [];
  for (const updatesOf of MANAGERS) {
    try {
      for await (const update of updatesOf(context)) yield updateRow(update);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      reasons.push(error.message);
    }
  }
  if (reasons.length > 0) throw new Unreadable(reasons.join('; '));
}

export const updatesLinux: Reader = {
  source: 'apt-cache policy; zypper list-updates without refreshing; dnf repoquery --upgrades from its cache',
  root: 'partly',
  read: readUpdates,
};
