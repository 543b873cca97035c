export { openFsBlobs } from './fs.ts';
export type { FsBlobsOptions } from './fs.ts';
export { maxLfsPointerBytes, parseLfsPointer } from './lfs-pointer.ts';
export type { LfsPointer } from './lfs-pointer.ts';
export { openObjectStore } from './objects/open.ts';
export type { OpenObjectsOptions } from './objects/open.ts';
export type { ObjectStat, ObjectStore, TransferOptions } from './objects/port.ts';
export type { BlobRef, BlobStat, BlobStore, ByteRange, PutOptions } from './port.ts';
