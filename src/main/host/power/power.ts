/** Where the host takes its power from. */
export interface PowerState {
  readonly onBattery: boolean;
  /** Charge of all batteries together, 0–100 %; `null` where it is not known. */
  readonly chargePct: number | null;
}

/** Looks once; `undefined` where the host does not say. Never rejects. */
export type ReadPower = () => Promise<PowerState | undefined>;
