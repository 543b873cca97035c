import { giveBack, isAllOf } from '#core';
import {
  clientPreface,
  ConnectionFault,
  errorCodes,
  flags,
  frameTypes,
  headBytes,
  largest31,
  readUint32,
  usualFrameBytes,
} from './protocol.ts';
import { mostHeaderBytes } from './request-head.ts';

/** What the frames of a peer say, in their order. */
export interface FrameEvents {
  /** A header block that has come whole. @param block valid during the call */
  readonly onHeaders: (stream: number, endsStream: boolean, block: Buffer) => void;
  /**
   * DATA, or a part of it that has come so far.
   * @param counted bytes that it takes from the windows: padding counts too
   * @param bytes its content, to be kept as long as wanted
   * @returns whether it is kept
   */
  readonly onData: (stream: number, counted: number, bytes: Buffer, endsStream: boolean) => boolean;
  /** Any other frame that HTTP/2 knows. @param payload valid during the call */
  readonly onControl: (type: number, flag: number, stream: number, payload: Buffer) => void;
  /** One that says nothing: of a kind that nobody knows, or of one that is ignored. */
  readonly onTrifle: () => void;
}

const nothing = Buffer.alloc(0);
/** CONTINUATION frames of one block: a block of the largest size needs four, or a few more where they are cut by lines of a proxy. */
const mostContinuations = 16;
/** Where a frame must belong to a stream, and where it must not (RFC 9113, 6). */
const ofStreams: ReadonlySet<number> = new Set([frameTypes.headers, frameTypes.priority, frameTypes.reset, frameTypes.continuation]);
const ofConnection: ReadonlySet<number> = new Set([frameTypes.settings, frameTypes.ping, frameTypes.goaway]);

/** Cuts what a client sends into frames (RFC 9113, 4), and puts the blocks of headers together. */
export class FrameReader {
  readonly #events: FrameEvents;
  /** Read, and no whole frame. */
  #rest: Buffer = nothing;
  #isGreeted = false;
  #isStopped = false;
  /** Whether somebody keeps a part of what is read now. */
  #isKept = false;
  // Of the DATA frame that has come in part: its stream, what of its content and of its padding is still to come, and whether it is the last.
  #dataStream = 0;
  #dataLeft = 0;
  #paddingLeft = 0;
  #dataEnds = false;
  // Of the header block that has come in part: its stream (0: there is none), its parts and their bytes.
  #blockStream = 0;
  #block: Buffer[] = [];
  #blockBytes = 0;
  #blockEnds = false;

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  /** Whether a header block has come in part: nothing else may come before its end. */
  get isInBlock(): boolean {
    return this.#blockStream !== 0;
  }

  /** No more is read, not even what has come already. */
  stop(): void {
    this.#isStopped = true;
    this.#rest = nothing;
    this.#block = [];
    this.#blockStream = 0;
  }

