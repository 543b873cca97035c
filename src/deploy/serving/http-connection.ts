import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { jsonLengthHeader } from '#contract';
import { giveBack, isAllOf, largeBytes, unfilledBuffer } from '#core';
import type { Answer } from './http-exchange.ts';
import { beginsWith, readPlainHead } from './http-head.ts';
import type { PlainHead } from './http-head.ts';

export interface PlainRequest {
  readonly head: PlainHead;
  /** Undefined: the connection ended before it had come whole. */
  readonly body: Buffer | undefined;
  /** Whether the body's memory is nobody else's, so that it may be given back. */
  readonly ownsBody: boolean;
}

/** Whom connections belong to. */
export interface ConnectionOwner {
  /** Whether the request of this head is to be answered here, so that its body may be waited for. */
  readonly accepts: (head: PlainHead, connection: PlainConnection) => boolean;
  /** Is to end with `PlainConnection.send`. */
  readonly answer: (request: PlainRequest, connection: PlainConnection) => void;
  /** Gives the connection to the full parser of HTTP, with what was read of it and not answered. */
  readonly handOver: (socket: Socket, read: Buffer) => void;
  readonly onClosed: (connection: PlainConnection) => void;
  /** Milliseconds since some fixed moment, not stepping back. */
  readonly elapsed: () => number;
  /** This second, as headers say it (RFC 9110, 5.6.7). */
  readonly date: () => string;
}

/** How long a connection may be in a state, in milliseconds. */
export interface ConnectionPatience {
  /** Before its first request. */
  readonly firstMs: number;
  /** For the rest of a request. */
  readonly requestMs: number;
  /** Between requests. */
  readonly idleMs: number;
}

/** A body that has come in part. */
interface OpenBody {
  readonly head: PlainHead;
  readonly parts: Buffer[];
  size: number;
  /** Whether the memory of the first part is nobody else's. */
  readonly ownsFirst: boolean;
}

const nothing = Buffer.alloc(0);
/** Bytes of further requests that are read while one is answered. */
const readAhead = 64 * 1024;

/**
 * A connection whose requests are read and answered without a parser's and a stream's objects for each: plain requests (`readPlainHead`) one
 * after the other. The first that is not plain takes the connection to the full parser for good.
 */
