import { Type, type Static } from 'typebox';

/** RFC 9457 problem details: the body of every error that our own API answers. */
export const Problem = Type.Object({
  type: Type.String({ description: 'about:blank, or the page that explains this code' }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String({ description: 'what was wrong, where, and what would be right' }),
  instance: Type.Optional(Type.String({ description: 'the request id' })),
  code: Type.String({ description: "canonical error code (gRPC's names)" }),
  details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
export type Problem = Static<typeof Problem>;
