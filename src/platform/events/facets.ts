import type { EdrEvent, EventActor, EventUser, FimEvent } from '../../shared/host-events.ts';

/** What an event is found by. `severity` is 1 to 4. */
export interface Facets {
  readonly action: string;
  readonly severity: number;
  /** The file, directory, link or key; of a process its executable. */
  readonly path: string | null;
  readonly previousPath: string | null;
  /** Whose process it was; the number where the host knows no name. */
  readonly user: string | null;
  /** Executable or name of the process, its user and who had logged in, separated by blanks. */
  readonly actor: string | null;
  readonly rule: string | null;
}

type Known = Omit<Extract<EventActor, { state: 'known' }>, 'state'>;
const nameOf = (user: EventUser | undefined): string | undefined => user?.name ?? user?.id;

/** Who did it: of a file event its actor, of a process event the process itself. `undefined` where nobody is known. */
export function actorOf(event: FimEvent | EdrEvent): Known | undefined {
  if (event.event.module === 'fim') {
    const { actor } = (event as FimEvent).wayfarer;
    return actor.state === 'known' ? actor : undefined;
  }
  const { process, user, wayfarer } = event as EdrEvent;
  return process === undefined ? undefined : { process, user, login_user: wayfarer.login_user };
}

/** The facets of an event. */
export function facetsOf(event: FimEvent | EdrEvent): Facets {
  const known = actorOf(event);
  const process = known?.process;
  const executable = process?.executable ?? process?.name;
  const words = [executable, nameOf(known?.user), nameOf(known?.login_user)].filter(
    (word) => word !== undefined,
  );
  const { file } = event;
  return {
    action: event.event.action,
    severity: event.event.severity,
    path: file?.path ?? executable ?? null,
    previousPath: (file as FimEvent['file'] | undefined)?.previous_path ?? null,
    user: nameOf(known?.user) ?? null,
    actor: words.length === 0 ? null : words.join(' '),
    rule: event.rule?.id ?? null,
  };
}
