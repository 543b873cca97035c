import { GyreError, isSha256 } from '#core';
import type { Sha256 } from '#core';
import { lfsMediaType } from './errors.ts';
import { demand } from './permission.ts';
import type { LfsAnswer, LfsCall, LfsOptions } from './port.ts';
import { BatchRequest, readJson } from './shapes.ts';

/** git-lfs sends a hundred. */
const maxObjects = 1000;

interface Action {
  readonly href: string;
}

type ObjectAnswer = { readonly oid: string; readonly size: number } & (
  | { readonly actions?: Readonly<Record<string, Action>> }
  | { readonly error: { readonly code: number; readonly message: string } }
);

/** Says for each object where it is downloaded from or uploaded to; an object that the repository has needs no upload. */
export async function batch({ lfs }: LfsOptions, call: LfsCall): Promise<LfsAnswer> {
  const { principal, params, address } = call;
  demand(principal, 'read');
  const { operation, objects, hash_algo = 'sha256' } = await readJson(BatchRequest, call);
  if (operation === 'upload') demand(principal, 'build');
  if (hash_algo !== 'sha256') throw new GyreError('FAILED_PRECONDITION', `objects are named by sha256 here, not by ${hash_algo}`);
  if (objects.length > maxObjects)
    throw new GyreError('OUT_OF_RANGE', `${objects.length} objects are too many for one request: ask for at most ${maxObjects}`);
  const oids = objects.map(({ oid }) => oid).filter(isSha256);
  const sizes = await lfs.sizes(params.repository, [...new Set(oids)]);
  const here = `${address}/lfs/${encodeURIComponent(params.repository)}`;
  const answerOf = operation === 'upload' ? uploadOf : downloadOf;
  const answers = objects.map((object) => answerOf(object, sizes, here, params.repository));
  return json({ transfer: 'basic', objects: answers, hash_algo: 'sha256' });
}

type Answering = (
  object: BatchRequest['objects'][number],
  sizes: ReadonlyMap<Sha256, number>,
  here: string,
  repository: string,
) => ObjectAnswer;

const downloadOf: Answering = (object, sizes, here, repository) => {
  const { oid } = object;
  if (!isSha256(oid)) return invalid(object);
  const size = sizes.get(oid);
  if (size === undefined) {
    return {
      ...object,
      error: { code: 404, message: `the repository "${repository}" has no object ${oid}: push it from a clone that has it` },
    };
  }
  if (size !== object.size) return wrongSize(object, size);
  return { ...object, actions: { download: { href: `${here}/objects/${oid}` } } };
};

const uploadOf: Answering = (object, sizes, here) => {
  const { oid } = object;
  if (!isSha256(oid)) return invalid(object);
  const size = sizes.get(oid);
  if (size === undefined)
    return { ...object, actions: { upload: { href: `${here}/objects/${oid}` }, verify: { href: `${here}/objects/verify` } } };
  return size === object.size ? { ...object } : wrongSize(object, size);
};

function invalid(object: BatchRequest['objects'][number]): ObjectAnswer {
  return { ...object, error: { code: 422, message: `"${object.oid}" is no oid: a SHA-256 of 64 lower-case hex digits is needed` } };
}

function wrongSize(object: BatchRequest['objects'][number], size: number): ObjectAnswer {
  return { ...object, error: { code: 422, message: `object ${object.oid} has ${size} bytes, not ${object.size}` } };
}

/** An answer in the protocol's own JSON. */
export function json(value: object, status = 200): LfsAnswer {
  return { status, headers: { 'content-type': lfsMediaType, 'cache-control': 'no-store' }, body: JSON.stringify(value) };
}
