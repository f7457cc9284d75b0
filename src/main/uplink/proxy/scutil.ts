import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  NO_SYSTEM_PROXIES,
  parseSystemProxies,
  type ProxyToParse,
  type ReadSystemProxies,
  type SystemProxies,
} from './system-proxy.ts';

/** Bounds of the tool: ms and bytes. */
const LIMITS = { timeout: 5_000, maxBuffer: 256 * 1024 };

/** What `scutil --proxy` prints at its top level: texts, and arrays of texts. */
type Dictionary = ReadonlyMap<string, string | readonly string[]>;

/**
 * The proxies in the output of `scutil --proxy` (scutil(8); keys of SCSchemaDefinitions.h): the secure web proxy, else
 * SOCKS; a PAC file; the exceptions, among them simple names where they are excluded. Settings of single interfaces
 * (`__SCOPED__`) don't count. A proxy that can't be used is named in `problem`; what else isn't understood is passed over.
 */
export function parseScutil(output: string): SystemProxies {
  const found = topLevel(output);
  const text = (key: string): string => {
    const value = found.get(key);
    return typeof value === 'string' ? value : '';
  };
  const exceptions = found.get('ExceptionsList');
  const bypass = [
    ...(exceptions === undefined || typeof exceptions === 'string' ? [] : exceptions),
    ...(text('ExcludeSimpleHostnames') === '1' ? ['<local>'] : []),
  ];
  const pac = text('ProxyAutoConfigEnable') === '1' ? text('ProxyAutoConfigURLString') : '';
  return {
    ...parseSystemProxies([...proxy('http', 'HTTPS', text), ...proxy('socks5', 'SOCKS', text)]),
    ...(pac !== '' && { pac }),
    bypass: bypass.join(' '),
  };
}

function proxy(
  protocol: ProxyToParse['protocol'],
  key: string,
  text: (key: string) => string,
): readonly ProxyToParse[] {
  if (text(`${key}Enable`) !== '1') return [];
  const host = text(`${key}Proxy`);
  return [{ protocol, authority: `${host.includes(':') ? `[${host}]` : host}:${text(`${key}Port`)}` }];
}

/** Keys of the outermost dictionary; of arrays the texts, deeper dictionaries are passed over. */
function topLevel(output: string): Dictionary {
  const found = new Map<string, string | string[]>();
  const open: string[] = [];
  for (const line of output.split('\n')) {
    const [, key = '', value = ''] = /^\s*(\S+) : (.*?)\s*$/.exec(line) ?? [];
    const array = found.get(open[1] ?? '');
    if (line.trim() === '}') open.pop();
    else if (line.trimEnd().endsWith('{')) {
      if (open.length === 1 && value.startsWith('<array>')) found.set(key, []);
      open.push(key);
    } else if (open.length === 1 && key !== '') found.set(key, value);
    else if (open.length === 2 && Array.isArray(array)) array.push(value);
  }
  return found;
}

/** Reads the settings of macOS through `scutil`. */
export const readMacProxies: ReadSystemProxies = async () => {
  try {
    const { stdout } = await promisify(execFile)('/usr/sbin/scutil', ['--proxy'], LIMITS);
    return parseScutil(stdout);
  } catch (error) {
    return { ...NO_SYSTEM_PROXIES, problem: `scutil --proxy failed: ${(error as Error).message}` };
  }
};
