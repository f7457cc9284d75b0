import { describe, expect, it } from 'vitest';
import { giveUpRoot, type Rights } from './privileges.ts';

function rightsOf(uid: number, setuid: (id: number | string) => void = () => undefined) {
  const calls: unknown[] = [];
  const state = { uid };
  const rights: Rights = {
    getuid: () => state.uid,
    setgroups: (groups) => calls.push(['groups', groups]),
    setgid: (id) => calls.push(['gid', id]),
    setuid: (id) => {
      calls.push(['uid', id]);
      setuid(id);
      state.uid = Number(id);
    },
  };
  return { rights, calls };
}

describe('giving root up', () => {
  it('drops the groups first and the user last, since the user alone could not drop them', () => {
    const { rights, calls } = rightsOf(0);
    giveUpRoot(rights);
    const nobody = process.platform === 'darwin' ? 4_294_967_294 : 65_534;
    expect(calls).toEqual([
      ['groups', []],
      ['gid', nobody],
      ['uid', nobody],
    ]);
  });

  it('changes nothing for a user who is not root, or where there are no such users', () => {
    const { rights, calls } = rightsOf(1000);
    giveUpRoot(rights);
    expect(calls).toEqual([]);
    expect(() => {
      giveUpRoot({});
    }).not.toThrow();
  });

  it('fails where the system refuses, or does as if it had', () => {
    const refusing = rightsOf(0, () => {
      throw new Error('EPERM');
    });
    expect(() => {
      giveUpRoot(refusing.rights);
    }).toThrow('EPERM');
    const deaf: Rights = { ...rightsOf(0).rights, setuid: () => undefined };
    expect(() => {
      giveUpRoot(deaf);
    }).toThrow('still root');
  });
});
