import { describe, expect, it } from 'vitest';
import { replyTo, type Asked } from './reply.ts';

const ID = '0f8f2f3e-7a0e-4a52-9a3e-0f1b4a6b7c8d';
const ask = (change: Partial<Asked> = {}) =>
  replyTo({ method: 'GET', url: '/', headers: { host: '192.0.2.7:10001' }, ...change }, ID);
const withHost = (host: string) => ask({ headers: { host } }).status;

describe('the answer to a scanner', () => {
  it('R270 is the correlation identifier and nothing else', () => {
    expect(ask().status).toBe(200);
    expect(JSON.parse(ask().body)).toEqual({ correlationId: ID });
    expect(ask({ method: 'HEAD' }).status).toBe(200);
  });

  it.each(['192.0.2.7', '192.0.2.7:10001', '[2001:db8::1]', '[2001:db8::1]:10001', '127.0.0.1:10005'])(
    'is given under the address %s',
    (host) => {
      expect(withHost(host)).toBe(200);
    },
  );

  it('is given to a client of HTTP/1.0 that names no host', () => {
    expect(ask({ headers: {} }).status).toBe(200);
  });

  it.each(['/index.html', '/?a=1', '//', '*', 'http://192.0.2.7/', '/../', ''])('is 404 for %j', (url) => {
    expect(ask({ url })).toEqual({ status: 404, body: '{"error":"there is only /"}' });
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'get'])('is 405 for %s', (method) => {
    expect(ask({ method }).status).toBe(405);
  });
});

describe('a web page in a browser', () => {
  it('gets nothing across origins', () => {
    const host = '127.0.0.1:10001';
    expect(ask({ headers: { host, origin: 'https://page.example' } }).status).toBe(403);
    expect(ask({ headers: { host, origin: 'null' } }).status).toBe(403);
    for (const site of ['cross-site', 'same-origin', 'none']) {
      expect(ask({ headers: { host, 'sec-fetch-site': site } }).status).toBe(403);
    }
  });

  it.each([
    'page.example:10001',
    'localhost:10001',
    'localhost',
    '127.0.0.1.page.example',
    '[page]',
    '',
    ':80',
    '1.2.3:80',
  ])('gets nothing under the name %j, which may have been pointed here', (host) => {
    expect(withHost(host)).toBe(403);
  });

  it('is refused before it learns what there is', () => {
    expect(ask({ url: '/other', headers: { host: 'page.example' } }).status).toBe(403);
  });
});
