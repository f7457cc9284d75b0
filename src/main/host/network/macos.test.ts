import { describe, expect, it } from 'vitest';
import { parseNetstat, parseScutilDns } from './macos.ts';

const NETSTAT = `Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            192.168.7.1        UGScg                 en0
default            link#19            UCSIg           bridge100      !
127                127.0.0.1          UCS                   lo0
192.168.7          link#11            UCS                   en0      !
192.168.7.1/32     link#11            UCS                   en0      !

Internet6:
Destination                             Gateway                         Flags               Netif Expire
default                                 fe80::1%en0                     UGcg                  en0
default                                 fe80::%utun0                    UGcIg               utun0
::1                                     ::1                             UHL                   lo0
`;

const SCUTIL = `DNS configuration

resolver #1
  search domain[0] : corp.example.com
  search domain[1] : example.com
  nameserver[0] : 192.168.7.1
  if_index : 11 (en0)
  flags    : Request A records
  reach    : 0x00020002 (Reachable,Directly Reachable Address)

resolver #2
  domain   : local
  options  : mdns
  timeout  : 5
`;

describe('macOS', () => {
  it('gives default routes from netstat without zones and without placeholders of tunnels', () => {
    expect(parseNetstat(NETSTAT)).toEqual([
      { interface: 'en0', gateway: '192.168.7.1' },
      { interface: 'en0', gateway: 'fe80::1' },
    ]);
  });

  it('gives an interface that is the way itself no gateway', () => {
    expect(parseNetstat('default   link#25   UCSg   ppp0\n')).toEqual([{ interface: 'ppp0', gateway: null }]);
  });

  it('gives search domains from scutil, and no domain that only one resolver answers for', () => {
    expect(parseScutilDns(SCUTIL)).toEqual(['corp.example.com', 'example.com']);
  });

  it('gives nothing for output that is none', () => {
    expect(parseNetstat('netstat: sysctl: not permitted\n')).toEqual([]);
    expect(parseScutilDns('No DNS configuration available\n')).toEqual([]);
  });
});
