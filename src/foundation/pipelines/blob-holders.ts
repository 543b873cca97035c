import type { BlobHolder } from '#blobs';

/** Where this room's records refer to blobs: steps keep their outputs by digest. */
export const pipelinesBlobHolders: readonly BlobHolder[] = [
  { table: 'pipeline_runs', key: ['id'], columns: ['parameters'], record: 'pipeline run' },
  { table: 'step_runs', key: ['id'], columns: ['plan', 'inputs', 'outputs'], record: 'step run' },
  { table: 'step_items', key: ['scope', 'item', 'since'], columns: ['inputs', 'outputs'], record: 'item' },
];
