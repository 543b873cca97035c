import type { Db, Tx } from '#store';

export interface UploadRow {
  readonly id: string;
  readonly path: string;
  /** SHA-256 of the key. */
  readonly key_digest: string;
  readonly parts: number;
  readonly begun_at: number;
  /** The joined file's SHA-256, once it is complete. */
  readonly digest: string | null;
  readonly size: number;
}

export interface PartRow {
  readonly upload: string;
  readonly part: number;
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

interface Tables {
  artifact_uploads: UploadRow;
  artifact_upload_parts: PartRow;
}

export async function insertUpload(tx: Tx, row: UploadRow): Promise<void> {
  await tx.tables<Tables>().insertInto('artifact_uploads').values(row).execute();
}

export async function uploadOf(db: Db, id: string): Promise<UploadRow | undefined> {
  return db.tables<Tables>().selectFrom('artifact_uploads').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function upsertPart(tx: Tx, row: PartRow): Promise<void> {
  const { digest, size } = row;
  await tx
    .tables<Tables>()
    .insertInto('artifact_upload_parts')
    .values(row)
    .onConflict((conflict) => conflict.columns(['upload', 'part']).doUpdateSet({ digest, size }))
    .execute();
}

/** In the order of their numbers. */
export async function partsOf(db: Db, upload: string): Promise<readonly PartRow[]> {
  return db.tables<Tables>().selectFrom('artifact_upload_parts').selectAll().where('upload', '=', upload).orderBy('part').execute();
}

/** Says what came of an upload; its parts are needed no more. */
export async function endUpload(
  tx: Tx,
  { id, digest, size }: { readonly id: string; readonly digest: string; readonly size: number },
): Promise<void> {
  const tables = tx.tables<Tables>();
  await tables.updateTable('artifact_uploads').set({ digest, size }).where('id', '=', id).execute();
  await tables.deleteFrom('artifact_upload_parts').where('upload', '=', id).execute();
}

export async function deleteUpload(tx: Tx, id: string): Promise<void> {
  await tx.tables<Tables>().deleteFrom('artifact_upload_parts').where('upload', '=', id).execute();
  await tx.tables<Tables>().deleteFrom('artifact_uploads').where('id', '=', id).execute();
}

/** Forgets uploads that began before an instant. @param before UTC milliseconds */
export async function deleteUploadsBefore(tx: Tx, before: number): Promise<void> {
  const old = tx.tables<Tables>().selectFrom('artifact_uploads').select('id').where('begun_at', '<', before);
  await tx.tables<Tables>().deleteFrom('artifact_upload_parts').where('upload', 'in', old).execute();
  await tx.tables<Tables>().deleteFrom('artifact_uploads').where('begun_at', '<', before).execute();
}
