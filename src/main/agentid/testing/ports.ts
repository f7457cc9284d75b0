import { createServer, type Server } from 'node:net';

/** Holds a free port of every address, or the given one. */
export function holdPort(port = 0, host = '::'): Promise<{ port: number; release: () => Promise<void> }> {
  const server: Server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : 0,
        release: () =>
          new Promise((done) =>
            server.close(() => {
              done();
            }),
          ),
      });
    });
  });
}

/** Ports that were free a moment ago, ascending. */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, () => holdPort()));
  await Promise.all(held.map(({ release }) => release()));
  return held.map(({ port }) => port).sort((a, b) => a - b);
}
