import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
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

/** Whether the bytes of a file are at hand: among the blobs, or in the workspace's cache. Nobody reads them for that. */
export async function hasFile({ blobs, objects }: FileBytesDeps, { sha256, md5 }: NamedFile): Promise<boolean> {
  return objects?.find(md5) !== undefined || (await blobs.has(asSha256(sha256)));
}

/**
 * The bytes of a file, from the blobs or else from the workspace's cache; the stream is checked against the SHA-256 at its end.
 * @throws GyreError DATA_LOSS when they are nowhere, or (from the stream) are not what was recorded
 */
export async function openFile({ blobs, objects }: FileBytesDeps, file: NamedFile): Promise<AsyncIterable<Uint8Array>> {
  const { path, sha256, md5 } = file;
  if (await blobs.has(asSha256(sha256))) return blobs.open(asSha256(sha256));
  const object = objects?.find(md5);
  if (object !== undefined) return checkedStream(object, file);
  throw new GyreError(
    'DATA_LOSS',
    `the bytes of ${path} are neither among the blobs nor in the workspace's cache (object ${md5}): "gyre data pull" fetches them from a remote`,
    { path, sha256, object: md5 },
  );
}

async function* checkedStream(object: string, { path, sha256, md5 }: NamedFile): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(object) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') === sha256) return;
  throw new GyreError('DATA_LOSS', `${path} is not what was recorded: object ${md5} of the workspace's cache is damaged`, {
    path,
    sha256,
    object: md5,
  });
}
