/** Bytes of request bodies that may be on their way into memory at one time. */
export interface BodyLimits {
  readonly total: number;
  readonly perSender: number;
}

/** Bounds what bodies cost in memory, whoever sends them and however slowly. */
export interface BodyBudget {
  /** Sets `bytes` aside for a sender; returns how to give them back (once), or `undefined` when there is no room. */
  readonly take: (sender: string, bytes: number) => (() => void) | undefined;
}

export function createBodyBudget(limits: BodyLimits): BodyBudget {
  const taken = new Map<string, number>();
  let total = 0;
  const add = (sender: string, bytes: number): void => {
    total += bytes;
    const left = (taken.get(sender) ?? 0) + bytes;
    if (left === 0) taken.delete(sender);
    else taken.set(sender, left);
  };
  return {
    take(sender, bytes) {
      const own = (taken.get(sender) ?? 0) + bytes;
      if (own > limits.perSender || total + bytes > limits.total) return undefined;
      add(sender, bytes);
      let given = false;
      return () => {
        if (!given) add(sender, -bytes);
        given = true;
      };
    },
  };
}
