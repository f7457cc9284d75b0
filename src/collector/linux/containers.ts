import { z } from 'zod';
import type { FileOptions } from '../open-file.ts';
import { joinKey } from '../key.ts';
import type { KeyedRow, ReadContext, Reader } from '../table.ts';
import { homes } from './accounts.ts';
import { readJson } from './json.ts';
import { expand } from './tolerant.ts';

const DockerContainer = z.object({
  ID: z.string(),
  Name: z.string().default(''),
  Created: z.string().nullish(),
  Image: z.string().nullish(),
  Config: z.object({ Image: z.string().nullish() }).default({}),
});

const StorageContainers = z.array(
  z.object({
    id: z.string(),
    names: z.array(z.string()).nullish(),
    image: z.string().nullish(),
    created: z.string().nullish(),
    metadata: z.string().nullish(),
  }),
);

function* dockerRows(context: ReadContext): Generator<KeyedRow> {
  for (const path of expand(context, '/var/lib/docker/containers/*/config.v2.json')) {
    const found = readJson(context, path, DockerContainer);
    if (found === undefined) continue;
    const row = {
      runtime: 'docker',
      id: found.ID,
      name: found.Name.replace(/^\//, ''),
      image: found.Config.Image ?? null,
      imageId: found.Image ?? null,
      createdAt: found.Created ?? null,
      user: null,
    };
    yield { key: joinKey('docker', found.ID), row };
  }
}

const Metadata = z.object({ 'image-name': z.string() });

/** Image name in the metadata that podman keeps as JSON in a string. */
function imageName(metadata: string | null | undefined): string | null {
  try {
    const parsed = Metadata.safeParse(JSON.parse(metadata ?? ''));
    return parsed.success ? parsed.data['image-name'] : null;
  } catch {
    return null;
  }
}

function* podmanRows(
  context: ReadContext,
  storage: string,
  user: string | null,
  files: FileOptions,
): Generator<KeyedRow> {
  const path = `${storage}/overlay-containers/containers.json`;
  const options = { ...files, maxBytes: 4 * 1024 * 1024 };
  for (const found of readJson(context, path, StorageContainers, options) ?? []) {
    const row = {
      runtime: 'podman',
      id: found.id,
      name: found.names?.[0] ?? '',
      image: imageName(found.metadata),
      imageId: found.image ?? null,
      createdAt: found.created ?? null,
      user,
    };
    yield { key: joinKey('podman', found.id), row };
  }
}

function* readContainers(context: ReadContext): Generator<KeyedRow> {
  yield* dockerRows(context);
  yield* podmanRows(context, '/var/lib/containers/storage', null, {});
  for (const { user, path } of homes(context)) {
    yield* podmanRows(context, `${path}/.local/share/containers/storage`, user, { links: 'none' });
  }
}

export const containersLinux: Reader = {
  source: 'state files of Docker and of containers/storage (podman)',
  root: 'partly',
  read: readContainers,
};
