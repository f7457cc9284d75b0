import type { Records } from '../context.ts';

/** Faults shown with the state of chains. */
const FAULTS_SHOWN = 100;

/** How the streams of a host stand, with their current chains, the faults on record and the gaps. */
export function eventState(context: Records, agent: string) {
  const { hostEvents } = context.store;
  const host = hostEvents.hostOf(agent);
  if (host === undefined) return { streams: [], faults: [], gaps: [] };
  const streams = hostEvents.streams(host).map((state) => {
    const { stream, events, bytes, oldestAt, newestAt, lost, dropped, droppedAt, faults, restarts } = state;
    const chain = state.chain === null ? undefined : hostEvents.chainById(state.chain);
    return {
      stream,
      events,
      bytes,
      oldestAt,
      newestAt,
      chain:
        chain === undefined
          ? null
          : { id: chain.uuid, startedAt: chain.startedAt, sequence: chain.sequence, hash: chain.hash },
      /** Records that the host dropped, by its own account. */
      lost,
      /** Events that were dropped here, the oldest first, to stay within the bounds of a host. */
      dropped,
      droppedAt,
      faults,
      restarts,
    };
  });
  const code = (kind: string) => (kind === 'restarted' ? 'CHAIN_RESTARTED' : 'CHAIN_BROKEN');
  const faults = hostEvents.faults(host, FAULTS_SHOWN).map((fault) => ({ code: code(fault.kind), ...fault }));
  return { streams, faults, gaps: hostEvents.gaps(host) };
}
