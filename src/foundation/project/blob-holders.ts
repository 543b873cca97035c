import type { BlobHolder } from '#blobs';

/** Where this room's records refer to blobs. */
export const projectBlobHolders: readonly BlobHolder[] = [
  { table: 'charter_versions', key: ['project', 'version'], columns: ['digest', 'charter'], record: 'charter version' },
];
