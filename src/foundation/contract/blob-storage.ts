import { Type, type Static } from 'typebox';
import { strict } from './common.ts';

const Amount = strict({ count: Type.Integer(), bytes: Type.Integer({ description: 'of what is in them' }) });

/** How blobs are stored. */
export const BlobStorage = strict({
  address: Type.String({ description: 'a folder, or s3://bucket/prefix' }),
  key: Type.Optional(Type.String({ description: 'names the key that what is stored now is sealed with; left out: nothing is sealed' })),
  sealed: Amount,
  clear: Amount,
});
export type BlobStorage = Static<typeof BlobStorage>;
