import { connect } from 'node:net';

/** What came back over one connection until it was closed, and how it was closed. */
export interface Exchange {
  readonly text: string;
  readonly reset: boolean;
}

/** Sends bytes over a connection of its own and reads until the other side ends it. */
export function exchange(port: number, bytes: string | Buffer, host = '127.0.0.1'): Promise<Exchange> {
  return new Promise((resolve) => {
    let text = '';
    let reset = false;
    const socket = connect({ port, host, noDelay: true });
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => {
      text += part;
    });
    socket.on('error', () => {
      reset = true;
    });
    socket.on('close', () => {
      resolve({ text, reset });
    });
    if (bytes.length > 0) socket.write(bytes);
  });
}

/** A request for `/` as a scanner sends it. */
export const request = (host: string, more = ''): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
