import { loadObjectDirectories, type ListObjects } from './object-directories.ts';
import { loadProcessImages, type ProcessImage } from './process-images.ts';
import { loadSocketTables, type OwnedSocket, type SocketTable } from './socket-tables.ts';

/** What is asked of Windows beside its logs and journals. */
export interface WindowsCalls {
  /** Throws why it can't be read. */
  readonly sockets: (table: SocketTable) => readonly OwnedSocket[];
  readonly image: (pid: number) => ProcessImage;
  /** Throws why it can't be listed. */
  readonly objects: ListObjects;
}

/** The calls of this host; each library is loaded when it is first asked. Off Windows each call throws. */
export function windowsCalls(): WindowsCalls {
  const [sockets, image, objects] = [
    once(loadSocketTables),
    once(loadProcessImages),
    once(loadObjectDirectories),
  ];
  return {
    sockets: (table) => sockets()(table),
    image: (pid) => image()(pid),
    objects: (directory) => objects()(directory),
  };
}

function once<T>(load: () => T): () => T {
  let loaded: T | undefined;
  return () => (loaded ??= load());
}
