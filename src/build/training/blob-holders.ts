import type { BlobHolder } from '#blobs';

/** Where this room's records refer to blobs. */
export const trainingBlobHolders: readonly BlobHolder[] = [
  { table: 'runs', key: ['id'], columns: ['inputs', 'code', 'environment'], record: 'run' },
  { table: 'run_artifacts', key: ['run', 'path'], columns: ['digest'], record: 'artifact of run' },
  { table: 'run_parameters', key: ['run', 'key'], columns: ['value'], record: 'parameter of run' },
  { table: 'run_tags', key: ['run', 'key'], columns: ['value'], record: 'tag of run' },
  { table: 'studies', key: ['id'], columns: ['record'], record: 'study' },
];
