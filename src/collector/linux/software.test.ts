import { describe, expect, it } from 'vitest';
import { contextOn, keyedRows, layOut, place, rowsOf } from '../testing/host.ts';

const PASSWD = 'root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000:Ana:/home/ana:/bin/bash\n';

describe('software tables on Linux', () => {
  it('R018 reads rpm through its command, with epochs, several versions of one package and no vendor', async () => {
    const lines = [
      'kernel\t0\t6.1\t1.el9\tx86_64\tkernel-6.1-1.el9.src.rpm\tRed Hat, Inc.',
      'kernel\t0\t6.2\t1.el9\tx86_64\tkernel-6.2-1.el9.src.rpm\tRed Hat, Inc.',
      'bind\t32\t9.16\t1\tnoarch\tbind.src.rpm\t(none)',
      'gpg-pubkey\t0\tfd431d51\t4ae0493b\t(none)\t(none)\t(none)',
      'broken',
    ];
    const args: string[][] = [];
    const root = layOut({ '/var/lib/rpm/rpmdb.sqlite': 'x' });
    const context = contextOn(root, {
      run: (_file, given) => {
        args.push([...given]);
        return Promise.resolve({ exitCode: 0, stdout: Buffer.from(`${lines.join('\n')}\n`), stderr: '' });
      },
    });
    const rows = await keyedRows('rpm', context);
    expect(args[0]?.slice(0, 3)).toEqual(['--dbpath', `${root}/var/lib/rpm`, '-qa']);
    expect(rows.map(({ key }) => key)).toEqual([
      'kernel|0|6.1|1.el9|x86_64',
      'kernel|0|6.2|1.el9|x86_64',
      'bind|32|9.16|1|noarch',
      'gpg-pubkey|0|fd431d51|4ae0493b|\\0',
    ]);
    expect(rows[2]?.row).toMatchObject({ epoch: 32, source: 'bind.src.rpm', vendor: null });
  });

  it('says why an rpm database could not be read, and gives none where there is none', async () => {
    const root = layOut({ '/var/lib/rpm/Packages': 'x' });
    await expect(rowsOf('rpm', contextOn(root))).rejects.toThrow('rpm: not installed');
    const failing = contextOn(root, {
      run: () => Promise.resolve({ exitCode: 1, stdout: Buffer.alloc(0), stderr: 'error 4711' }),
    });
    await expect(rowsOf('rpm', failing)).rejects.toThrow('rpm ended with exit code 1');
    expect(await rowsOf('rpm', contextOn(layOut({ '/var/lib/rpm/.dbenv.lock': '' })))).toEqual([]);
  });

  it('reads apk', async () => {
    const installed =
      'C:Q1x=\nP:musl\nV:1.2.4-r2\nA:x86_64\no:musl\nm:Someone\nF:lib\na:0:0:755\n\nP:zlib\nV:1.3\n\n';
    expect(await rowsOf('apk', contextOn(layOut({ '/lib/apk/db/installed': installed })))).toEqual([
      { name: 'musl', version: '1.2.4-r2', arch: 'x86_64', source: 'musl', maintainer: 'Someone' },
      { name: 'zlib', version: '1.3', arch: null, source: 'zlib', maintainer: null },
    ]);
  });

  it('reads snaps in their current revision', async () => {
    const root = layOut({
      '/snap/hello/42/meta/snap.yaml':
        "name: hello\nversion: '2.10'\nbase: core22\napps:\n  hello:\n    version: 9\n",
      '/snap/hello/41/meta/snap.yaml': 'version: 1\n',
      '/snap/hello/current': { link: '42' },
      '/snap/bin/hello': '',
      '/var/lib/snapd/state.json': '{"data":{"snaps":{"hello":{"type":"app","channel":"latest/stable"}}}}',
    });
    expect(await rowsOf('snap', contextOn(root))).toEqual([
      {
        name: 'hello',
        version: '2.10',
        revision: '42',
        type: 'app',
        channel: 'latest/stable',
        base: 'core22',
      },
    ]);
  });

  it('reads flatpak applications of the system and of people', async () => {
    const commit = 'a'.repeat(64);
    const app = (base: string) => `${base}/app/org.example.App/x86_64/stable`;
    const system = app('/var/lib/flatpak');
    const personal = app('/home/ana/.local/share/flatpak');
    const root = layOut({
      '/etc/passwd': PASSWD,
      [`${system}/active`]: { link: commit },
      [`${system}/${commit}/deploy`]: Buffer.from('flathub\0rest'),
      [`${system}/${commit}/files/share/metainfo/org.example.App.metainfo.xml`]:
        '<releases><release date="2026-01-01" version="2.1"/><release version="2.0"/></releases>',
      [`${personal}/active`]: { link: '../../../../../etc' },
    });
    expect(await rowsOf('flatpak', contextOn(root))).toEqual([
      {
        id: 'org.example.App',
        kind: 'app',
        arch: 'x86_64',
        branch: 'stable',
        version: '2.1',
        origin: 'flathub',
        commit,
        installation: 'system',
      },
    ]);
  });

  it('reads Python distributions of the system and of people', async () => {
    const site = '/usr/lib/python3/dist-packages';
    const home = '/home/ana/.local/lib/python3.11/site-packages';
    const root = layOut({
      '/etc/passwd': PASSWD,
      [`${site}/PyYAML-6.0.egg-info/PKG-INFO`]:
        'Metadata-Version: 1.2\nName: PyYAML\nVersion: 6.0\n\nVersion: 9\n',
      [`${site}/flat-1.0.egg-info`]: 'Name: flat\nVersion: 1.0\n',
      [`${site}/bare-2.0-py3.11.egg-info/top_level.txt`]: 'bare',
      [`${site}/~broken-1.0.dist-info/METADATA`]: 'Name: broken\nVersion: 1\n',
      [`${home}/req-2.31.0.dist-info/METADATA`]: 'Name: Req\r\nVersion: 2.31.0\r\n\r\nText',
      [`${home}/req-2.31.0.dist-info/INSTALLER`]: 'pip\n',
    });
    expect(await rowsOf('python', contextOn(root))).toEqual([
      { name: 'PyYAML', version: '6.0', path: `${site}/PyYAML-6.0.egg-info`, installer: null },
      { name: 'bare', version: '2.0', path: `${site}/bare-2.0-py3.11.egg-info`, installer: null },
      { name: 'flat', version: '1.0', path: `${site}/flat-1.0.egg-info`, installer: null },
      { name: 'Req', version: '2.31.0', path: `${home}/req-2.31.0.dist-info`, installer: 'pip' },
    ]);
  });

  it('reads global npm packages, scoped ones too, and skips broken ones', async () => {
    const folder = '/usr/lib/node_modules';
    const root = layOut({
      [`${folder}/npm/package.json`]: '{"name":"npm","version":"11.0.0"}',
      [`${folder}/@scope/tool/package.json`]: '{"name":"@scope/tool","version":"1.0.0"}',
      [`${folder}/broken/package.json`]: '{"name":',
    });
    expect((await rowsOf('npm_global', contextOn(root))).map(({ name }) => name)).toEqual([
      '@scope/tool',
      'npm',
    ]);
  });

  it('reads gems from their stub line, else from their file name', async () => {
    const folder = '/var/lib/gems/3.1.0/specifications';
    const root = layOut({
      [`${folder}/rake-13.0.6.gemspec`]: '# -*- encoding: utf-8 -*-\n# stub: rake 13.0.6 ruby lib\n',
      [`${folder}/nokogiri-1.15.0-x86_64-linux.gemspec`]: 'Gem::Specification.new',
    });
    expect(await rowsOf('gem', contextOn(root))).toMatchObject([
      { name: 'nokogiri', version: '1.15.0', platform: 'x86_64-linux' },
      { name: 'rake', version: '13.0.6', platform: 'ruby' },
    ]);
  });

  it('reads extensions of Chromium and Firefox profiles', async () => {
    const extension = '/home/ana/.config/chromium/Default/Extensions/abcd';
    const root = layOut({
      '/etc/passwd': PASSWD,
      [`${extension}/1.9_0/manifest.json`]: '{"name":"Old","version":"1.9"}',
      [`${extension}/1.10_0/manifest.json`]:
        '{"name":"__MSG_title__","version":"1.10","default_locale":"en","permissions":["tabs","storage",{"x":1}]}',
      [`${extension}/1.10_0/_locales/en/messages.json`]: '{"Title":{"message":"Blocker"}}',
      '/home/ana/.mozilla/firefox/x.default/extensions.json': JSON.stringify({
        addons: [
          {
            id: 'a@b',
            version: '3',
            type: 'extension',
            location: 'app-profile',
            defaultLocale: { name: 'Add' },
          },
          {
            id: 'own',
            version: '1',
            type: 'extension',
            location: 'app-builtin',
            defaultLocale: { name: 'Own' },
          },
        ],
      }),
    });
    expect(await keyedRows('browser_extensions', contextOn(root))).toMatchObject([
      {
        key: 'ana|chromium|Default|abcd',
        row: { name: 'Blocker', version: '1.10', permissions: ['storage', 'tabs'] },
      },
      { key: 'ana|firefox|x.default|a@b', row: { name: 'Add', version: '3' } },
    ]);
  });

  it('reads nothing through a link that a person has put in the way', async () => {
    const root = layOut({
      '/etc/passwd': PASSWD,
      '/secret/manifest.json': '{"name":"Secret","version":"1"}',
    });
    place(root, '/home/ana/.config/chromium/Default/Extensions/abcd/1', {
      link: '../../../../../../../secret',
    });
    expect(await rowsOf('browser_extensions', contextOn(root))).toEqual([]);
  });
});
