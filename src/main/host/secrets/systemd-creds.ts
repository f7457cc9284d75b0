import { findSystemTool, runTool, type RunTool } from './tool.ts';
import { reasonOf, SecretFileStore, type Sealer } from './secret-file.ts';
import { SecretsUnavailable } from './secret-store.ts';

/** Where it stands on every distribution that has it. */
export const SYSTEMD_CREDS = '/usr/bin/systemd-creds';

/** Where systemd-creds(1) stands (systemd 250 and later), or `undefined`. */
export const findSystemdCreds = (): string | undefined =>
  findSystemTool([SYSTEMD_CREDS, '/bin/systemd-creds']);

/**
 * Secrets sealed by `systemd-creds`: with the host's key in /var/lib/systemd, and with the TPM where there is one. No
 * PCR is measured in: an update of the firmware or of Secure Boot's lists must not cost a password on the road.
 */
export const openSystemdCreds = (directory: string, tool: string, run: RunTool = runTool): SecretFileStore =>
  new SecretFileStore(directory, systemdCreds(tool, run));

/** Why `systemd-creds` can't seal here, or `undefined` when it can. Makes the host's key if there is none. */
export async function systemdCredsProblem(tool: string, run: RunTool = runTool): Promise<string | undefined> {
  try {
    await systemdCreds(tool, run).seal('probe', 'probe');
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function systemdCreds(tool: string, run: RunTool): Sealer {
  // The name is sealed in: a file that took another one's place is refused.
  const named = (name: string): string => `--name=wayfarer.${name}`;
  return {
    kind: 'systemd-creds',
    extension: '.cred',
    seal: async (name, value) => {
      try {
        return await run(tool, ['encrypt', named(name), '--with-key=auto', '--tpm2-pcrs=', '-', '-'], value);
      } catch (error) {
        throw new SecretsUnavailable(`systemd-creds can't seal: ${reasonOf(error)}`, { cause: error });
      }
    },
    unseal: (name, text) => run(tool, ['decrypt', named(name), '--newline=no', '-', '-'], text),
  };
}
