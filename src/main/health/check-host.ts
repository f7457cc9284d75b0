import { attention, bad, good, skipped, type Finding } from './health.ts';
import type { FileFacts, HealthInput } from './input.ts';

/** Below this the queue may soon be refused room, bytes. */
const LITTLE_BYTES = 500 * 1024 * 1024;
/** Below this the database can hardly grow, bytes. */
const TOO_LITTLE_BYTES = 50 * 1024 * 1024;

/** Write permission of group and others. */
const WRITABLE_BY_OTHERS = 0o022;

/** Whether what the installer lays down is there, and nobody else's. */
export function checkInstallation({ files, platform, trustedUids }: HealthInput): Finding {
  const name = 'installation';
  if (files.data.kind === 'absent') {
    return bad(name, `there is no ${files.data.path}`, 'Install the agent on this host.');
  }
  const flaws = Object.values(files).flatMap((file) => flawsOf(file, platform, trustedUids));
  const [first] = flaws;
  if (first !== undefined) return bad(name, flaws.map((flaw) => flaw.what).join('; '), first.nextStep);
  const hidden = Object.values(files).filter((file) => file.kind === 'hidden');
  const rest =
    hidden.length === 0 ? '' : `; not visible to this user: ${hidden.map((file) => file.path).join(', ')}`;
  return good(name, `files belong to the agent and nobody else can write them${rest}`);
}

function flawsOf(
  { path, kind, uid, mode }: FileFacts,
  platform: NodeJS.Platform,
  trustedUids: readonly number[],
): { readonly what: string; readonly nextStep: string }[] {
  if (kind === 'absent' || kind === 'hidden') return [];
  if (kind === 'link' || kind === 'other') {
    return [{ what: `${path} is a ${kind}`, nextStep: `Remove ${path} and install the agent again.` }];
  }
  if (platform === 'win32') return [];
  if (!trustedUids.includes(uid)) {
    return [{ what: `${path} belongs to user ${String(uid)}`, nextStep: `Run: chown root ${path}` }];
  }
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    const what = `${path} is writable by others (${mode.toString(8).padStart(3, '0')})`;
    return [{ what, nextStep: `Run: chmod go-w ${path}` }];
  }
  return [];
}

/** Whether the settings can be used. */
export function checkSettings({ settingProblems, paths }: HealthInput): Finding {
  const name = 'settings';
  if (settingProblems === null) return skipped(name, `${paths.settingsFile} can't be read by this user`);
  const [first] = settingProblems;
  if (first === undefined) return good(name, 'every setting is valid');
  const detail = settingProblems
    .map(({ setting, source, reason }) => `${setting} (${source}): ${reason}`)
    .join('; ');
  const harmful = settingProblems.find((problem) => problem.harmless !== true);
  const { setting, source, remedy } = harmful ?? first;
  const nextStep = remedy === undefined ? `Correct or set ${setting} in ${source}.` : `Run: ${remedy}`;
  return (harmful === undefined ? attention : bad)(name, detail, nextStep);
}

/** Whether the data can grow. */
export function checkDisk({ freeBytes, paths }: HealthInput): Finding {
  const name = 'disk space';
  if (freeBytes === null) return skipped(name, `${paths.dataDir} can't be looked at`);
  const detail = `${String(Math.floor(freeBytes / 1024 ** 2))} MB free where ${paths.dataDir} is`;
  const nextStep = `Free space on the disk of ${paths.dataDir}.`;
  if (freeBytes < TOO_LITTLE_BYTES) return bad(name, detail, nextStep);
  return freeBytes < LITTLE_BYTES ? attention(name, detail, nextStep) : good(name, detail);
}
