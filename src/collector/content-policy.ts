/** What stands below these is made by the kernel on reading: it may never end, wait, hold memory or lead elsewhere. */
const OF_KERNEL = /^\/+(?:proc|sys|dev)(?:\/|$)/;

/** Kernel parameters are plain values. */
const PARAMETERS = '/proc/sys/';

/** Files that hold nothing but secrets: accounts, keys, and what this agent keeps for itself. */
const SECRETS = [
  /^\/etc\/g?shadow-?$/,
  /^(?:\/private)?\/etc\/master\.passwd$/,
  /^(?:\/private)?\/var\/db\/dslocal(?:\/|$)/,
  /^(?:\/private)?\/var\/lib\/wayfarer\//,
  /(?:^|[/\\])(?:id_\w+|ssh_host_\w+_key|[^/\\]*\.(?:key|keytab|p12|pfx)|\.netrc|_netrc|\.pgpass)$/i,
];

/** Why the bytes of a file are not read, or `undefined`: those of the kernel's own file systems. */
export function forbidKernelFiles(path: string): string | undefined {
  return OF_KERNEL.test(path) && !path.startsWith(PARAMETERS) ? 'a file of the kernel' : undefined;
}

/** Why no line of a file leaves the host, nor whether one matches, or `undefined`. */
export function forbidSecrets(path: string): string | undefined {
  const secret = SECRETS.some((pattern) => pattern.test(path));
  return secret ? 'holds secrets, its lines are not collected' : forbidKernelFiles(path);
}
