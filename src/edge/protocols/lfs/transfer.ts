import { byteRangeOf } from '#contract';
import { GyreError, isSha256 } from '#core';
import type { Sha256 } from '#core';
import { json } from './batch.ts';
import { demand } from './permission.ts';
import type { LfsAnswer, LfsCall, LfsOptions } from './port.ts';
import { VerifyRequest, readJson } from './shapes.ts';

/** Takes an object's bytes. What does not have the SHA-256 that the address names, or ends early, leaves nothing. */
export async function upload({ lfs }: LfsOptions, { params, principal, body }: LfsCall): Promise<LfsAnswer> {
  demand(principal, 'build');
  await lfs.put({ repository: params.repository, oid: oidOf(params.oid), bytes: body, by: principal.actor });
  return json({});
}

/** Gives an object, or the part of it that is still missing (RFC 9110, section 14). */
export async function download({ lfs }: LfsOptions, { params, principal, headers }: LfsCall): Promise<LfsAnswer> {
  demand(principal, 'read');
  const oid = oidOf(params.oid);
  const size = (await lfs.sizes(params.repository, [oid])).get(oid);
  if (size === undefined) throw new GyreError('NOT_FOUND', `the repository "${params.repository}" has no object ${oid}`, { oid });
  const common = {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'cache-control': 'private, immutable, max-age=31536000',
    etag: `"${oid}"`,
  };
  const range = byteRangeOf(headers.range, size);
  if (range === 'whole') {
    const bytes = await lfs.open(params.repository, oid);
    return { status: 200, headers: { ...common, 'content-length': String(size) }, body: bytes };
  }
  if (range === 'outside') {
    const message = `the range "${headers.range ?? ''}" lies outside of object ${oid}, which has ${size} bytes`;
    throw new GyreError('OUT_OF_RANGE', message, { status: 416, contentRange: `bytes */${size}` });
  }
  const { start, end } = range;
  return {
    status: 206,
    headers: { ...common, 'content-range': `bytes ${start}-${end - 1}/${size}`, 'content-length': String(end - start) },
    body: await lfs.open(params.repository, oid, range),
  };
}

/** Says whether an object has arrived whole. */
export async function verify({ lfs }: LfsOptions, call: LfsCall): Promise<LfsAnswer> {
  demand(call.principal, 'build');
  const { oid: given, size } = await readJson(VerifyRequest, call);
  const oid = oidOf(given);
  const found = (await lfs.sizes(call.params.repository, [oid])).get(oid);
  if (found === undefined) throw new GyreError('NOT_FOUND', `object ${oid} has not arrived`, { oid });
  if (found !== size) throw new GyreError('INVALID_ARGUMENT', `object ${oid} has ${found} bytes, not ${size}`, { oid, size: found });
  return json({});
}

function oidOf(text: string): Sha256 {
  if (isSha256(text)) return text;
  throw new GyreError('INVALID_ARGUMENT', `"${text.slice(0, 100)}" is no oid: a SHA-256 of 64 lower-case hex digits is needed`);
}
