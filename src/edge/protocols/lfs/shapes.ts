import { Type, type Static, type TSchema } from 'typebox';
import { Check, Errors } from 'typebox/schema';
import { GyreError, messageOf } from '#core';
import type { LfsCall } from './port.ts';

/*
 * Shapes of git-lfs docs/api. Members that they do not name are taken: clients of other versions send more.
 */

const LfsObject = Type.Object({ oid: Type.String({ maxLength: 200 }), size: Type.Integer({ minimum: 0 }) });

export const BatchRequest = Type.Object({
  operation: Type.Enum(['download', 'upload']),
  transfers: Type.Optional(Type.Array(Type.String())),
  objects: Type.Array(LfsObject),
  hash_algo: Type.Optional(Type.String()),
});
export type BatchRequest = Static<typeof BatchRequest>;

export const VerifyRequest = LfsObject;

export const LockVerifyRequest = Type.Object({
  cursor: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
});

export const LockRequest = Type.Object({ path: Type.String({ minLength: 1, maxLength: 4096 }) });

export const UnlockRequest = Type.Object({ force: Type.Optional(Type.Boolean()) });

/** More than a batch of a thousand objects takes. */
const bodyLimitBytes = 1024 * 1024;

/** @throws GyreError OUT_OF_RANGE for a body that is too long; INVALID_ARGUMENT naming what does not fit */
export async function readJson<S extends TSchema>(schema: S, { body, headers }: LfsCall): Promise<Static<S>> {
  requireMediaType(headers.accept);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > bodyLimitBytes)
      throw new GyreError('OUT_OF_RANGE', `the body is larger than ${bodyLimitBytes} bytes: ask for fewer objects at once`);
    chunks.push(chunk);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `the body is no JSON: ${messageOf(error)}`, {}, { cause: error });
  }
  if (Check(schema, value)) return value;
  const [, [problem]] = Errors(schema, value);
  throw new GyreError('INVALID_ARGUMENT', `body${problem?.instancePath ?? ''} ${problem?.message ?? 'has another shape'}`);
}

/** @throws GyreError with `details.status` 406 when the caller takes no JSON */
export function requireMediaType(accept: string | undefined): void {
  if (accept === undefined || /application\/(vnd\.git-lfs\+json|json|\*)|\*\/\*/i.test(accept)) return;
  throw new GyreError('INVALID_ARGUMENT', `"Accept: application/vnd.git-lfs+json" is needed, not "${accept.slice(0, 100)}"`, {
    status: 406,
  });
}
