const LINK = /\]\(([^)\s]+)\)/g;

/**
 * Targets of a document's relative links that are not there. `exists` is asked with the path as written, without its
 * `#fragment`; links to the web and within the page are left alone.
 */
export function brokenLinks(document: string, exists: (target: string) => boolean): string[] {
  return [...document.matchAll(LINK)]
    .map(([, target = '']) => target)
    .filter((target) => !/^(https?:|mailto:|#)/.test(target))
    .filter((target) => !exists(target.replace(/#.*$/, '')));
}
