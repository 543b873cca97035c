import type { BlobHolder } from '#blobs';

/** Where this room's records refer to blobs. */
export const registryBlobHolders: readonly BlobHolder[] = [
  { table: 'model_versions', key: ['id'], columns: ['package', 'files', 'signature', 'charter', 'brought'], record: 'model version' },
  { table: 'earlier_packages', key: ['package', 'version'], columns: ['package'], record: 'earlier package' },
  { table: 'model_version_tags', key: ['version', 'key'], columns: ['value'], record: 'tag of model version' },
];
