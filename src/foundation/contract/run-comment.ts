import { Type, type Static } from 'typebox';
import { Actor, Id, Instant, strict } from './common.ts';

export const CommentText = Type.String({ minLength: 1, maxLength: 20_000, description: 'Markdown; @name mentions an identity' });

/** What somebody said about a run. */
export const RunComment = strict({
  id: Id,
  run: Id,
  text: CommentText,
  mentions: Type.Array(Actor, { description: 'whom it mentions, by their names as they were then' }),
  by: Actor,
  at: Instant,
  editedAt: Type.Optional(Instant),
});
export type RunComment = Static<typeof RunComment>;

/** A comment that mentions somebody. */
export const Mention = strict({
  comment: RunComment,
  run: strict({ id: Id, name: Type.String(), experiment: Type.String() }),
  seen: Type.Boolean(),
});
export type Mention = Static<typeof Mention>;
