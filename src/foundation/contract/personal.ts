import { Type, type Static } from 'typebox';
import { Digest, Name, oneOf, strict } from './common.ts';

export const PersonalSuggestion = strict({
  column: Type.String(),
  kind: Type.String({ description: 'such as e-mail address, IBAN, date of birth' }),
  tag: oneOf(['personal', 'sensitive']),
  evidence: Type.String(),
});
export type PersonalSuggestion = Static<typeof PersonalSuggestion>;

/** The columns of a version that are masked for whoever may not see personal data, and why each is. */
export const PersonalColumns = strict({
  dataset: Name,
  version: Digest,
  columns: Type.Array(
    strict({
      column: Type.String(),
      why: oneOf(['declared', 'charter', 'suggested'], {
        description: 'suggested: until the reviewed schema says personal: true or false',
      }),
      kind: Type.Optional(Type.String()),
      evidence: Type.Optional(Type.String()),
    }),
  ),
});
export type PersonalColumns = Static<typeof PersonalColumns>;
