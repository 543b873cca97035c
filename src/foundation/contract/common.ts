import { Type, type Static, type TSchema } from 'typebox';

/** An object that has these members and no other: an unknown key is an error, not a silent typo. */
export function strict<P extends Record<string, TSchema>>(
  members: P,
  options: { readonly title?: string; readonly description?: string } = {},
) {
  return Type.Object(members, { additionalProperties: false, ...options });
}

/** One of these words. */
export function oneOf<W extends string[]>(
  words: readonly [...W],
  options: { readonly description?: string; readonly default?: W[number] } = {},
) {
  return Type.Enum<W>(words, options);
}

export const Id = Type.String({ minLength: 1, maxLength: 200 });
/** An instant: ISO 8601 in UTC with milliseconds. */
export const Instant = Type.String({ format: 'date-time' });
/** A SHA-256: 64 lower-case hex digits. */
export const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });
/** A name that people give: of a project, dataset, model, environment. */
export const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' });
/** A registered model's name: as MLflow's clients may choose it, so nearly any text, but without `/` and `:`, and no step up in a path. */
export const ModelName = Type.String({ minLength: 1, maxLength: 256, pattern: '^(?=\\s*\\S)(?!\\.\\.|\\.$)[^/:\\u0000]+$' });
/** The name of an alias. */
export const AliasName = Type.String({ pattern: '^[\\w-]{1,255}$' });

/** A length of time: "30s", "15m", "6h", "1d". */
export const Duration = Type.String({ pattern: '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d|w)$', description: 'such as 30s, 15m, 6h, 1d' });

/** A number that JSON can say, or null where it could not be measured. */
export const Measured = Type.Union([Type.Number(), Type.Null()]);

/** An interval around an estimate. */
export const Interval = strict({ low: Type.Number(), high: Type.Number(), level: Type.Number({ minimum: 0, maximum: 1 }) });
export type Interval = Static<typeof Interval>;

/** A person or machine that did something, as records name it. */
export const Actor = strict({ identity: Id, name: Type.String(), simulated: Type.Optional(Type.Boolean()) });
export type Actor = Static<typeof Actor>;

/** One automatic check with what was found, what was wanted, and the words for a person. */
export const Check = strict({
  name: Type.String(),
  passed: Type.Boolean(),
  observed: Type.Union([Type.Number(), Type.String(), Type.Boolean(), Type.Null()]),
  wanted: Type.String(),
  message: Type.String(),
});
export type Check = Static<typeof Check>;

/** What a list route answers: items, and the token of the next page where there is one. */
export function page<S extends TSchema>(item: S) {
  return strict({ items: Type.Array(item), next: Type.Optional(Type.String()) });
}
