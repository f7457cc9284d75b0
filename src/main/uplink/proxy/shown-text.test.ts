import { describe, expect, it } from 'vitest';
import { shownLocation } from './shown-text.ts';

describe('the place of a PAC file in a message', () => {
  it.each([
    ['http://server/agent.pac?key=secret', 'http://server/agent.pac'],
    ['http://server/agent.pac#secret', 'http://server/agent.pac'],
    ['http://u:secret@server/agent.pac', '…@server/agent.pac'],
    ['/etc/proxy?.pac', '/etc/proxy?.pac'],
    // Nobody can tell a password that holds a question mark from a query that holds an "@".
    ['http://u:sec?ret@server/agent.pac', '…'],
    ['http://u:sec#ret@server/agent.pac', '…'],
    ['http://server/agent.pac?mail=a@secret', '…'],
  ])('%s is shown as %s', (location, shown) => {
    expect(shownLocation(location)).toBe(shown);
  });
});
