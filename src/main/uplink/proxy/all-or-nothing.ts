/** A change and what takes it back. */
export interface Step {
  readonly make: () => void;
  readonly undo: () => void;
}

/**
 * Makes changes one after the other. When one throws, those made before it are taken back, the last one first, as far as
 * the system lets them; then it throws what that one threw.
 */
export function allOrNothing(steps: readonly Step[]): void {
  const made: Step[] = [];
  try {
    for (const step of steps) {
      step.make();
      made.unshift(step);
    }
  } catch (error) {
    for (const { undo } of made) {
      try {
        undo();
      } catch {
        // The first failure is the one that a person can do something about.
      }
    }
    throw error;
  }
}
