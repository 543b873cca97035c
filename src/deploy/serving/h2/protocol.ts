/** Types of frames (RFC 9113, 6). */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of frames (RFC 9113, 6). */
export const flags = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Settings that a server has to know (RFC 9113, 6.5.2). */
export const settingIds = { enablePush: 2, maxConcurrentStreams: 3, initialWindowSize: 4, maxFrameSize: 5, maxHeaderListSize: 6 } as const;

/** Why a stream or a connection is ended (RFC 9113, 7). */
export const errorCodes = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  enhanceYourCalm: 11,
} as const;
export type ErrorNumber = (typeof errorCodes)[keyof typeof errorCodes];

/** What a client says first (RFC 9113, 3.4). */
export const clientPreface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Length, type, flags and stream of a frame. */
export const headBytes = 9;
/** The largest frame that either side takes before the other says more; we say no more. */
export const usualFrameBytes = 16_384;
/** What either side takes before the other says more. */
export const usualWindow = 65_535;
/** No window is larger (RFC 9113, 6.9.1), and no stream's number. */
export const largest31 = 2 ** 31 - 1;

/** The peer broke a rule in such a way that the connection cannot go on (RFC 9113, 5.4.1). */
export class ConnectionFault extends Error {
  readonly code: ErrorNumber;

  constructor(code: ErrorNumber, message: string) {
    super(message);
    this.code = code;
  }
}

/** Writes the head of a frame. @param at where in `bytes` */
export function writeHead(bytes: Uint8Array, at: number, length: number, type: number, flag: number, stream: number): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flag;
  writeUint32(bytes, at + 5, stream);
}

/** Big-endian; by hand, since a call of Buffer's takes longer. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Big-endian. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** A whole frame. */
export function frameOf(type: number, flag: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + payload.length);
  writeHead(bytes, 0, payload.length, type, flag, stream);
  bytes.set(payload, headBytes);
  return bytes;
}

/** A frame whose payload is one or two numbers: WINDOW_UPDATE, RST_STREAM, GOAWAY. */
export function numbersFrame(type: number, stream: number, ...numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + 4 * numbers.length);
  writeHead(bytes, 0, 4 * numbers.length, type, 0, stream);
  for (let k = 0; k < numbers.length; k++) writeUint32(bytes, headBytes + 4 * k, numbers[k]);
  return bytes;
}

/** SETTINGS (RFC 9113, 6.5). */
export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length);
  for (const [k, [id, value]] of settings.entries()) {
    payload[6 * k + 1] = id;
    writeUint32(payload, 6 * k + 2, value);
  }
  return frameOf(frameTypes.settings, 0, 0, payload);
}
