/**
 * One connection of HTTP/2 with one unary call of gRPC in flight: prebuilt frames out, the least of parsing in (RFC 9113, RFC 7541, and
 * gRPC's PROTOCOL-HTTP2). A whole client would cost more than the server that is measured.
 */
import { connect, type Socket } from 'node:net';
import type { Client, Exchange } from './http-client.ts';

const frame = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8 } as const;
const flag = { ack: 1, endStream: 1, endHeaders: 4 } as const;
const headBytes = 9;
const mostFrameBytes = 16_384;
const initialWindow = 65_535;
const settingInitialWindow = 4;
const largeWindow = 2 ** 31 - 1;
const noDynamicTable = 1;

function frameOf(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, headBytes);
  return bytes;
}

/** A header that no table keeps, its text as it is: the block is the same for every call. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(0, id), uint32(value)]);
}

/** @param path `/package.Service/Method` */
export async function grpcClient(port: number, path: string, exchange: Exchange): Promise<Client> {
  const block = Buffer.concat([
    ...[':method', 'POST', ':scheme', 'http', ':path', path, ':authority', `127.0.0.1:${port}`, 'te', 'trailers'].map((text, at, all) =>
      at % 2 === 0 ? literal(text, all[at + 1]) : Buffer.alloc(0),
    ),
    literal('content-type', 'application/grpc'),
  ]);
  const framed = new Map<Uint8Array, Buffer[]>();
  let stream = -1;
  /** Bytes that the server takes, of the connection and of a new stream. */
  let window = initialWindow;
  let streamWindow = initialWindow;
  let rest: Buffer = Buffer.alloc(0);
  let data: Buffer[] = [];
  let ended = false;
  const ready = Promise.withResolvers<void>();
  const broken = (reason: string): void => {
    if (ended) return;
    ended = true;
    socket.destroy();
    ready.reject(new Error(reason));
    exchange.onBroken(reason);
  };
  const answered = (): void => {
    const message = data.length === 1 ? data[0] : Buffer.concat(data);
    data = [];
    // A call that failed has no message: its status is in the only header.
    exchange.onAnswer(message.length > 5 ? 200 : 500, message.subarray(5));
  };
  const handle = (type: number, flags: number, id: number, payload: Buffer): void => {
    if (type === frame.settings) {
      if ((flags & flag.ack) !== 0) return;
      for (let at = 0; at + 6 <= payload.length; at += 6)
        if (payload.readUInt16BE(at) === settingInitialWindow) streamWindow = payload.readUInt32BE(at + 2);
      socket.write(frameOf(frame.settings, flag.ack, 0, Buffer.alloc(0)));
      ready.resolve();
    } else if (type === frame.windowUpdate) {
      if (id === 0) window += payload.readUInt32BE(0);
    } else if (type === frame.ping) {
      if ((flags & flag.ack) === 0) socket.write(frameOf(frame.ping, flag.ack, 0, payload));
    } else if (type === frame.goaway || type === frame.reset)
      broken(`the server sent frame ${type} with code ${payload.readUInt32BE(payload.length > 4 ? 4 : 0)}`);
    else if (type === frame.data || type === frame.headers) {
      if (type === frame.data && payload.length > 0) data.push(Buffer.from(payload));
      if ((flags & flag.endStream) !== 0) answered();
    }
  };
  const take = (chunk: Buffer): void => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (bytes.length >= headBytes) {
      const end = headBytes + bytes.readUIntBE(0, 3);
      if (bytes.length < end) break;
      handle(bytes[3], bytes[4], bytes.readUInt32BE(5), bytes.subarray(headBytes, end));
      bytes = bytes.subarray(end);
    }
    rest = bytes.length === 0 ? bytes : Buffer.from(bytes);
  };
  const buffer = Buffer.allocUnsafe(256 * 1024);
  const socket: Socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer,
      callback: (size) => {
        take(buffer.subarray(0, size));
        return true;
      },
    },
  });
  socket.on('error', (error) => broken(error.message));
  socket.on('close', () => broken('the server closed the connection'));
  socket.write(
    Buffer.concat([
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
      frameOf(frame.settings, 0, 0, Buffer.concat([setting(noDynamicTable, 0), setting(settingInitialWindow, largeWindow)])),
      frameOf(frame.windowUpdate, 0, 0, uint32(largeWindow - initialWindow)),
    ]),
  );
  await ready.promise;
  return {
    send: (request) => {
      stream += 2;
      let frames = framed.get(request);
      if (frames === undefined) {
        frames = callOf(block, request);
        framed.set(request, frames);
      }
      if (request.length + 5 > Math.min(window, streamWindow)) {
        broken(`the server takes no more than ${Math.min(window, streamWindow)} bytes now`);
        return;
      }
      window -= request.length + 5;
      // Copied, since the kernel may take them later than the next call changes the number of the stream.
      const call = Buffer.concat(frames);
      for (let at = 0, index = 0; index < frames.length; at += frames[index++].length) call.writeUInt32BE(stream, at + 5);
      socket.write(call);
    },
    end: () => {
      ended = true;
      socket.destroy();
    },
  };
}

/** Header and message of a call, in frames whose stream is still to be said. */
function callOf(block: Buffer, message: Uint8Array): Buffer[] {
  const body = Buffer.concat([Buffer.of(0), uint32(message.length), message]);
  const frames = [frameOf(frame.headers, flag.endHeaders, 0, block)];
  for (let at = 0; at < body.length; at += mostFrameBytes) {
    const end = Math.min(body.length, at + mostFrameBytes);
    frames.push(frameOf(frame.data, end === body.length ? flag.endStream : 0, 0, body.subarray(at, end)));
  }
  return frames;
}
