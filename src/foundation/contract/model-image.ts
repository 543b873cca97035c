import { Type, type Static } from 'typebox';
import { Actor, Digest, Id, Instant, ModelName, Name, strict } from './common.ts';

/** An image that is asked for. */
export const ImageRequest = strict({
  environment: Type.Optional({ ...Name, description: 'which of the project’s environments it is for: its gates must be passed' }),
  push: Type.Optional(
    Type.String({
      minLength: 3,
      maxLength: 512,
      description: 'where it is sent, such as registry.example.org/churn:3, if the platform’s settings allow it',
    }),
  ),
});
export type ImageRequest = Static<typeof ImageRequest>;

/** A container image of a model version that the platform made. */
export const ModelImage = strict({
  id: Id,
  modelVersion: Id,
  model: ModelName,
  version: Type.Integer({ minimum: 1 }),
  package: Digest,
  digest: Type.String({ pattern: '^sha256:[0-9a-f]{64}$', description: 'of its manifest' }),
  architecture: Type.String(),
  size: Type.Integer({ description: 'bytes to send' }),
  signedBy: Type.Optional(Type.String({ description: 'the fingerprint of the key' })),
  image: Type.Optional(Type.String({ description: 'where it was sent, by its digest' })),
  environment: Type.Optional(Name),
  madeAt: Instant,
  by: Actor,
});
export type ModelImage = Static<typeof ModelImage>;
