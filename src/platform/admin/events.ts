import type { Records } from '../context.ts';
import { arrivedEvents, eventOfId, searchEvents, type EventFilter } from '../events/search.ts';
import { verifyHost, type Verified } from '../events/verify.ts';
import type { FoundEvent } from '../store/event-search.ts';
import { requireAgent } from './agents.ts';
import { eventState } from './event-state.ts';

/** An event as the API gives it: the record as it came, and what the platform knows of it. */
function eventView({ agent, hostname, receivedAt, fault, record }: FoundEvent) {
  return { agent, hostname, receivedAt, fault, event: JSON.parse(record) as unknown };
}

/** Administration of events of hosts. Functions throw `Refused`, `NotFound`. */
export function eventAdmin(context: Records) {
  const byName = (name: string) => requireAgent(context, name);
  return {
    /** A page of events with their records as text, the newest first. */
    findEvents: (filter: EventFilter) => searchEvents(context, filter, byName),
    /** The same as objects. */
    events(filter: EventFilter) {
      const { events, next = null } = searchEvents(context, filter, byName);
      return { events: events.map(eventView), next };
    },
    /** Events that arrived behind number `n`, in that order. */
    arrivedEvents: (filter: EventFilter, n: number) => arrivedEvents(context, filter, n, byName),
    /** The number of the event that arrived last. */
    newestEvent: () => context.store.eventSearch.newest(),
    findEvent: (id: string) => eventOfId(context, id),
    event: (id: string) => eventView(eventOfId(context, id)),
    eventState: (name: string) => ({ agent: byName(name).id, ...eventState(context, byName(name).id) }),
    /** Recomputes the chains of one host or of all from the stored rows. */
    async verifyEvents(name?: string): Promise<Verified[]> {
      const agents = name === undefined ? context.store.agents.list() : [byName(name)];
      const found: Verified[] = [];
      for (const agent of agents) found.push(...(await verifyHost(context, agent)));
      return found;
    },
  };
}
