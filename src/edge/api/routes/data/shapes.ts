import { Type } from 'typebox';
import { strict } from '#contract';

export const DigestOrPrefix = Type.String({
  minLength: 6,
  maxLength: 64,
  description: 'of a dataset version, or at least its first 6 digits',
});
export const ByDigest = strict({ digest: DigestOrPrefix });
export const ByVersion = strict({
  digest: Type.String({
    minLength: 1,
    maxLength: 300,
    description: 'a digest or its beginning; `customers`: the newest version of that dataset; `customers@702a45d5`',
  }),
});