export class PlainConnection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  /** Read, not yet part of a request. */
  #read: Buffer = nothing;
  /** Whether the memory of `#read` is nobody else's: it shows no part of an earlier request, and no other chunk lies in it. */
  #ownsRead = true;
  /** The head of the request whose body is being read, with what has come of it. */
  #open: OpenBody | undefined;
  #last: PlainHead | undefined;
  #isBusy = false;
  #isEnded = false;
  #isFirst = true;
  #isLeaving = false;
  /** Since when it waits for what it waits for. */
  #sinceMs: number;
  readonly remoteAddress: string | undefined;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#sinceMs = owner.elapsed();
    this.remoteAddress = socket.remoteAddress;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    socket.on('drain', this.#onDrain);
  }

  /** Whether no request is being read or answered. */
  get isIdle(): boolean {
    return !this.#isBusy && this.#open === undefined;
  }

  /** Whether its caller has taken longer than it may: `request` when part of one was sent, `idle` when nothing was. */
  isLate(nowMs: number, { firstMs, requestMs, idleMs }: ConnectionPatience): 'request' | 'idle' | undefined {
    // Who takes its answer slowly is not idle.
    if (this.#isBusy || this.#socket.writableLength > 0) return undefined;
    const waitedMs = nowMs - this.#sinceMs;
    if (this.#open !== undefined) return waitedMs > requestMs ? 'request' : undefined;
    if (this.#isFirst) return waitedMs > firstMs ? 'request' : undefined;
    return waitedMs > idleMs ? 'idle' : undefined;
  }

  readonly #onData = (chunk: Buffer): void => {
    const open = this.#open;
    if (open !== undefined) {
      open.parts.push(chunk);
      open.size += chunk.length;
      if (open.size >= open.head.bodyBytes)
        this.#complete(open.head, joined(open.parts, open.size, binaryOffset(open.head), open.ownsFirst), 0);
      return;
    }
    const before = this.#read;
    if (before.length === 0) {
      this.#read = chunk;
      this.#ownsRead = isAllOf(chunk);
    } else {
      this.#read = joined([before, chunk], before.length + chunk.length, 0, this.#ownsRead);
      this.#ownsRead = true;
    }
    if (!this.#isBusy) this.#next();
    else if (this.#read.length > readAhead) this.#socket.pause();
  };

  /** Takes the next request of what was read, if one is there. */
  #next(): void {
    const read = this.#read;
    if (read.length === 0) return;
    const known = this.#last;
    const head = known !== undefined && beginsWith(read, 0, known) ? known : readPlainHead(read, 0);
    if (head === undefined || !this.#owner.accepts(head, this)) {
      if (this.#isEnded) {
        // No more comes: there is nothing that a parser could wait for.
        this.#socket.destroySoon();
        return;
      }
      this.#leave();
      this.#owner.handOver(this.#socket, read);
      return;
    }
    this.#last = head;
    const at = head.bytes.length;
    if (read.length - at >= head.bodyBytes) {
      this.#complete(head, read, at);
      return;
    }
    this.#read = nothing;
    this.#open = { head, parts: [read.subarray(at)], size: read.length - at, ownsFirst: this.#ownsRead };
    this.#sinceMs = this.#owner.elapsed();
    if (this.#isEnded) this.#breakOff();
  }

  /** @param from where in `bytes` the body begins */
  #complete(head: PlainHead, bytes: Buffer, from: number): void {
    const to = from + head.bodyBytes;
    this.#open = undefined;
    this.#isBusy = true;
    this.#isFirst = false;
    const rest = bytes.subarray(to);
    // Put together from parts, and worth giving back: what came behind it then stands for itself.
    const ownsBody = from === 0 && to >= largeBytes;
    this.#ownsRead = ownsBody || rest.length === 0;
    if (rest.length === 0) this.#read = nothing;
    else this.#read = ownsBody ? joined([rest], rest.length, 0, false) : rest;
    this.#owner.answer({ head, body: bytes.subarray(from, to), ownsBody }, this);
  }

  /**
   * Sends the answer of the request that was handed out, and goes on with the next.
   * @param size bytes of its body @param isLast whether the connection ends with it
   */
  send(answer: Answer, size: number, isLast: boolean): void {
    this.#isBusy = false;
    this.#sinceMs = this.#owner.elapsed();
    const socket = this.#socket;
    if (socket.destroyed) return;
    const ends = isLast || ((this.#isEnded || this.#isLeaving) && this.#read.length === 0);
    const { body } = answer;
    const head = headOf(answer, size, this.#owner.date(), ends);
    let isTaken: boolean;
    if (typeof body === 'string') {
      // One byte a character where all of them are ASCII: the cheaper way to write a text.
      isTaken = socket.write(head + body, size === body.length ? 'latin1' : 'utf8');
    } else {
      // In one write, without copying the tensors into one buffer.
      socket.cork();
      isTaken = socket.write(head, 'latin1');
      for (const part of body) isTaken = socket.write(part);
      socket.uncork();
    }
    if (ends) {
      // Not `end`: a caller that keeps its side open would keep the connection.
      socket.destroySoon();
      return;
    }
    // Who does not read answers is not read from.
    if (!isTaken) socket.pause();
    else if (this.#read.length > 0) {
      if (socket.isPaused()) socket.resume();
      // Not from within: an answer may be ready at once, for any number of requests.
      setImmediate(() => {
        if (!this.#isBusy && this.#open === undefined && !socket.destroyed) this.#next();
      });
    }
  }

  /** Ends it with an answer behind which no request has come yet: its caller opens another one. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** Says one last thing, in place of an answer. */
  end(text: string): void {
    this.#open = undefined;
    this.#isBusy = true;
    this.#socket.write(text);
    this.#socket.destroySoon();
  }

  close(): void {
    this.#socket.destroy();
  }

  readonly #onDrain = (): void => {
    this.#sinceMs = this.#owner.elapsed();
    this.#socket.resume();
    if (!this.#isBusy && this.#open === undefined) this.#next();
  };

  readonly #onEnd = (): void => {
    this.#isEnded = true;
    if (!this.#breakOff() && !this.#isBusy && this.#read.length === 0) this.#socket.end();
  };

  /** @returns whether the body of a request was still to come */
  #breakOff(): boolean {
    const open = this.#open;
    if (open === undefined) return false;
    this.#open = undefined;
    this.#isBusy = true;
    this.#owner.answer({ head: open.head, body: undefined, ownsBody: false }, this);
    return true;
  }

  readonly #onError = (): void => {
    this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#breakOff();
    this.#owner.onClosed(this);
  };

  #leave(): void {
    const socket = this.#socket;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    socket.off('drain', this.#onDrain);
    this.#owner.onClosed(this);
  }
}

/** Where a body's tensors begin. */
function binaryOffset({ headers }: PlainHead): number {
  const offset = Number(headers[jsonLengthHeader]);
  return Number.isSafeInteger(offset) && offset > 0 ? offset : 0;
}

/** The widest number's bytes: where one of any width may begin. */
const widest = 8;

/**
 * Parts of a body behind each other; the memory of those that nobody else reads is given back.
 * @param size bytes of all of them @param aligned where in them numbers begin: there an array of any type may be laid over them
 * @param ownsFirst whether the first part's memory is nobody else's; the others are as they came from the socket
 */
function joined(parts: readonly Buffer[], size: number, aligned: number, ownsFirst: boolean): Buffer {
  const ahead = (widest - (aligned % widest)) % widest;
  const whole = Buffer.from(unfilledBuffer(ahead + size), ahead, size);
  let at = 0;
  for (const [index, part] of parts.entries()) {
    whole.set(part, at);
    at += part.length;
    if (index === 0 ? ownsFirst : isAllOf(part)) giveBack(part);
  }
  return whole;
}

/** A header that would end its line, or the head, is a fault of ours. */
const unsafe = /[^\t\x20-\x7e\x80-\xff]/;

function headOf({ status, type = 'application/json', headers }: Answer, size: number, date: string, isLast: boolean): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\ncontent-type: ${type}\r\ncontent-length: ${size}\r\n`;
  if (headers !== undefined) {
    for (const name in headers) {
      const value = headers[name];
      if (unsafe.test(value)) throw new TypeError(`the header ${name} of an answer has characters that no header may have`);
      head += `${name}: ${value}\r\n`;
    }
  }
  return `${head}date: ${date}\r\n${isLast ? 'connection: close' : keptAlive}\r\n\r\n`;
}

/** Seconds for which a connection is kept without a request. */
export const keptSeconds = 75;
const keptAlive = `connection: keep-alive\r\nkeep-alive: timeout=${keptSeconds}`;
