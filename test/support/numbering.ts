import { AgentCore } from '../../src/main/agent/core.ts';
import { recordActivity } from '../../src/main/agent/records.ts';
import { NUMBERED, NumberNotes } from './numbers.ts';

/*
 * Loaded before the service as it is shipped (`node --import`): from its start on the agent also puts a numbered
 * activity on record every WAYFARER_NUMBER_EVERY_MS, until the notes below WAYFARER_ROOT say that it is enough. Of a kind
 * that the platform takes from an agent: what it sees itself it does not.
 */

const { WAYFARER_ROOT: root, WAYFARER_NUMBER_EVERY_MS: everyMs } = process.env;
if (root === undefined || everyMs === undefined) throw new Error('numbering.ts needs its two variables');
const notes = new NumberNotes(root);

function numberOn({ context }: AgentCore): void {
  let number = notes.next();
  const timer = setInterval(() => {
    if (notes.ended) {
      clearInterval(timer);
      return;
    }
    notes.begin(number);
    recordActivity(context, 'Agent Downloaded', `${NUMBERED}${String(number)}`);
    notes.acknowledge(number);
    number += 1;
  }, Number(everyMs));
}

const shipped = Object.getOwnPropertyDescriptor(AgentCore.prototype, 'start')?.value as AgentCore['start'];
AgentCore.prototype.start = async function (this: AgentCore): Promise<void> {
  await shipped.call(this);
  numberOn(this);
};
