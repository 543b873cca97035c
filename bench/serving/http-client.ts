/** One kept connection of HTTP/1.1 with one request in flight: prebuilt bytes out, the least of parsing in. */
import { connect, type Socket } from 'node:net';

export interface Exchange {
  /** @param body of the last answer, valid during the call */
  readonly onAnswer: (status: number, body: Buffer) => void;
  /** The connection is of no more use. */
  readonly onBroken: (reason: string) => void;
}

export interface Client {
  /** Sends the next request; not before the last is answered. */
  send(request: Uint8Array): void;
  end(): void;
}

/** Settles when it is connected. */
export async function httpClient(port: number, exchange: Exchange): Promise<Client> {
  const buffer = Buffer.allocUnsafe(256 * 1024);
  let parts: Buffer[] = [];
  let received = 0;
  /** Bytes of header and body; -1: not known yet. */
  let expected = -1;
  let bodyAt = 0;
  let status = 0;
  let ended = false;
  /** The server says that the connection ends with this answer: the next request goes over another one. */
  let isLast = false;
  const broken = (reason: string): void => {
    if (ended) return;
    ended = true;
    socket.destroy();
    exchange.onBroken(reason);
  };
  const take = (chunk: Buffer): void => {
    // Copied only when the answer does not come in one piece.
    const whole = parts.length === 0 ? chunk : Buffer.concat([...parts, chunk], received + chunk.length);
    received = whole.length;
    if (expected < 0) {
      const end = whole.indexOf('\r\n\r\n');
      if (end >= 0) {
        bodyAt = end + 4;
        const head = whole.toString('latin1', 0, bodyAt);
        const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
        if (length === undefined) {
          broken(`no content-length in ${head}`);
          return;
        }
        status = Number(head.slice(9, 12));
        expected = bodyAt + Number(length);
        isLast = /\r\nconnection: *close\r\n/i.test(head);
      }
    }
    if (expected < 0 || received < expected) {
      parts = [Buffer.from(whole)];
      return;
    }
    const body = whole.subarray(bodyAt, expected);
    parts = [];
    received = 0;
    expected = -1;
    if (isLast) {
      isLast = false;
      socket.removeAllListeners('close');
      socket.destroy();
      socket = opened();
    }
    exchange.onAnswer(status, body);
  };
  const opened = (): Socket => {
    const fresh = connect({
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
    fresh.on('error', (error) => broken(error.message));
    fresh.on('close', () => broken('the server closed the connection'));
    return fresh;
  };
  let socket = opened();
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return {
    send: (request) => void socket.write(request),
    end: () => {
      ended = true;
      socket.destroy();
    },
  };
}
