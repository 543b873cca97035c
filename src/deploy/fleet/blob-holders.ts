import type { BlobHolder } from '#blobs';

/** Where this room's records refer to blobs. */
export const fleetBlobHolders: readonly BlobHolder[] = [
  { table: 'desired_states', key: ['environment'], columns: ['record'], record: 'desired state' },
];
