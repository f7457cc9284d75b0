import { request as httpRequest } from 'node:http';

/** A call as any program could make it. */
export function call(
  endpoint: string,
  method: string,
  path: string,
  body: Iterable<Buffer> | string = '',
): Promise<{ status: number; code: string }> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const request = httpRequest({ socketPath: endpoint, method, path }, (response) => {
      answered = true;
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const value = JSON.parse(Buffer.concat(parts).toString()) as { error?: { code: string } };
        resolve({ status: response.statusCode ?? 0, code: value.error?.code ?? '' });
        request.destroy();
      });
    });
    request.on('error', (error) => {
      if (!answered) reject(error);
    });
    const parts = typeof body === 'string' ? [Buffer.from(body)][Symbol.iterator]() : body[Symbol.iterator]();
    const push = (): void => {
      for (let next = parts.next(); ; next = parts.next()) {
        if (next.done === true || answered) {
          request.end();
          return;
        }
        if (!request.write(next.value)) {
          request.once('drain', push);
          return;
        }
      }
    };
    push();
  });
}
