export { openFsBlobs } from './fs.ts';
export type { FsBlobsOptions } from './fs.ts';
export type { BlobRef, BlobStat, BlobStore, ByteRange, PutOptions } from './port.ts';
