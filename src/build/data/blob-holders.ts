import type { BlobHolder } from '#blobs';
import { isSha256 } from '#core';
import type { Sha256 } from '#core';
import { listingFile } from './file-sets/listing.ts';

/** Where this room's records refer to blobs. What only remembers files of a folder keeps none: it asks whether they are there. */
export const dataBlobHolders: readonly BlobHolder[] = [
  {
    table: 'dataset_versions',
    key: ['digest', 'dataset'],
    columns: ['manifest', 'rows_digest'],
    record: 'dataset version',
    lists: ({ manifest }) => listingsOf(manifest),
  },
  { table: 'dataset_splits', key: ['id'], columns: ['split'], record: 'split' },
  { table: 'dataset_quality_reports', key: ['id'], columns: ['report'], record: 'quality report' },
  { table: 'lfs_objects', key: ['repository', 'oid'], columns: ['oid'], record: 'Git LFS object' },
];

/** A version of a folder names its files in a list, which is one of the manifest's. */
function listingsOf(manifest: unknown): readonly Sha256[] {
  const files: unknown = typeof manifest === 'object' && manifest !== null && 'files' in manifest ? manifest.files : [];
  return (Array.isArray(files) ? files : []).flatMap((file: unknown) => {
    if (typeof file !== 'object' || file === null || !('path' in file) || !('sha256' in file)) return [];
    return file.path === listingFile && typeof file.sha256 === 'string' && isSha256(file.sha256) ? [file.sha256] : [];
  });
}
