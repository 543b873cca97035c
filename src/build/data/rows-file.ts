import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobRef, ByteRange } from '#blobs';
import type { DatasetVersion } from '#contract';
import { GyreError, asSha256 } from '#core';
import type { Sha256 } from '#core';
import { parquetInfo, writeParquetQuery } from '#tables';
import { shownColumn } from './masking.ts';
import type { MaskedColumns } from './masking.ts';
import type { DataDeps } from './port.ts';

/** Masked files that are remembered; one that is forgotten is written again, to the same bytes. */
const mostRemembered = 1000;
const memoryLimitMib = 1024;

/** A file of rows: the SHA-256 of its bytes, how many there are, and they themselves. */
export interface RowsBlob extends Pick<BlobRef, 'digest' | 'size'> {
  readonly open: (range?: ByteRange) => Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Opens the way to a version's rows as one Parquet file, as a reader may see them: the version's own file, or one in which the masked
 * columns are masked, written once. The same version and columns give the same bytes. Nothing records a masked file, so a sweep may take it.
 */
export function rowsFiles(deps: DataDeps): (version: DatasetVersion, masked: MaskedColumns) => Promise<RowsBlob> {
  const known = new Map<string, Promise<Sha256>>();
  const stored = async (digest: Sha256): Promise<RowsBlob | undefined> => {
    const found = await deps.blobs.stat(digest);
    return found && { digest, size: found.size, open: (range) => deps.blobs.open(digest, range) };
  };
  return async (version, masked) => {
    const own = asSha256(version.rowsDigest);
    const hidden = version.schema.columns.map(({ name }) => name).filter((name) => masked.has(name));
    if (hidden.length === 0) {
      const found = await stored(own);
      if (found) return found;
      throw new GyreError('DATA_LOSS', `the rows of version ${version.digest} are gone: there is no blob ${own}`, {
        version: version.digest,
      });
    }
    const name = JSON.stringify([own, hidden]);
    const before = known.get(name);
    const kept = before === undefined ? undefined : await stored(await before);
    if (kept) return kept;
    // whoever asks for the same file meanwhile waits for the same writing
    const writing = known.get(name) === before ? writeMasked(deps, own, masked) : (known.get(name) ?? writeMasked(deps, own, masked));
    if (known.size >= mostRemembered) known.clear();
    known.set(name, writing);
    try {
      const made = await stored(await writing);
      if (made) return made;
    } catch (error) {
      known.delete(name);
      throw error;
    }
    throw new GyreError('UNAVAILABLE', 'the masked file was swept away before it could be read: try again', {});
  };
}

async function writeMasked(deps: DataDeps, own: Sha256, masked: MaskedColumns): Promise<Sha256> {
  const rows = await deps.blobs.localPath(own, { verify: true });
  const { schema } = await parquetInfo(rows);
  const folder = await mkdtemp(join(deps.temporary ?? tmpdir(), 'gyre-masked-'));
  try {
    const path = join(folder, 'rows.parquet');
    const shown = schema.map((column) => shownColumn(column, masked)).join(', ');
    await writeParquetQuery(path, `SELECT ${shown} FROM rows`, { rows }, { spillFolder: folder, memoryLimitMib });
    return (await deps.blobs.putFile(path)).digest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