  /** @throws ConnectionFault when they are no frames, or not in an order that frames may have */
  read(chunk: Buffer): void {
    if (this.#isStopped) return;
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = nothing;
    this.#isKept = false;
    this.#cut(bytes);
    // Contents of calls were copied out of it, and nothing else that is kept shows a part of it.
    if (!this.#isKept && this.#rest !== bytes && isAllOf(bytes)) giveBack(bytes);
  }

  #cut(bytes: Buffer): void {
    let at = 0;
    if (!this.#isGreeted) {
      const length = Math.min(bytes.length, clientPreface.length);
      if (bytes.compare(clientPreface, 0, length, 0, length) !== 0)
        throw new ConnectionFault(errorCodes.protocol, 'this is not how HTTP/2 begins');
      if (length < clientPreface.length) {
        this.#rest = bytes;
        return;
      }
      this.#isGreeted = true;
      at = length;
    }
    while (!this.#isStopped) {
      if (this.#dataLeft > 0 || this.#paddingLeft > 0) {
        at = this.#readData(bytes, at, 0);
        if (this.#dataLeft > 0 || this.#paddingLeft > 0) return;
      }
      if (bytes.length - at < headBytes) break;
      const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
      const type = bytes[at + 3];
      const flag = bytes[at + 4];
      const stream = readUint32(bytes, at + 5) & largest31;
      if (length > usualFrameBytes)
        throw new ConnectionFault(errorCodes.frameSize, `a frame of ${length} bytes; ${usualFrameBytes} are taken`);
      if (this.#blockStream !== 0 && (type !== frameTypes.continuation || stream !== this.#blockStream))
        throw new ConnectionFault(errorCodes.protocol, 'another frame before the end of a block of headers');
      if (type === frameTypes.data) {
        const begun = this.#beginData(bytes, at + headBytes, length, flag, stream);
        if (begun < 0) break;
        at = begun;
        continue;
      }
      const end = at + headBytes + length;
      if (bytes.length < end) break;
      this.#take(type, flag, stream, bytes.subarray(at + headBytes, end));
      at = end;
    }
    // A copy: a large chunk is not to be kept for the few bytes of a frame's beginning.
    if (at < bytes.length && !this.#isStopped) this.#rest = at === 0 ? bytes : Buffer.from(bytes.subarray(at));
  }

  /** @returns where its content goes on; -1 when the length of its padding has not come */
  #beginData(bytes: Buffer, from: number, length: number, flag: number, stream: number): number {
    if (stream === 0) throw new ConnectionFault(errorCodes.protocol, 'DATA of no stream');
    const isPadded = (flag & flags.padded) !== 0;
    if (isPadded && bytes.length === from) return -1;
    const padding = isPadded ? bytes[from] : 0;
    const head = isPadded ? 1 : 0;
    if (padding + head > length) throw new ConnectionFault(errorCodes.protocol, 'more padding than there is of the frame');
    this.#dataStream = stream;
    this.#dataLeft = length - head - padding;
    this.#paddingLeft = padding;
    this.#dataEnds = (flag & flags.endStream) !== 0;
    return this.#readData(bytes, from + head, head);
  }

  /** Hands out what has come of DATA. @param counted bytes of its head that are counted with it @returns where the next frame begins */
  #readData(bytes: Buffer, from: number, counted: number): number {
    const to = Math.min(bytes.length, from + this.#dataLeft);
    const end = Math.min(bytes.length, to + this.#paddingLeft);
    this.#dataLeft -= to - from;
    this.#paddingLeft -= end - to;
    const isWhole = this.#dataLeft === 0 && this.#paddingLeft === 0;
    // Nothing of it may have come yet but its head.
    if (isWhole || end > from || counted > 0)
      this.#isKept =
        this.#events.onData(
          this.#dataStream,
          counted + end - from,
          from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to),
          isWhole && this.#dataEnds,
        ) || this.#isKept;
    return end;
  }

  #take(type: number, flag: number, stream: number, payload: Buffer): void {
    if (ofStreams.has(type) && stream === 0) throw new ConnectionFault(errorCodes.protocol, `a frame of type ${type} of no stream`);
    if (ofConnection.has(type) && stream !== 0) throw new ConnectionFault(errorCodes.protocol, `a frame of type ${type} of a stream`);
    if (type === frameTypes.headers) {
      this.#blockEnds = (flag & flags.endStream) !== 0;
      this.#takeBlock(flag, stream, withoutPadding(flag, payload));
    } else if (type === frameTypes.continuation) {
      if (this.#blockStream === 0) throw new ConnectionFault(errorCodes.protocol, 'CONTINUATION of nothing');
      this.#takeBlock(flag, stream, payload);
    } else if (type === frameTypes.pushPromise) throw new ConnectionFault(errorCodes.protocol, 'a client promises nothing');
    else if (type > frameTypes.continuation) this.#events.onTrifle();
    else this.#events.onControl(type, flag, stream, payload);
  }

  #takeBlock(flag: number, stream: number, part: Buffer): void {
    const isLast = (flag & flags.endHeaders) !== 0;
    if (isLast && this.#blockStream === 0) {
      this.#events.onHeaders(stream, this.#blockEnds, part);
      return;
    }
    this.#blockBytes += part.length;
    if (this.#blockBytes > mostHeaderBytes || this.#block.length > mostContinuations)
      throw new ConnectionFault(errorCodes.enhanceYourCalm, `headers in more than ${mostHeaderBytes} bytes, or in too many frames`);
    this.#block.push(isLast ? part : Buffer.from(part));
    this.#blockStream = stream;
    if (!isLast) return;
    const whole = Buffer.concat(this.#block, this.#blockBytes);
    this.#blockStream = 0;
    this.#block = [];
    this.#blockBytes = 0;
    this.#events.onHeaders(stream, this.#blockEnds, whole);
  }
}

/** The block of HEADERS without padding, and without the priority that nobody minds any more (RFC 9113, 5.3). */
function withoutPadding(flag: number, payload: Buffer): Buffer {
  if ((flag & (flags.padded | flags.priority)) === 0) return payload;
  const isPadded = (flag & flags.padded) !== 0;
  const from = (isPadded ? 1 : 0) + ((flag & flags.priority) !== 0 ? 5 : 0);
  const to = payload.length - (isPadded && payload.length > 0 ? payload[0] : 0);
  if (payload.length === 0 || from > to) throw new ConnectionFault(errorCodes.protocol, 'more padding than there is of HEADERS');
  return payload.subarray(from, to);
}
