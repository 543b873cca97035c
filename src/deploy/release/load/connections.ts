import { type Socket, connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AnswerReader } from './answer-reader.ts';

export interface ConnectionsOptions {
  /** Base URL of the server. */
  readonly address: string;
  /** The certificate (PEM) that it shows: trusted itself, whatever names it carries. */
  readonly certificate?: string;
  /** A request without an answer for so long has failed. */
  readonly timeoutMs: number;
  /** So many at most are open at once; further requests wait for one of them, which is a delay of the client. */
  readonly most: number;
}

/** Plain connections to one server, each with one request under way at a time. Nothing is tried again. */
export interface Connections extends Disposable {
  /**
   * @param leaves called when the request is written to a connection, or given up before one was free
   * @returns what was wrong: a status other than 2xx, a reset, no answer in time, no free connection in time; undefined when nothing was
   */
  send(request: Uint8Array, leaves?: () => void): Promise<string | undefined>;
}

interface Job {
  readonly request: Uint8Array;
  readonly leaves: (() => void) | undefined;
  readonly end: (failure: string | undefined) => void;
  /** Where it runs. */
  socket?: Socket;
  ended?: boolean;
}

/** Opens connections as they are needed, and keeps them. */
export function openConnections(options: ConnectionsOptions): Connections {
  const { protocol, hostname, port } = new URL(options.address);
  const host = hostname.replace(/^\[|\]$/g, '');
  const at = { host, port: Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port) };
  const trusted = options.certificate === undefined ? {} : { ca: options.certificate, checkServerIdentity: () => undefined };
  const idle: Socket[] = [];
  const open = new Set<Socket>();
  const waiting: Job[] = [];
  const running = new Map<Socket, Job>();

  const begin = (job: Job, socket: Socket): void => {
    running.set(socket, job);
    job.socket = socket;
    job.leaves?.();
    socket.write(job.request);
  };
  const next = (): Job | undefined => {
    for (;;) {
      const job = waiting.shift();
      if (job === undefined || job.ended !== true) return job;
    }
  };
  const finish = (socket: Socket, failure: string | undefined): void => {
    const job = running.get(socket);
    running.delete(socket);
    job?.end(failure);
  };
  const added = (): Socket => {
    const socket = protocol === 'https:' ? connectTls({ ...at, ...trusted }) : connect(at);
    const reader = new AnswerReader();
    open.add(socket);
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      try {
        const answer = reader.push(bytes);
        if (answer === undefined) return;
        const { status, keepAlive } = answer;
        finish(socket, status >= 200 && status < 300 ? undefined : `status ${status}`);
        if (!keepAlive) {
          socket.destroy();
          return;
        }
        const job = next();
        if (job === undefined) idle.push(socket);
        else begin(job, socket);
      } catch (error) {
        finish(socket, error instanceof Error ? error.message : String(error));
        socket.destroy();
      }
    });
    socket.on('error', (error: NodeJS.ErrnoException) => finish(socket, error.code ?? error.message));
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      open.delete(socket);
      const place = idle.indexOf(socket);
      if (place >= 0) idle.splice(place, 1);
      finish(socket, 'closed without an answer');
      const job = next();
      if (job !== undefined) begin(job, added());
    });
    return socket;
  };

  return {
    send: (request, leaves) =>
      new Promise((resolve) => {
        const job: Job = {
          request,
          leaves,
          end: (failure) => {
            if (job.ended === true) return;
            job.ended = true;
            clearTimeout(timer);
            resolve(failure);
          },
        };
        const timer = setTimeout(() => {
          if (job.socket === undefined) leaves?.();
          job.end(`no ${job.socket === undefined ? 'free connection' : 'answer'} within ${options.timeoutMs} ms`);
          job.socket?.destroy();
        }, options.timeoutMs);
        const socket = idle.pop();
        if (socket !== undefined) begin(job, socket);
        else if (open.size < options.most) begin(job, added());
        else waiting.push(job);
      }),
    [Symbol.dispose]: () => {
      for (const job of waiting.splice(0)) job.end('given up');
      for (const socket of open) {
        socket.removeAllListeners('close');
        finish(socket, 'given up');
        socket.destroy();
      }
      open.clear();
    },
  };
}
