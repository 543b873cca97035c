import { byteRangeOf } from '#contract';
import { GyreError } from '#core';
import { requireArtifactPath } from '#training';
import type { ArtifactTree } from '#training';
import type { MlflowAnswer, MlflowCall } from './port.ts';

/** What MLflow shows as text, whatever it is (mlflow/utils/mime_type_utils.py). */
const asText = new Set(
  'txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json js py py3 csv tsv md rst mlmodel mlproject'.split(' '),
);
const types: Readonly<Record<string, string>> = {
  avif: 'image/avif',
  bmp: 'image/bmp',
  css: 'text/css',
  gif: 'image/gif',
  gz: 'application/gzip',
  htm: 'text/html',
  html: 'text/html',
  ico: 'image/vnd.microsoft.icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  ogg: 'audio/ogg',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  wav: 'audio/wav',
  webm: 'video/webm',
  webp: 'image/webp',
  zip: 'application/zip',
};

/** The media type that a name speaks of; clients’ own words for it are not asked. */
function typeOf(name: string): string {
  const extension = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  return asText.has(extension) ? 'text/plain' : (types[extension] ?? 'application/octet-stream');
}

/**
 * What whoever opens a file in a browser is protected by: it is saved instead of shown, nobody guesses that it is a page, and if it were shown
 * all the same, it has an origin of its own without scripts, forms and requests.
 */
function safetyHeaders(name: string): Readonly<Record<string, string>> {
  // As MLflow writes it where the name is a token (RFC 9110, 5.6.2), else in UTF-8 (RFC 8187).
  const isToken = /^[\w!#$&+.^`|~-]+$/.test(name);
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return {
    'content-disposition': `attachment; filename${isToken ? `=${name}` : `*=UTF-8''${encoded}`}`,
    'content-security-policy': "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  };
}

/** A file that can be answered with. */
interface FileToGive {
  /** Whose last name is the file's. */
  readonly path: string;
  /** SHA-256. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  /** @param range `end` exclusive */
  readonly open: (range?: { readonly start: number; readonly end: number }) => Promise<AsyncIterable<Uint8Array>>;
}

/** Gives a file of the tree, or a part of it. @throws GyreError NOT_FOUND; INVALID_ARGUMENT for a folder; OUT_OF_RANGE (416) */
export async function answerFile(tree: ArtifactTree, path: string, call: MlflowCall): Promise<MlflowAnswer> {
  const entry = await tree.stat(path);
  if (entry === undefined) throw noArtifact(path);
  if (entry.kind === 'folder') throw new GyreError('INVALID_ARGUMENT', `'${path}' is a folder: name a file in it`, { path });
  return answerWithFile({ ...entry, open: (range) => tree.open(path, range) }, call);
}

export function noArtifact(path: string): GyreError {
  return new GyreError('NOT_FOUND', `No such artifact: '${path}'`, { path });
}

/** Gives a file, or a part of it (RFC 9110, 13 and 14). @throws GyreError OUT_OF_RANGE (416) */
export async function answerWithFile({ path, digest, size, open }: FileToGive, { method, headers }: MlflowCall): Promise<MlflowAnswer> {
  const etag = `"${digest}"`;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const common = {
    ...safetyHeaders(name),
    'content-type': typeOf(name),
    'accept-ranges': 'bytes',
    // The path may get another file; the tag says whether it did.
    'cache-control': 'private, no-cache',
    etag,
  };
  if (headers['if-none-match'] === etag) return { status: 304, headers: common, body: '' };
  const isStale = headers['if-range'] !== undefined && headers['if-range'] !== etag;
  const range = isStale ? 'whole' : byteRangeOf(headers.range, size);
  if (range === 'outside') {
    const message = `the range '${headers.range ?? ''}' lies outside of '${path}', which has ${size} bytes`;
    throw new GyreError('OUT_OF_RANGE', message, { status: 416, contentRange: `bytes */${size}` });
  }
  const isHead = method === 'HEAD';
  if (range === 'whole') {
    return { status: 200, headers: { ...common, 'content-length': String(size) }, body: isHead ? '' : await open() };
  }
  const { start, end } = range;
  return {
    status: 206,
    headers: { ...common, 'content-range': `bytes ${start}-${end - 1}/${size}`, 'content-length': String(end - start) },
    body: isHead ? '' : await open(range),
  };
}

/**
 * The path that a caller gave, below some root.
 * @throws GyreError INVALID_ARGUMENT in the words that clients know
 */
export function safePath(path: string): string {
  // As MLflow: behind it, clients that make addresses of paths would lose the rest.
  if (path.includes('#')) throw new GyreError('INVALID_ARGUMENT', 'Invalid path', { path });
  try {
    return requireArtifactPath(path);
  } catch (cause) {
    throw new GyreError('INVALID_ARGUMENT', 'Invalid path', { path }, { cause });
  }
}

/** All of one folder as the protocol lists it. @param shownBelow what stands before each name; `''`: nothing */
export async function filesOfFolder(tree: ArtifactTree, folder: string, shownBelow: string): Promise<readonly object[]> {
  const files: object[] = [];
  let after: string | undefined;
  do {
    const page = await tree.list(folder, { limit: 10_000, ...(after === undefined ? {} : { after }) });
    for (const entry of page.items) files.push(fileInfo(entry, shownBelow));
    after = page.next;
  } while (after !== undefined);
  return files;
}

/** A file or a folder, by its path. */
type Entry = { readonly kind: 'file'; readonly path: string; readonly size: number } | { readonly kind: 'folder'; readonly path: string };

/** An entry as the protocol says it. @param shownBelow what stands before its name; `''`: nothing */
export function fileInfo(entry: Entry, shownBelow: string): object {
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
  const path = shownBelow === '' ? name : `${shownBelow}/${name}`;
  return entry.kind === 'folder' ? { path, is_dir: true } : { path, is_dir: false, file_size: entry.size };
}
