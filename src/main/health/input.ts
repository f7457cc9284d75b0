import type { RouteAttempt } from '../../shared/proxy.ts';
import type { AgentStatus } from '../../shared/status.ts';
import type { Paths } from '../host/paths.ts';
import type { SettingProblem } from '../host/settings.ts';
import type { TlsInspection } from '../uplink/tls-inspection.ts';

/** A file or directory as the system describes it; a link is not followed. */
export interface FileFacts {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'link' | 'other' | 'absent' | 'hidden';
  /** Owner; 0 on Windows. */
  readonly uid: number;
  /** Permission bits. */
  readonly mode: number;
}

/** Why the service did not tell its status. */
export type Silence = 'not running' | 'not installed' | 'permission' | 'timeout' | 'failed';

export type Service =
  | { readonly answers: true; readonly status: AgentStatus }
  | { readonly answers: false; readonly why: Silence; readonly reason: string };

/** How TLS to the platform looks from here, and in words why it does not verify. */
export interface TlsView {
  readonly inspection: TlsInspection;
  readonly explanation: string;
}

/** What came of trying to reach the platform. */
export type Connectivity =
  | {
      readonly tried: true;
      readonly platform: string;
      /** What is wrong with the proxy settings, their scripts and the CA file, one line each. */
      readonly problems: readonly string[];
      readonly attempts: readonly RouteAttempt[];
      /** `null` where no route leads far enough to see. */
      readonly tls: TlsView | null;
    }
  | { readonly tried: false; readonly reason: string };

/** The log file as it is found. */
export type LogView =
  | { readonly readable: true; readonly lastLineAt: number | null }
  | { readonly readable: false; readonly reason: string };

/** Everything that the checks look at. They are pure; this is read before. */
export interface HealthInput {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly platform: NodeJS.Platform;
  readonly paths: Paths;
  /** Owners that files of the agent may have. */
  readonly trustedUids: readonly number[];
  readonly files: {
    readonly data: FileFacts;
    readonly settings: FileFacts;
    readonly hostId: FileFacts;
    readonly run: FileFacts;
    readonly log: FileFacts;
  };
  readonly service: Service;
  /** Problems of the settings; `null` when they can't be read here. */
  readonly settingProblems: readonly SettingProblem[] | null;
  readonly connectivity: Connectivity;
  /** Space for unprivileged writers where the data is, bytes; `null` when it can't be seen. */
  readonly freeBytes: number | null;
  readonly log: LogView;
}
