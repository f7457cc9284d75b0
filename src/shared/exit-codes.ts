/** Exit codes of every Wayfarer command (product, "Names"). Windows installers use Windows Installer's own. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  notRunning: 4,
  notInstalled: 5,
  notProvisioned: 6,
  permission: 7,
  timeout: 8,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
