import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** Packets of an MPEG transport stream in one of RTP, so that it fits a network's frame. */
const packetBytes = 7 * 188;
/** MPEG transport streams (RFC 3551, table 5). */
const payloadType = 33;

/** A camera as RTSP (RFC 2326) has it, its RTP interleaved on the same connection: whoever plays it gets one film, then the line drops. */
export class FilmCamera implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** How often it was played. */
  played = 0;

  /** @param film an MPEG transport stream */
  constructor(film: Uint8Array) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
        for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
          this.#answer(socket, text.slice(0, end), film);
          text = text.slice(end + 4);
        }
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `rtsp://127.0.0.1:${(this.#server.address() as AddressInfo).port}/film`;
  }

  #answer(socket: Socket, request: string, film: Uint8Array): void {
    const [method] = request.split(' ');
    const sequence = /^CSeq: *(\d+)/im.exec(request)?.[1] ?? '0';
    const say = (headers: readonly string[], body = ''): void => {
      socket.write([`RTSP/1.0 200 OK`, `CSeq: ${sequence}`, ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n'));
    };
    if (method === 'OPTIONS') return say(['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN']);
    if (method === 'DESCRIBE') {
      const lines = ['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=film', 't=0 0', `m=video 0 RTP/AVP ${payloadType}`, 'a=control:0', ''];
      return say(['Content-Type: application/sdp'], lines.join('\r\n'));
    }
    if (method === 'SETUP') return say(['Session: 1', 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1']);
    if (method !== 'PLAY') return say(['Session: 1']);
    say(['Session: 1']);
    this.played += 1;
    for (let at = 0, number = 0; at < film.length; at += packetBytes, number++)
      socket.write(interleaved(film.subarray(at, at + packetBytes), number));
    socket.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A packet of RTP (RFC 3550, 5.1) on channel 0 of its connection (RFC 2326, 10.12). */
function interleaved(payload: Uint8Array, number: number): Buffer {
  const head = Buffer.alloc(16);
  head.write('$', 'latin1');
  head.writeUInt8(0, 1);
  head.writeUInt16BE(12 + payload.length, 2);
  head.writeUInt8(0x80, 4);
  head.writeUInt8(payloadType, 5);
  head.writeUInt16BE(number & 0xffff, 6);
  head.writeUInt32BE(number * 900, 8);
  head.writeUInt32BE(1, 12);
  return Buffer.concat([head, payload]);
}
