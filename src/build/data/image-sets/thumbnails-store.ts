import type { Db, Tx } from '#store';

interface Tables {
  dataset_image_thumbnails: { readonly sha256: string; readonly size: number; readonly made_by: string; readonly thumbnail: string };
}

/** How a thumbnail is known: of which image, how large, made how. */
export interface ThumbnailKey {
  readonly sha256: string;
  /** Pixels. */
  readonly size: number;
  readonly madeBy: string;
}

/** The blob that holds a thumbnail. */
export async function thumbnailOf(db: Db, { sha256, size, madeBy }: ThumbnailKey): Promise<string | undefined> {
  const found = await db
    .tables<Tables>()
    .selectFrom('dataset_image_thumbnails')
    .select('thumbnail')
    .where('sha256', '=', sha256)
    .where('size', '=', size)
    .where('made_by', '=', madeBy)
    .executeTakeFirst();
  return found?.thumbnail;
}

export async function keepThumbnail(
  tx: Tx,
  { sha256, size, madeBy, thumbnail }: ThumbnailKey & { readonly thumbnail: string },
): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('dataset_image_thumbnails')
    .values({ sha256, size, made_by: madeBy, thumbnail })
    .onConflict((conflict) => conflict.columns(['sha256', 'size', 'made_by']).doUpdateSet({ thumbnail }))
    .execute();
}
