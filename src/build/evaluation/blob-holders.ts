import type { BlobHolder } from '#blobs';

/** Where this room's records refer to blobs. */
export const evaluationBlobHolders: readonly BlobHolder[] = [
  { table: 'test_reports', key: ['id'], columns: ['digest', 'dataset', 'record'], record: 'test report' },
];
