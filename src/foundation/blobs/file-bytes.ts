import { createReadStream } from 'node:fs';
import { GyreError } from '#core';
import { fromFileSystem } from './incoming.ts';
import type { ByteRange } from './port.ts';

/**
 * A file's bytes; it is opened when somebody reads and closed when the reader stops.
 * @param range of all its bytes when left out; never an empty one
 */
export async function* fileBytes(path: string, range?: Required<ByteRange>): AsyncGenerator<Uint8Array> {
  const bounds = range === undefined ? {} : { start: range.start, end: range.end - 1 };
  const stream = createReadStream(path, { ...bounds, highWaterMark: 256 * 1024 });
  try {
    for await (const chunk of stream) yield toBytes(chunk);
  } catch (error) {
    throw fromFileSystem(error, path);
  } finally {
    stream.destroy();
  }
}

function toBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new GyreError('INTERNAL', 'a stream of bytes gave something else');
}

/**
 * @param range left out: all of it
 * @throws GyreError OUT_OF_RANGE when it lies outside of what has this size
 */
export function requireRange(what: string, range: ByteRange | undefined, size: number): Required<ByteRange> {
  const { start, end = size } = range ?? { start: 0 };
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && end >= start && end <= size) return { start, end };
  throw new GyreError('OUT_OF_RANGE', `bytes ${start} to ${end} lie outside of ${what}, which has ${size}`, { size });
}
