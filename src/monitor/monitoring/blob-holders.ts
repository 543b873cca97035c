import type { BlobHolder } from '#blobs';

/** Where this room's records refer to blobs. */
export const monitoringBlobHolders: readonly BlobHolder[] = [
  { table: 'monitor_segments', key: ['id'], columns: ['id'], record: 'segment' },
  { table: 'monitor_windows', key: ['environment', 'endpoint', 'start', 'length_ms'], columns: ['findings', 'record'], record: 'window' },
  { table: 'alerts', key: ['id'], columns: ['findings', 'record'], record: 'alert' },
];
