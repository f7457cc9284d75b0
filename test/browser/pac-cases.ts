/*
 * What Chromium and the agent are asked alike. Names end in `.test` (RFC 6761), so that nothing here exists.
 */

/** Names that have addresses in both worlds. */
export const ADDRESSES: Readonly<Record<string, string>> = {
  'inside.test': '10.1.2.3',
  'branch.corp.test': '172.16.5.6',
  'outside.test': '203.0.113.9',
};

/** How many proxies stand for the values of expressions, and for the branches of the rules. */
export const PROXIES = 32;

const SUBJECTS = ['www.example.test', 'http://www.example.test/a/b.html?x=1', 'aXb', ''];
const PATTERNS = [
  ...['*', '', '*.example.test', 'www.*', '?ww.*', '*/a/*', '*b.html*', 'http://*', '(www|ftp).*', '*[x-z]*'],
  ...['a?b', 'a.b', 'w+.*', '*\\?x=1', '{3}', '*|nothing', 'www.example.test', 'WWW.*', '^www', 'b.html?x=1'],
];

const HOSTS = [
  'www',
  'www.example.test',
  'example.test',
  '10.1.2.3',
  '::1',
  'a.b.c.d',
  'inside.test',
  'nowhere.test',
  '',
];
const DOMAINS = [
  '.example.test',
  'example.test',
  'www.example.test',
  '',
  'test',
  'longer.than.the.host.example.test',
];
const NETWORKS = [
  ['10.0.0.0', '255.0.0.0'],
  ['10.1.2.3', '255.255.255.255'],
  ['172.16.0.0', '255.240.0.0'],
  ['0.0.0.0', '0.0.0.0'],
  ['10.0.0.0', '255.0.0'],
  ['300.0.0.0', '255.0.0.0'],
  ['10.0.0.255', '255.0.255.0'],
] as const;
const PREFIXES = ['10.0.0.0/8', '2001:db8::/32', '10.0.0.0/33', '10.0.0.0', '::/0', '10.1.2.3/32'];

const quoted = (...args: readonly string[]): string => args.map((arg) => JSON.stringify(arg)).join(', ');

/** Ranges that hold, or don't, through all of a test, and some that only now decides. */
const TIMES = [
  ...[
    'weekdayRange("SUN", "SAT")',
    'weekdayRange("MON", "SUN")',
    'weekdayRange("mon", "sun")',
    'weekdayRange("XYZ")',
  ],
  ...[
    'weekdayRange("MON", "FRI")',
    'weekdayRange("FRI", "MON", "GMT")',
    'weekdayRange("SAT", "GMT")',
    'weekdayRange()',
  ],
  ...[
    'dateRange(1, 31)',
    'dateRange("JAN", "DEC")',
    'dateRange(2000, 2090)',
    'dateRange(1990, 1999)',
    'dateRange()',
  ],
  ...[
    'dateRange(1, "JAN", 31, "DEC")',
    'dateRange(1, "JAN", 2000, 31, "DEC", 2090)',
    'dateRange("JAN", 2000, "DEC", 2090, "GMT")',
  ],
  ...[
    'dateRange(1, "JAN", 1999, 31, "DEC", 1999)',
    'dateRange("DEC", 1998, "MAR", 1999)',
    'dateRange(31)',
    'dateRange(1999)',
  ],
  ...[
    'dateRange("JUN", "DEC")',
    'dateRange(1, 15)',
    'dateRange(1, "JUL", 15, "NOV")',
    'dateRange(2026)',
    'dateRange("NOV")',
  ],
  ...[
    'timeRange(0, 23)',
    'timeRange(0, 0, 23, 59)',
    'timeRange(0, 0, 0, 23, 59, 59)',
    'timeRange(0, 0, 0, 23, 59, 59, "GMT")',
  ],
  ...[
    'timeRange(0, 12)',
    'timeRange(12, 23, "GMT")',
    'timeRange(22, 0, 21, 59)',
    'timeRange(12, 0, 6, 0)',
    'timeRange()',
  ],
  ...[
    'timeRange(6)',
    'timeRange(23, 1)',
    'timeRange(25)',
    'timeRange(8, 30, 17, 0)',
    'timeRange(17, 0, 8, 30, "GMT")',
  ],
];

