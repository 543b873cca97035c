import type { Db, Tx } from '#store';

interface Tables {
  image_features: {
    /** SHA-256 of the plan: network, scaling, and the function that makes pixels. */
    readonly plan: string;
    /** SHA-256 of the picture. */
    readonly image: string;
    /** A blob with the features of several pictures, one after the other. */
    readonly blob: string;
    /** Which of them, from 0. */
    readonly place: number;
  };
}

/** Where a picture's features lie. */
export interface FeaturePlace {
  readonly image: string;
  readonly blob: string;
  readonly place: number;
}

/** Databases limit the parameters of a statement. */
const imagesPerQuery = 500;

/** The known ones among these pictures. */
export async function selectImageFeatures(db: Db, plan: string, images: readonly string[]): Promise<readonly FeaturePlace[]> {
  const found: FeaturePlace[] = [];
  for (let from = 0; from < images.length; from += imagesPerQuery) {
    const rows = await db
      .tables<Tables>()
      .selectFrom('image_features')
      .select(['image', 'blob', 'place'])
      .where('plan', '=', plan)
      .where('image', 'in', images.slice(from, from + imagesPerQuery))
      .execute();
    found.push(...rows.map(({ image, blob, place }) => ({ image, blob, place })));
  }
  return found;
}

/** Keeps where features lie; those that another one kept meanwhile are the same. */
export async function insertImageFeatures(
  tx: Tx,
  { plan, blob, images }: { readonly plan: string; readonly blob: string; readonly images: readonly string[] },
): Promise<void> {
  const rows = images.map((image, place) => ({ plan, image, blob, place }));
  for (let from = 0; from < rows.length; from += imagesPerQuery / 4) {
    await tx
      .tables<Tables>()
      .insertInto('image_features')
      .values(rows.slice(from, from + imagesPerQuery / 4))
      .onConflict((conflict) => conflict.columns(['plan', 'image']).doNothing())
      .execute();
  }
}
