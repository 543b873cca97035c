import type { BlobStore } from '#blobs';
import type { ArtifactFile } from '#contract';
import { GyreError, asSha256, sha256 } from '#core';
import type { Clock, RandomBytes } from '#core';
import type { Store, Tx } from '#store';
import { nameFile } from './artifacts-store.ts';
import { requireArtifactPath } from './paths.ts';
import type { ArtifactUploads, Upload } from './port.ts';
import { deleteUpload, deleteUploadsBefore, endUpload, insertUpload, partsOf, uploadOf, upsertPart } from './uploads-store.ts';
import type { PartRow, UploadRow } from './uploads-store.ts';

const mostParts = 10_000;
/** As long as somebody may take who uploads over a slow line and begins again after a weekend. */
const keptMs = 7 * 86_400_000;

export interface UploadsDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

/** Uploads in parts over a migrated store. */
export function openUploads({ store, blobs, clock, randomBytes }: UploadsDeps): ArtifactUploads {
  const random = (bytes: number): string => Buffer.from(randomBytes(bytes)).toString('base64url');
  const find = async ({ id, path }: Pick<Upload, 'id' | 'path'>): Promise<UploadRow> => {
    const found = await store.read((db) => uploadOf(db, id));
    if (found?.path === path) return found;
    throw new GyreError('NOT_FOUND', `there is no upload "${id.slice(0, 100)}" of "${path}": begin a new one`, { path });
  };

  return {
    async begin({ path, parts }) {
      requireArtifactPath(path);
      if (!Number.isSafeInteger(parts) || parts < 1 || parts > mostParts)
        throw new GyreError('INVALID_ARGUMENT', `a file comes in 1 to ${mostParts} parts, not in ${parts}`, { parts });
      const [id, key, now] = [random(16), random(32), clock.now()];
      await store.write(
        async (tx: Tx, row: UploadRow) => {
          await deleteUploadsBefore(tx, now - keptMs);
          await insertUpload(tx, row);
        },
        {
          id,
          path,
          key_digest: sha256(key),
          parts,
          begun_at: now,
          digest: null,
          size: 0,
        },
      );
      return { id, key, path };
    },

    async putPart({ id, key }, part, bytes) {
      const upload = await store.read((db) => uploadOf(db, id));
      // Digests are compared: how long that takes says nothing of the key.
      if (upload === undefined || upload.key_digest !== sha256(key))
        throw new GyreError('UNAUTHENTICATED', 'there is no such upload, or it has another key');
      if (!Number.isSafeInteger(part) || part < 1 || part > upload.parts)
        throw new GyreError('OUT_OF_RANGE', `part ${part} was not announced: the upload has parts 1 to ${upload.parts}`, { part });
      const { digest, size } = await blobs.put(bytes);
      await store.write(
        async (tx: Tx, row: PartRow) => {
          const now = await uploadOf(tx, row.upload);
          if (now === undefined || now.digest !== null)
            throw new GyreError('FAILED_PRECONDITION', `the upload of "${upload.path}" has ended: it takes no more parts`);
          await upsertPart(tx, row);
        },
        { upload: id, part, digest, size },
      );
      return digest;
    },

    async complete({ id, path }, parts) {
      const upload = await find({ id, path });
      if (upload.digest !== null) return { path, digest: upload.digest, size: upload.size };
      const kept = await store.read((db) => partsOf(db, id));
      requireSame(path, kept, parts);
      const { digest, size } = await blobs.put(joined(blobs, kept));
      const file: ArtifactFile = { path, digest, size };
      await store.write(async (tx: Tx, at: number) => {
        await nameFile(tx, { file, at });
        await endUpload(tx, { id, digest, size });
      }, clock.now());
      return file;
    },

    abort: ({ id, path }) =>
      store.write(async (tx) => {
        if ((await uploadOf(tx, id))?.path === path) await deleteUpload(tx, id);
      }, undefined),

    forgetOld: () => store.write(deleteUploadsBefore, clock.now() - keptMs),
  };
}

/** @throws GyreError FAILED_PRECONDITION naming the first part that differs from what was sent */
function requireSame(path: string, kept: readonly PartRow[], sent: readonly { readonly part: number; readonly digest: string }[]): void {
  const wanted = sent.toSorted((left, right) => left.part - right.part);
  const refuse = (part: number, problem: string): GyreError =>
    new GyreError('FAILED_PRECONDITION', `part ${part} of "${path}" ${problem}: send it again, then complete`, { path, part });
  if (wanted.length === 0) throw new GyreError('INVALID_ARGUMENT', `the parts of "${path}" are needed, with what answered each`, { path });
  for (let at = 0; at < Math.max(kept.length, wanted.length); at++) {
    const number = at + 1;
    if (wanted[at]?.part !== number) throw refuse(number, 'is not among those to be joined');
    if (kept[at]?.part !== number) throw refuse(number, 'has not arrived');
    if (kept[at].digest !== wanted[at].digest) throw refuse(number, 'is another one than was sent');
  }
}

async function* joined(blobs: BlobStore, parts: readonly PartRow[]): AsyncGenerator<Uint8Array> {
  for (const { digest } of parts) yield* await blobs.open(asSha256(digest));
}
