import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { H2Connection } from './connection.ts';
import { encodeHeaders } from './hpack.ts';
import { clientPreface, flags, frameOf, frameTypes, headBytes, readUint32, settingsFrame } from './protocol.ts';
import type { H2Stream } from './stream.ts';

/** A frame as it came. */
export interface SeenFrame {
  readonly type: number;
  readonly flag: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A client that sends whatever bytes it is told to, and has the server's frames one by one. */
export class RawClient {
  readonly socket: Socket;
  readonly #frames: SeenFrame[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #wake = (): void => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => this.#wake());
    socket.on('close', () => this.#wake());
    socket.on('data', (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      while (this.#rest.length >= headBytes) {
        const end = headBytes + this.#rest.readUIntBE(0, 3);
        if (this.#rest.length < end) break;
        this.#frames.push({
          type: this.#rest[3],
          flag: this.#rest[4],
          stream: readUint32(this.#rest, 5),
          payload: this.#rest.subarray(headBytes, end),
        });
        this.#rest = this.#rest.subarray(end);
      }
      this.#wake();
    });
  }

  /** @param settings what it says first */
  static async open(port: number, settings: readonly (readonly [number, number])[] | 'nothing' = []): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const client = new RawClient(socket);
    if (settings !== 'nothing') client.send(clientPreface, settingsFrame(settings));
    return client;
  }

  send(...frames: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** The next frame of one of these types, whatever others come before it; undefined when the server has closed the connection. */
  async next(...types: readonly number[]): Promise<SeenFrame | undefined> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) {
        if (types.includes(frame.type)) return frame;
      } else if (this.socket.destroyed || this.socket.readableEnded) return undefined;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** All DATA of a stream until its end. */
  async body(stream: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (;;) {
      const frame = await this.next(frameTypes.data, frameTypes.headers, frameTypes.reset);
      if (frame === undefined) throw new Error('the connection ended before the answer did');
      if (frame.stream !== stream) continue;
      if (frame.type === frameTypes.reset) throw new Error(`reset with ${readUint32(frame.payload, 0)}`);
      if (frame.type === frameTypes.data) parts.push(frame.payload);
      if ((frame.flag & flags.endStream) !== 0) return Buffer.concat(parts);
    }
  }

  /** The code with which the server ends the connection; undefined: without one. */
  async ended(): Promise<number | undefined> {
    const goaway = await this.next(frameTypes.goaway);
    return goaway === undefined ? undefined : readUint32(goaway.payload, 4);
  }

  /** The code with which the server resets a stream. */
  async reset(stream: number): Promise<number | undefined> {
    for (;;) {
      const frame = await this.next(frameTypes.reset, frameTypes.goaway);
      if (frame === undefined || frame.type === frameTypes.goaway) return undefined;
      if (frame.stream === stream) return readUint32(frame.payload, 0);
    }
  }
}

export const requestFields = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/echo'],
  [':authority', 'localhost'],
] as const;
export const requestBlock = encodeHeaders(requestFields);

/** HEADERS of one frame. */
export function headersFrame(stream: number, endsStream = false, block: Uint8Array = requestBlock): Buffer {
  return frameOf(frameTypes.headers, endsStream ? flags.endHeaders | flags.endStream : flags.endHeaders, stream, block);
}

export function dataFrame(stream: number, body: Uint8Array | string, endsStream = true): Buffer {
  return frameOf(frameTypes.data, endsStream ? flags.endStream : 0, stream, typeof body === 'string' ? Buffer.from(body) : body);
}

export interface EchoHost extends AsyncDisposable {
  readonly port: number;
  readonly connections: ReadonlySet<H2Connection>;
  /** What the server takes for the time, in milliseconds. */
  nowMs: number;
  /** Streams that were lost before they were answered. */
  lost: number;
}

/**
 * A server of bare HTTP/2 that sends back what it was sent: the headers with `echo-` before their names, and the body.
 * @param onStream answers instead
 */
export async function openEcho(onStream?: (stream: H2Stream) => void): Promise<EchoHost> {
  const connections = new Set<H2Connection>();
  const host = { nowMs: 0, lost: 0 };
  const echo = (stream: H2Stream): void => {
    const parts: Buffer[] = [];
    stream.listen({
      isTimed: true,
      onData: (bytes, isLast) => {
        parts.push(bytes);
        if (!isLast) stream.grant(bytes.length);
        return true;
      },
      onEnd: () => {
        const fields: [string, string][] = [[':status', '200']];
        for (const [name, value] of Object.entries(stream.head.headers)) {
          const key = `echo-${name.replace(':', '')}`;
          for (const one of [value].flat()) fields.push([key, String(one)]);
        }
        stream.respond(encodeHeaders(fields), parts, encodeHeaders([['echo-end', 'yes']]));
      },
      onGone: () => (host.lost += 1),
      onSent: () => undefined,
    });
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections.add(
      new H2Connection(socket, {
        onStream: onStream ?? echo,
        onClosed: (connection) => connections.delete(connection),
        elapsed: () => host.nowMs,
      }),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(host, {
    port: (server.address() as AddressInfo).port,
    connections,
    [Symbol.asyncDispose]: async () => {
      for (const connection of connections) connection.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}
