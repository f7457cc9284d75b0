import { zstdDecompressSync } from 'node:zlib';
import { EventGapLine, EventPayloadHeader, type EventGap } from '../../../shared/event-payload.ts';
import type { EventStream } from '../../../shared/host-events.ts';

/** What a double of the platform keeps of events: everything as it came, repeats among it. */
export class EventShelf {
  readonly ids: Record<EventStream, string[]> = { fim: [], edr: [] };
  readonly gaps = new Map<string, EventGap>();
  /** Lines of each payload. */
  readonly payloads: number[] = [];
  /** Ids of records that no payload may hold. */
  readonly refuses = new Set<string>();

  /** Takes the body of an upload of this kind if it is one of events; `false` when it should be a payload and is not. */
  take(agent: string, stream: string, body: Buffer): boolean {
    if (stream !== 'fim' && stream !== 'edr') return true;
    const [first = '', ...lines] = zstdDecompressSync(body).toString('utf8').trimEnd().split('\n');
    const header = EventPayloadHeader.parse(JSON.parse(first));
    if (header.kind !== stream || header.agent !== agent || header.count !== lines.length) return false;
    if (lines.some((line) => [...this.refuses].some((id) => line.includes(id)))) return false;
    for (const line of lines) {
      const gap = EventGapLine.safeParse(JSON.parse(line));
      if (gap.success) this.gaps.set(gap.data.gap.id, gap.data.gap);
      else this.ids[stream].push((JSON.parse(line) as { event: { id: string } }).event.id);
    }
    this.payloads.push(lines.length);
    return true;
  }
}
