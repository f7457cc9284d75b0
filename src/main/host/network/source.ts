/** What a source of changes reports. */
export interface SourceEvents {
  /** Something may have changed: look. */
  readonly hint: () => void;
  /** It can't tell any more, or not yet; somebody else has to look now and then. May come again with other reasons. */
  readonly down: (reason: string) => void;
  /** It tells from now on; what happened before went unseen. */
  readonly up: () => void;
}

/** Tells that something about the networks may have changed, never what. It counts as down until it says `up`. */
export interface ChangeSource {
  readonly name: string;
  readonly start: (events: SourceEvents) => void;
  /** Resolves when nothing of it runs any more; it reports nothing from the call on. */
  readonly stop: () => Promise<void>;
}
