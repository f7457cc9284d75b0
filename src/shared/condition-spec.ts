/** What a condition is to people. Its text names the cause and the next step; `{name}` is replaced by a value. */
export interface ConditionSpec {
  readonly severity: 'info' | 'warning' | 'error';
  readonly title: string;
  readonly text: string;
  /** While one of these is raised, this one is only its consequence and stays hidden. */
  readonly dependsOn?: readonly string[];
  /** Nothing can be sent to the platform while it holds. */
  readonly stopsUploads?: boolean;
  /** Seconds it must hold before it shows: hides blips. */
  readonly showAfterSec?: number;
}
