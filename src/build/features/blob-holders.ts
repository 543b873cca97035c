import type { BlobHolder } from '#blobs';

/** Where this room's records refer to blobs. */
export const featuresBlobHolders: readonly BlobHolder[] = [
  { table: 'transforms', key: ['id'], columns: ['digest', 'fitted_on', 'record'], record: 'transform' },
  { table: 'image_features', key: ['plan', 'image'], columns: ['blob'], record: 'features of a picture' },
];
