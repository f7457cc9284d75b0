/** User and group `nobody`, which own nothing (Linux: nobody of user namespaces; macOS: −2). */
const NOBODY = process.platform === 'darwin' ? 4_294_967_294 : 65_534;

/** The part of the process that changes its rights; absent functions mean a system without such users. */
export type Rights = Pick<NodeJS.Process, 'getuid' | 'setuid' | 'setgid' | 'setgroups'>;

/**
 * Gives root up for good, where there is any: no groups, group and user `nobody` (setuid(2): for root it sets all three
 * user ids, and the capabilities go with them). Throws the system's error; the caller must not go on then.
 */
export function giveUpRoot(rights: Rights = process): void {
  if (rights.getuid?.() !== 0) return;
  rights.setgroups?.([]);
  rights.setgid?.(NOBODY);
  rights.setuid?.(NOBODY);
  if (rights.getuid() === 0) throw new Error('still root after setuid');
}
