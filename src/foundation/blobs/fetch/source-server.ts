import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server does with a request, in the order of requests; afterwards it serves well. */
export type Mishap =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Breaks the connection after so many bytes of the body. */
  | { readonly breakAfter: number }
  /** Serves, and then has other bytes of another version. */
  | { readonly breakAfter: number; readonly become: Buffer };

/** A server for tests of fetching: one resource under every path, with versions and ranges as RFC 9110 has them, and mishaps on demand. */
export interface SourceServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** What was asked, the oldest first. */
  readonly asked: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly status: number }[];
  readonly mishaps: Mishap[];
  content: Buffer;
  etag: string | undefined;
  lastModified: string | undefined;
  /** False: ranges are ignored. */
  ranges: boolean;
  /** False: the length is not said. */
  length: boolean;
}

export async function startSourceServer(content: Buffer): Promise<SourceServer> {
  const http = createServer((request, answer) => {
    const mishap = server.mishaps.shift();
    const { headers } = request;
    const say = (status: number, more: Readonly<Record<string, string>> = {}): void => {
      server.asked.push({ path: request.url ?? '', headers, status });
      answer.writeHead(status, more);
    };
    if (mishap !== undefined && 'status' in mishap) {
      say(mishap.status, mishap.headers);
      answer.end('what is this');
      return;
    }
    const tag = server.etag === undefined ? undefined : server.etag.startsWith('W/') ? server.etag : `"${server.etag}"`;
    if (
      (tag !== undefined && headers['if-none-match'] === tag) ||
      (tag === undefined && headers['if-modified-since'] === server.lastModified)
    ) {
      if (server.etag !== undefined || server.lastModified !== undefined) {
        say(304);
        answer.end();
        return;
      }
    }
    const isOther = headers['if-match'] !== undefined && headers['if-match'] !== tag;
    if (isOther || (headers['if-unmodified-since'] !== undefined && headers['if-unmodified-since'] !== server.lastModified)) {
      say(412);
      answer.end();
      return;
    }
    const start = server.ranges ? Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0) : 0;
    const isPart = server.ranges && headers.range !== undefined;
    const bytes = server.content.subarray(start);
    say(isPart ? 206 : 200, {
      ...(server.length ? { 'content-length': String(bytes.length) } : {}),
      ...(tag === undefined ? {} : { etag: tag }),
      ...(server.lastModified === undefined ? {} : { 'last-modified': server.lastModified }),
      ...(isPart ? { 'content-range': `bytes ${start}-${server.content.length - 1}/${server.content.length}` } : {}),
    });
    if (mishap === undefined) {
      answer.end(bytes);
      return;
    }
    answer.write(bytes.subarray(0, mishap.breakAfter), () => answer.destroy());
    if ('become' in mishap) {
      server.content = mishap.become;
      server.etag = `${server.etag ?? ''}+`;
    }
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  http.listen(0, '127.0.0.1', resolve);
  await promise;
  const { port } = http.address() as AddressInfo;
  const server: SourceServer = {
    address: `http://127.0.0.1:${port}`,
    port,
    asked: [],
    mishaps: [],
    content,
    etag: 'one',
    lastModified: 'Sat, 28 Nov 2026 10:00:00 GMT',
    ranges: true,
    length: true,
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      await new Promise((done) => http.close(done));
    },
  };
  return server;
}