const OTHERS = [
  ...[
    'dnsResolve("inside.test")',
    'dnsResolve("nowhere.test")',
    'dnsResolve("10.1.2.3")',
    'dnsResolve("::1")',
  ],
  ...[
    'isResolvable("inside.test")',
    'isResolvable("nowhere.test")',
    'dnsResolveEx("outside.test")',
    'dnsResolveEx("nowhere.test")',
  ],
  ...[
    'isResolvableEx("outside.test")',
    'isResolvableEx("nowhere.test")',
    'sortIpAddressList("10.0.0.2;::1;10.0.0.1")',
  ],
  ...[
    'sortIpAddressList("host")',
    'typeof FindProxyForURLEx',
    'typeof XMLHttpRequest',
    'typeof setTimeout',
    'typeof process',
  ],
  ...[
    'dnsDomainLevels("a.b.c")',
    'dnsDomainLevels("a")',
    'new Date(0).getTime()',
    '[3, 1].sort().join()',
    'typeof alert',
  ],
  ...[
    '"x" in { x: 1 }',
    '/^h.st$/i.test("HOST")',
    '[1, 2].some(function (n) { return isInNet("10.0.0.1", "11.0.0.0", "255.0.0.0"); })',
  ],
  ...['[1, [2]].flat().length', 'null ?? "b"', '(() => `a${1}`)()', 'typeof dnsResolve("nowhere.test")'],
];

/** Expressions whose value both must agree on. */
export const EXPRESSIONS: readonly string[] = [
  ...SUBJECTS.flatMap((subject) => PATTERNS.map((pattern) => `shExpMatch(${quoted(subject, pattern)})`)),
  ...HOSTS.flatMap((host) => DOMAINS.map((domain) => `dnsDomainIs(${quoted(host, domain)})`)),
  ...HOSTS.map((host) => `isPlainHostName(${quoted(host)})`),
  ...HOSTS.flatMap((host) =>
    ['www.example.test', 'example.test'].map((full) => `localHostOrDomainIs(${quoted(host, full)})`),
  ),
  ...HOSTS.flatMap((host) => NETWORKS.map((network) => `isInNet(${quoted(host, ...network)})`)),
  ...HOSTS.flatMap((host) => PREFIXES.map((prefix) => `isInNetEx(${quoted(host, prefix)})`)),
  ...TIMES,
  ...OTHERS,
];

/** Rules as companies write them; each leads to a proxy of its own, the last one is for what none of them takes. */
const RULES = [
  'isPlainHostName(host)',
  'shExpMatch(host, "*.local.test") || dnsDomainIs(host, ".corp.test")',
  'isInNet(host, "10.0.0.0", "255.0.0.0")',
  'isInNet(host, "192.0.2.0", "255.255.255.0") && url.substring(0, 5) == "http:"',
  'localHostOrDomainIs(host, "portal.example.test")',
  'url.indexOf("secret") != -1',
  'shExpMatch(url, "https://*:8443/*")',
  'shExpMatch(url, "http://*/download/*.zip")',
  '/^(mail|mx\\d+)\\./.test(host)',
  'shExpMatch(host, "(a|b|c).example.test")',
  'host.length > 30',
  'dnsDomainLevels(host) >= 4',
  'host.charAt(0) >= "m" && host.charAt(0) <= "p"',
  'url.charAt(url.length - 1) != "/"',
];

/** A URL of every kind for every host, scheme, port and path. */
export const URLS: readonly string[] = [
  ...[
    'intranet',
    'www.local.test',
    'git.corp.test',
    '10.20.30.40',
    '192.0.2.77',
    'portal.example.test',
    'a.example.test',
  ],
  ...[
    'mail.example.test',
    'mx12.example.test',
    'one.two.three.four.test',
    'news.test',
    'branch.corp.test',
    'inside.test',
  ],
  ...[
    'a-name-that-is-longer-than-thirty-characters.test',
    '[2001:db8::5]',
    'xn--mnchen-3ya.test',
    'other.test',
  ],
].flatMap((host) =>
  ['http://%', 'https://%', 'http://%:8080', 'https://%:8443'].flatMap((origin) =>
    origin.startsWith('https')
      ? [`${origin.replace('%', host)}/secret/path?query=1#fragment`]
      : ['/', '/download/a.zip', '/path?secret=1#fragment'].map(
          (path) => `${origin.replace('%', host)}${path}`,
        ),
  ),
);

/**
 * The script. A host `e<number>.expression.test` has the expression of that number evaluated, and its value chooses the
 * proxy; `k<number>.answer.test` gets an answer word for word; the rules decide about all others.
 */
export function pacFile(proxies: readonly string[], answers: readonly string[]): string {
  return `
var proxies = ${JSON.stringify(proxies)};
var answers = ${JSON.stringify(answers)};
function choose(value) {
  var text = typeof value + " " + value;
  var sum = 7;
  for (var i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) % 65521;
  return "PROXY " + proxies[sum % proxies.length];
}
function expression(number) {
  switch (number) {
${EXPRESSIONS.map((expression, number) => `    case ${number}: return (${expression});`).join('\n')}
  }
}
function FindProxyForURL(url, host) {
  var numbered = /^([ek])(\\d+)\\.(expression|answer)\\.test$/.exec(host);
  if (numbered && numbered[1] == "k") return answers[Number(numbered[2])];
  if (numbered) return choose(expression(Number(numbered[2])));
${RULES.map((rule, number) => `  if (${rule}) return "PROXY " + proxies[${number}];`).join('\n')}
  return "DIRECT";
}
`;
}
