/** Names that are asked for at most; each is a question to the resolver. */
const MAX_HOSTS = 8;

/** What may stand in a name of the DNS; how labels have to look is left to the list. */
const DOMAIN = /^[a-z\d._-]{1,253}$/;

/**
 * The hosts that may hold a WPAD script for these DNS suffixes, in the order of asking: from the longest suffix up to the
 * domain that somebody registered, never above it, since `wpad.<public suffix>` is whoever got that name first. Suffixes
 * without a registered domain (`lan`, `com`, addresses) have none.
 */
export async function wpadHosts(suffixes: readonly string[]): Promise<readonly string[]> {
  // The list of public suffixes is large and only needed here.
  const { getDomain } = await import('tldts');
  const hosts = new Set<string>();
  for (const suffix of suffixes) {
    const name = suffix.toLowerCase().replace(/\.$/, '');
    // `getDomain` takes URLs as well and finds the host in them; the network chose this text.
    const registered = DOMAIN.test(name) ? getDomain(name, { allowPrivateDomains: true }) : null;
    if (registered === null) continue;
    const labels = name.split('.');
    const levels = labels.length - registered.split('.').length;
    for (let level = 0; level <= levels; level += 1) hosts.add(`wpad.${labels.slice(level).join('.')}`);
  }
  return [...hosts].slice(0, MAX_HOSTS);
}
