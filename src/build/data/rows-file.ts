import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobRef, ByteRange } from '#blobs';
import type { DatasetVersion } from '#contract';
import { GyreError, asSha256 } from '#core';
import type { Sha256 } from '#core';
import { parquetInfo, writeParquetQuery, writeRowsText } from '#tables';
import type { TextFormat } from '#tables';
import { shownColumn } from './masking.ts';
import type { MaskedColumns } from './masking.ts';
import { usualMemoryMib } from './memory.ts';
import type { DataDeps } from './port.ts';

/** Files that are remembered; one that is forgotten is written again, to the same bytes. */
const mostRemembered = 1000;

export type RowsFormat = 'parquet' | TextFormat;

/** A file of rows: the SHA-256 of its bytes, how many there are, and they themselves. */
export interface RowsBlob extends Pick<BlobRef, 'digest' | 'size'> {
  readonly open: (range?: ByteRange) => Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Opens the way to a version's rows as one file, as a reader may see them: the version's own Parquet file, or one that is written once, in
 * which the masked columns are masked, or as text. The same version, columns and format give the same bytes. Nothing records a file that was
 * written so, and a sweep may take it.
 */
export function rowsFiles(deps: DataDeps): (version: DatasetVersion, masked: MaskedColumns, format?: RowsFormat) => Promise<RowsBlob> {
  const known = new Map<string, Promise<Sha256>>();
  const stored = async (digest: Sha256): Promise<RowsBlob | undefined> => {
    const found = await deps.blobs.stat(digest);
    return found && { digest, size: found.size, open: (range) => deps.blobs.open(digest, range) };
  };
  return async (version, masked, format = 'parquet') => {
    const own = asSha256(version.rowsDigest);
    const hidden = version.schema.columns.map(({ name }) => name).filter((name) => masked.has(name));
    if (hidden.length === 0 && format === 'parquet') {
      const found = await stored(own);
      if (found) return found;
      throw new GyreError('DATA_LOSS', `the rows of version ${version.digest} are gone: there is no blob ${own}`, {
        version: version.digest,
      });
    }
    const name = JSON.stringify([own, hidden, format]);
    const before = known.get(name);
    const kept = before === undefined ? undefined : await stored(await before);
    if (kept) return kept;
    // whoever asks for the same file meanwhile waits for the same writing
    const write = (): Promise<Sha256> => writeShown(deps, own, masked, format);
    const writing = known.get(name) === before ? write() : (known.get(name) ?? write());
    if (known.size >= mostRemembered) known.clear();
    known.set(name, writing);
    try {
      const made = await stored(await writing);
      if (made) return made;
    } catch (error) {
      known.delete(name);
      throw error;
    }
    throw new GyreError('UNAVAILABLE', 'the file was swept away before it could be read: try again', {});
  };
}

async function writeShown(deps: DataDeps, own: Sha256, masked: MaskedColumns, format: RowsFormat): Promise<Sha256> {
  const rows = await deps.blobs.localPath(own, { verify: true });
  const { schema } = await parquetInfo(rows);
  const folder = await mkdtemp(join(deps.temporary ?? tmpdir(), 'gyre-masked-'));
  try {
    const path = join(folder, 'rows.parquet');
    const shown = schema.map((column) => shownColumn(column, masked)).join(', ');
    const options = { spillFolder: folder, memoryLimitMib: deps.memoryLimitMib ?? usualMemoryMib };
    await writeParquetQuery(path, `SELECT ${shown} FROM rows`, { rows }, options);
    if (format === 'parquet') return (await deps.blobs.putFile(path)).digest;
    const text = join(folder, `rows.${format}`);
    await writeRowsText(text, path, format, options);
    return (await deps.blobs.putFile(text)).digest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
