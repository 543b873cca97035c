import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** What happens to a connection, in the order in which connections are made; afterwards they go through. */
export type ConnectionFault =
  /** The whole answer, in place of the server's. */
  | { readonly answer: string }
  /** Broken after so many bytes to the server. */
  | { readonly breakUpAfter: number }
  /** Broken after so many bytes from the server. */
  | { readonly breakDownAfter: number };

/** A TCP proxy for tests that breaks connections, or answers in the server's place. */
export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string;
  readonly faults: ConnectionFault[];
  /** Bytes that went to the server, and connections that were made. */
  readonly seen: { up: number; connections: number };
  /** Nobody answers any more. */
  close(): Promise<void>;
}

/** @param target `http://host:port` of the server */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const seen = { up: 0, connections: 0 };
  const faults: ConnectionFault[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    seen.connections += 1;
    const fault = faults.shift();
    sockets.add(client);
    client.on('error', () => undefined);
    client.once('close', () => sockets.delete(client));
    if (fault !== undefined && 'answer' in fault) {
      client.once('data', () => client.end(fault.answer));
      return;
    }
    const upstream = connect(Number(port), hostname);
    upstream.on('error', () => client.destroy());
    upstream.once('close', () => client.destroy());
    client.once('close', () => upstream.destroy());
    let up = 0;
    let down = 0;
    client.on('data', (bytes) => {
      up += bytes.length;
      seen.up += bytes.length;
      if (fault !== undefined && 'breakUpAfter' in fault && up > fault.breakUpAfter) client.resetAndDestroy();
      else upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (client.writableEnded) return;
      down += bytes.length;
      client.write(bytes);
      // What was sent until now arrives.
      if (fault !== undefined && 'breakDownAfter' in fault && down > fault.breakDownAfter) client.destroySoon();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  const address = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${address.port}`, faults, seen, close, [Symbol.asyncDispose]: close };
}
