import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GyreError, messageOf } from '#core';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.map': 'application/json; charset=utf-8',
};
const compressible = new Set(['.html', '.js', '.css', '.svg', '.json', '.webmanifest', '.map']);

interface PageFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
  /** Its name holds the digest of its content, so it never changes. */
  readonly immutable: boolean;
  readonly compressed: Map<string, Promise<Buffer>>;
  readonly compressible: boolean;
}

/** The web pages out of a folder: kept in memory, compressed once, when first asked for. */
export interface Pages {
  /** Answers with the file of this path; with `index.html` for addresses that the pages' own router knows. */
  answer(path: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>;
}

/** @param folder the bundle, or the promise of one: the pages wait for it, the API does not */
export function openPages(folder: string | Promise<string> | undefined): Pages {
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined;
  return {
    answer: async (path, request, reply) => {
      if (folder === undefined) throw new GyreError('NOT_FOUND', 'this server has no web pages; the API is described at /api/docs');
      files ??= readPages(folder);
      const known = await files.catch((error: unknown) => {
        files = undefined;
        throw new GyreError('UNAVAILABLE', `the web pages could not be made: ${messageOf(error)}`, {}, { cause: error });
      });
      const name = path === '/' ? 'index.html' : path.slice(1);
      // What looks like a file and is none must not be answered with a page: the browser would take it for a script.
      const file = known.get(name) ?? (looksLikeFile(name) ? undefined : known.get('index.html'));
      if (file === undefined) throw new GyreError('NOT_FOUND', `there is no ${path}`);
      return sendFile(file, request, reply);
    },
  };
}

/** Not every dot is an extension: models and datasets have dots in their names, and addresses of their own. */
function looksLikeFile(name: string): boolean {
  return Object.hasOwn(types, extname(name)) || /(^|\/)\.[^/]*$/.test(name);
}

async function readPages(folder: string | Promise<string>): Promise<ReadonlyMap<string, PageFile>> {
  const root = await folder;
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  return new Map(
    await Promise.all(
      files.map(async (entry): Promise<readonly [string, PageFile]> => {
        const path = join(entry.parentPath, entry.name);
        const body = await readFile(path);
        const extension = extname(entry.name);
        return [
          path.slice(root.length + 1).replaceAll(sep, '/'),
          {
            body,
            type: types[extension] ?? 'application/octet-stream',
            etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
            immutable: /[-.][A-Z0-9]{8}\.\w+$/i.test(entry.name),
            compressed: new Map(),
            compressible: compressible.has(extension) && body.length > 500,
          },
        ];
      }),
    ),
  );
}

async function sendFile(file: PageFile, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  reply
    .header('etag', file.etag)
    .header('vary', 'accept-encoding')
    .header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
    .type(file.type);
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
  const encoding = file.compressible ? encodingFor(request.headers['accept-encoding']) : undefined;
  if (encoding === undefined) return reply.send(file.body);
  let compressed = file.compressed.get(encoding);
  if (compressed === undefined) {
    compressed = encoders[encoding](file.body);
    file.compressed.set(encoding, compressed);
  }
  return reply.header('content-encoding', encoding).send(await compressed);
}

type Encoding = 'br' | 'gzip';
const brotli = promisify(brotliCompress);
const zip = promisify(gzip);
/** Quality 9 of brotli costs a tenth of quality 11 for 3 % more bytes: it is done while somebody waits. */
const encoders: Readonly<Record<Encoding, (body: Buffer) => Promise<Buffer>>> = {
  br: (body) => brotli(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: body.length } }),
  gzip: (body) => zip(body, { level: 9 }),
};

function encodingFor(accepted: string | string[] | undefined): Encoding | undefined {
  const offered = String(accepted ?? '')
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter((part) => !/;\s*q=0(\.0*)?$/.test(part))
    .map((part) => part.split(';')[0].trim());
  return (['br', 'gzip'] as const).find((encoding) => offered.includes(encoding));
}

/** Where addresses of the pages end: these belong to the API. */
const ownPaths = /^\/(api(\/|$)|(metrics|version|login)\/?$)/;

/** Whether an address that is no route may be one of the web pages. */
export function isPagePath(method: string, path: string): boolean {
  return (method === 'GET' || method === 'HEAD') && !ownPaths.test(path);
}

/** `/health` is the pages' as well: who asks for a page there is a browser, everybody else asks whether the server works. */
export function asksForPage({ method, headers, url }: FastifyRequest): boolean {
  return method === 'GET' && /^\/health\/?(\?|$)/.test(url) && (headers.accept ?? '').includes('text/html');
}
