import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { BlobStore } from '#blobs';
import { GyreError, asSha256 } from '#core';
import type { WorkspaceObjects } from '#workspace';

export interface FileBytesDeps {
  readonly blobs: BlobStore;
  /** The cache of the project's workspace, where files may be that were not copied. */
  readonly objects?: WorkspaceObjects;
}

/** A file by its digests. */
export interface NamedFile {
  readonly path: string;
  readonly sha256: string;
  readonly md5: string;
}

/** Bytes of files up to here are checked before the first of them is given away. */
const wholeBytes = 1024 * 1024;

/** Tells of files whether their bytes are at hand: in the workspace's cache, or among the blobs. Nobody reads them for that. */
export function fileLocator({ blobs, objects }: FileBytesDeps): (file: NamedFile) => Promise<boolean> {
  const find = objects?.finder();
  return async ({ sha256, md5 }) => find?.(md5) !== undefined || blobs.has(asSha256(sha256));
}

/**
 * The bytes of a file, from the blobs or else from the workspace's cache, checked against the SHA-256: those of a small file as a whole before they are
 * given, a stream at its end.
 * @throws GyreError DATA_LOSS when they are nowhere, or (of a large file: from the stream) are not what was recorded
 */
export async function openFile(
  { blobs, objects }: FileBytesDeps,
  file: NamedFile & { readonly size: number },
): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
  const { path, sha256, md5, size } = file;
  if (await blobs.has(asSha256(sha256))) return size <= wholeBytes ? blobs.read(asSha256(sha256)) : blobs.open(asSha256(sha256));
  const object = objects?.finder()(md5);
  if (object !== undefined) return size <= wholeBytes ? checkedBytes(object, file) : checkedStream(object, file);
  throw new GyreError(
    'DATA_LOSS',
    `the bytes of ${path} are neither among the blobs nor in the workspace's cache (object ${md5}): "gyre data pull" fetches them from a remote`,
    { path, sha256, object: md5 },
  );
}

async function checkedBytes(object: string, file: NamedFile): Promise<Uint8Array> {
  const bytes = await readFile(object);
  if (createHash('sha256').update(bytes).digest('hex') !== file.sha256) throw damagedError(file);
  return bytes;
}

async function* checkedStream(object: string, file: NamedFile): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(object) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== file.sha256) throw damagedError(file);
}

function damagedError({ path, sha256, md5 }: NamedFile): GyreError {
  return new GyreError('DATA_LOSS', `${path} is not what was recorded: object ${md5} of the workspace's cache is damaged`, {
    path,
    sha256,
    object: md5,
  });
}
