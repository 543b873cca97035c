import { Type } from 'typebox';
import { strict } from '#contract';

export const DigestOrPrefix = Type.String({
  minLength: 6,
  maxLength: 64,
  description: 'of a dataset version, or at least its first 6 digits',
});
export const ByDigest = strict({ digest: DigestOrPrefix });
