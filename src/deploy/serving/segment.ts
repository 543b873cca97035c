import { readFileSync } from 'node:fs';
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

/** Segments that were removed unread, because the log may take no more of the disk. */
export interface Dropped {
  readonly segments: number;
  /** Answered requests that were in them. */
  readonly requests: number;
  readonly bytes: number;
}

/** A frame that tells of a gap before it instead of a request. */
export interface DroppedFrame {
  readonly dropped: Dropped;
}

export interface Segment {
  /** In the order in which they were answered. */
  readonly predictions: Prediction[];
  /** Frames with requests. */
  readonly requests: number;
  /** What was dropped before this segment, as it says itself. */
  readonly dropped: Dropped;
  /** Bytes that hold whole frames; what is behind was being written when the process died, or is damaged. */
  readonly soundBytes: number;
  /** Whether something is behind the last whole frame. */
  readonly torn: boolean;
}

export const segmentHeader: Uint8Array = magic;

/** Payloads, each with its length and checksum in front, behind each other. */
export function framesOf(payloads: readonly string[]): Buffer {
  const sizes = payloads.map((payload) => Buffer.byteLength(payload));
  const frames = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + frameHeader + size, 0));
  let at = 0;
  for (const [index, payload] of payloads.entries()) {
    const [from, to] = [at + frameHeader, at + frameHeader + sizes[index]];
    frames.write(payload, from);
    frames.writeUInt32LE(sizes[index], at);
    frames.writeUInt32LE(crc32(frames.subarray(from, to)), at + 4);
    at = to;
  }
  return frames;
}

/**
 * Reads a segment of the prediction log, finished (`.seg`) or still open. A torn tail is left out: its answer was never sent.
 * @throws GyreError DATA_LOSS when the file does not begin as a segment does; errors of the file system as they are
 */
export async function readSegment(path: string): Promise<Segment> {
  const bytes = await readFile(path);
  if (bytes.length < magic.length && magic.subarray(0, bytes.length).equals(bytes)) {
    return { predictions: [], requests: 0, dropped: nothingDropped, soundBytes: 0, torn: bytes.length > 0 };
  }
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw new GyreError('DATA_LOSS', `${path} is no segment of a prediction log: it does not begin with ${magic.toString()}`, { path });
  }
  const predictions: Prediction[] = [];
  let requests = 0;
  let dropped = nothingDropped;
  let at = magic.length;
  for (let payload = payloadAt(bytes, at); payload !== undefined; payload = payloadAt(bytes, at)) {
    // Written by this room with a checksum that holds: its shape is the one that was written.
    const frame = JSON.parse(payload.toString('utf8')) as LoggedRequest | DroppedFrame;
    if ('dropped' in frame) {
      dropped = sumDropped(dropped, frame.dropped);
    } else {
      const { rows, ...shared } = frame;
      for (const row of rows) predictions.push({ ...shared, ...row });
      requests += 1;
    }
    at += frameHeader + payload.length;
  }
  return { predictions, requests, dropped, soundBytes: at, torn: at < bytes.length };
}

export const nothingDropped: Dropped = { segments: 0, requests: 0, bytes: 0 };

const gapStart = Buffer.from('{"dropped":');

/** How many requests a segment holds, and which gaps it tells of, without reading what was predicted. @throws errors of the file system as they are */
export function surveySegment(path: string): Pick<Segment, 'requests' | 'dropped'> {
  const bytes = readFileSync(path);
  let requests = 0;
  let dropped = nothingDropped;
  let at = magic.length;
  for (let payload = payloadAt(bytes, at); payload !== undefined; payload = payloadAt(bytes, at)) {
    if (payload.subarray(0, gapStart.length).equals(gapStart)) {
      dropped = sumDropped(dropped, (JSON.parse(payload.toString('utf8')) as DroppedFrame).dropped);
    } else requests += 1;
    at += frameHeader + payload.length;
  }
  return { requests, dropped };
}

export function sumDropped(one: Dropped, other: Dropped): Dropped {
  return { segments: one.segments + other.segments, requests: one.requests + other.requests, bytes: one.bytes + other.bytes };
}

function payloadAt(bytes: Buffer, at: number): Buffer | undefined {
  if (at + frameHeader > bytes.length) return undefined;
  const size = bytes.readUInt32LE(at);
  if (size > maxPayload || at + frameHeader + size > bytes.length) return undefined;
  const payload = bytes.subarray(at + frameHeader, at + frameHeader + size);
  return crc32(payload) === bytes.readUInt32LE(at + 4) ? payload : undefined;
}
