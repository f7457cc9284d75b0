import { basename } from 'node:path';
import { joinKey } from '../key.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { userNames } from './accounts.ts';
import { foreignProcesses } from './proc.ts';
import { TwoSamples } from '../two-samples.ts';

function* sample(context: ReadContext): Generator<KeyedRow> {
  const nameOf = userNames(context);
  for (const { path, uid } of foreignProcesses(context)) {
    const user = nameOf(uid);
    yield { key: joinKey(path, user), row: { path, name: basename(path), user } };
  }
}

const samples = new TwoSamples(sample);

export const processesLinux: Reader = {
  source: '/proc/PID/exe and status, two samples 10 s apart',
  root: 'partly',
  read: (context) => samples.read(context),
  prepare: (context) => samples.prepare(context),
};
