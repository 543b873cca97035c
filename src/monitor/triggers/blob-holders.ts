import type { BlobHolder } from '#blobs';

/** Where this room's records refer to blobs. */
export const triggersBlobHolders: readonly BlobHolder[] = [{ table: 'actions', key: ['id'], columns: ['record'], record: 'action' }];
