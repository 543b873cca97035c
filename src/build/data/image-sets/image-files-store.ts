import type { ImageFacts } from '#images';
import type { Db, Tx } from '#store';

/** What is remembered of a file, so that it is neither read nor decoded again while it stays as it is. */
export interface RememberedFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly size: number;
  readonly stamp: string;
  readonly sha256: string;
  readonly md5: string;
  readonly facts: ImageFacts;
}

interface Row extends RememberedFile {
  /** Absolute. */
  readonly folder: string;
  /** The name of how the facts were found out; those of another one are looked at again. */
  readonly facts_by: string;
}

interface Tables {
  dataset_image_files: Row;
}

/** Everything that is remembered of a folder. */
export async function rememberedFiles(db: Db, folder: string, factsBy: string): Promise<RememberedFile[]> {
  return db
    .tables<Tables>()
    .selectFrom('dataset_image_files')
    .select(['path', 'size', 'stamp', 'sha256', 'md5', 'facts'])
    .where('folder', '=', folder)
    .where('facts_by', '=', factsBy)
    .execute();
}

/** Both databases take this many rows of this many columns in one statement. */
const rowsPerStatement = 500;

/** Remembers files of a folder; what was remembered of the same paths before is replaced. */
export async function rememberFiles(
  tx: Tx,
  { folder, factsBy, files }: { readonly folder: string; readonly factsBy: string; readonly files: readonly RememberedFile[] },
): Promise<void> {
  for (let start = 0; start < files.length; start += rowsPerStatement) {
    await tx
      .tables<Tables>()
      .insertInto('dataset_image_files')
      .values(files.slice(start, start + rowsPerStatement).map((file) => ({ folder, facts_by: factsBy, ...file })))
      .onConflict((conflict) =>
        conflict.columns(['folder', 'path']).doUpdateSet((row) => ({
          size: row.ref('excluded.size'),
          stamp: row.ref('excluded.stamp'),
          sha256: row.ref('excluded.sha256'),
          md5: row.ref('excluded.md5'),
          facts_by: row.ref('excluded.facts_by'),
          facts: row.ref('excluded.facts'),
        })),
      )
      .execute();
  }
}

/** Forgets files of a folder that are there no more. */
export async function forgetFiles(
  tx: Tx,
  { folder, paths }: { readonly folder: string; readonly paths: readonly string[] },
): Promise<void> {
  for (let start = 0; start < paths.length; start += rowsPerStatement) {
    await tx
      .tables<Tables>()
      .deleteFrom('dataset_image_files')
      .where('folder', '=', folder)
      .where('path', 'in', paths.slice(start, start + rowsPerStatement))
      .execute();
  }
}
