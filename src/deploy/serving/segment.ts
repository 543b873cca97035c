import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Prediction } from '#contract';
import { GyreError } from '#core';

/**
 * A segment of the prediction log: eight bytes of magic, then frames. A frame is the payload's length and CRC-32 (both unsigned 32-bit,
 * little-endian), then the payload: one answered request as JSON, its rows sharing what they have in common.
 */
const magic = Buffer.from('GYRESEG1');
const frameHeader = 8;
/** No request is larger: what claims to be is damage. */
const maxPayload = 1 << 30;

/** One answered request as the log holds it. */
export interface LoggedRequest extends Omit<Prediction, 'id' | 'inputs' | 'outputs' | 'key'> {
  readonly rows: readonly Pick<Prediction, 'id' | 'inputs' | 'outputs' | 'key'>[];
}

export interface Segment {
  /** In the order in which they were answered. */
  readonly predictions: Prediction[];
  /** Bytes that hold whole frames; what is behind was being written when the process died, or is damaged. */
  readonly soundBytes: number;
  /** Whether something is behind the last whole frame. */
  readonly torn: boolean;
}

export const segmentHeader: Uint8Array = magic;

/** A payload with its length and checksum in front. */
export function frameOf(payload: string): Buffer {
  const size = Buffer.byteLength(payload);
  const frame = Buffer.allocUnsafe(frameHeader + size);
  frame.write(payload, frameHeader);
  frame.writeUInt32LE(size, 0);
  frame.writeUInt32LE(crc32(frame.subarray(frameHeader)), 4);
  return frame;
}

/**
 * Reads a segment of the prediction log, finished (`.seg`) or still open. A torn tail is left out: its answer was never sent.
 * @throws GyreError DATA_LOSS when the file does not begin as a segment does; errors of the file system as they are
 */
export async function readSegment(path: string): Promise<Segment> {
  const bytes = await readFile(path);
  if (bytes.length < magic.length && magic.subarray(0, bytes.length).equals(bytes)) {
    return { predictions: [], soundBytes: 0, torn: bytes.length > 0 };
  }
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw new GyreError('DATA_LOSS', `${path} is no segment of a prediction log: it does not begin with ${magic.toString()}`, { path });
  }
  const predictions: Prediction[] = [];
  let at = magic.length;
  for (let payload = payloadAt(bytes, at); payload !== undefined; payload = payloadAt(bytes, at)) {
    // Written by this room with a checksum that holds: its shape is the one that was written.
    const { rows, ...shared } = JSON.parse(payload.toString('utf8')) as LoggedRequest;
    for (const row of rows) predictions.push({ ...shared, ...row });
    at += frameHeader + payload.length;
  }
  return { predictions, soundBytes: at, torn: at < bytes.length };
}

function payloadAt(bytes: Buffer, at: number): Buffer | undefined {
  if (at + frameHeader > bytes.length) return undefined;
  const size = bytes.readUInt32LE(at);
  if (size > maxPayload || at + frameHeader + size > bytes.length) return undefined;
  const payload = bytes.subarray(at + frameHeader, at + frameHeader + size);
  return crc32(payload) === bytes.readUInt32LE(at + 4) ? payload : undefined;
}
