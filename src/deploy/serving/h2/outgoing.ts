import type { Socket } from 'node:net';
import { noTable } from './hpack.ts';
import {
  ConnectionFault,
  errorCodes,
  flags,
  frameTypes,
  headBytes,
  largest31,
  usualFrameBytes,
  usualWindow,
  writeHead,
} from './protocol.ts';

/** What a stream still has to send. */
export interface Sender {
  readonly id: number;
  /** Bytes of DATA that its peer takes now; less than none when the peer changed its mind. */
  sendWindow: number;
  /** DATA that waits, in its order. */
  readonly waiting: Uint8Array[];
  waitingBytes: number;
  /** The block that ends it, behind the DATA. */
  lastBlock: Buffer | undefined;
  /** Called when nothing waits any more; `isLast`: and its end was said. */
  onSent(isLast: boolean): void;
}

/** Parts of no more than so many bytes altogether are copied into one buffer, which costs less than to hand each to the kernel. */
const copiedBytes = 64 * 1024;
/** DATA that is handed to the socket before it is looked whether the peer takes it. */
const writtenAtOnce = 256 * 1024;

/**
 * What a connection sends: frames of one turn of the event loop leave in one write, and DATA as windows (RFC 9113, 5.2) and the socket
 * allow, a frame of each stream in turn.
 */
export class Outgoing {
  readonly #socket: Socket;
  readonly #onBytes: (count: number) => void;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #isDue = false;
  #isHeld = false;
  #isBlocked = false;
  #isEnded = false;
  /** What the peer takes on the whole connection. */
  #window = usualWindow;
  #isFirstBlock = true;
  readonly #senders = new Set<Sender>();
  #waitingBytes = 0;
  /** Whether something was sent since it was asked last. */
  #hasMoved = false;
  /** The window of a new stream, and the largest frame, as the peer says. */
  streamWindow = usualWindow;
  frameBytes = usualFrameBytes;

  /** @param onBytes is told how much DATA was sent */
  constructor(socket: Socket, onBytes: (count: number) => void) {
    this.#socket = socket;
    this.#onBytes = onBytes;
  }

  /** Whether DATA waits for the peer. */
  get isWaiting(): boolean {
    return this.#senders.size > 0 || this.#isBlocked;
  }

  /** Whether the socket takes no more now. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Bytes of DATA that wait. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Whether anything was sent since this was asked last. */
  takeMoved(): boolean {
    const moved = this.#hasMoved;
    this.#hasMoved = false;
    return moved;
  }

  /** Until `release`, nothing is written: all that comes of one chunk of requests leaves together. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    if (this.#bytes > 0 || this.#senders.size > 0) this.flush();
  }

  /** A whole frame that windows do not hold back. */
  push(frame: Uint8Array): void {
    if (this.#isEnded) return;
    this.#parts.push(frame);
    this.#bytes += frame.length;
    if (!this.#isHeld && !this.#isDue) {
      this.#isDue = true;
      // Behind all promises that are settled now: answers of one run of a model leave in one write.
      process.nextTick(this.#whenDue);
    }
  }

  /** A block of headers. @param endsStream whether nothing comes after it */
  pushHeaders(id: number, block: Buffer, endsStream: boolean): void {
    const bytes = Buffer.allocUnsafe(this.#blockBytes(block));
    this.#putBlock(bytes, 0, id, block, endsStream);
    this.push(bytes);
  }

  /** A whole answer: headers, DATA and the block behind it. What cannot be sent at once waits. */
  pushAnswer(sender: Sender, head: Buffer, body: readonly Uint8Array[], last: Buffer): void {
    let size = 0;
    for (const part of body) size += part.length;
    if (size > this.frameBytes || size > this.#window || size > sender.sendWindow || this.#senders.has(sender)) {
      this.pushHeaders(sender.id, head, false);
      sender.lastBlock = last;
      this.pushData(sender, body);
      return;
    }
    const bytes = Buffer.allocUnsafe(this.#blockBytes(head) + headBytes + size + headBytes + last.length);
    let at = this.#putBlock(bytes, 0, sender.id, head, false);
    writeHead(bytes, at, size, frameTypes.data, 0, sender.id);
    at += headBytes;
    for (const part of body) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#putBlock(bytes, at, sender.id, last, true);
    this.#window -= size;
    sender.sendWindow -= size;
    this.#onBytes(size);
    this.push(bytes);
    sender.onSent(true);
  }

  /** DATA, which is not copied: who gives it away does not change it any more. */
  pushData(sender: Sender, body: readonly Uint8Array[]): void {
    for (const part of body) {
      if (part.length === 0) continue;
      sender.waiting.push(part);
      sender.waitingBytes += part.length;
      this.#waitingBytes += part.length;
    }
    this.wake(sender);
  }

  /** Something changed for a stream: it has more to send, or may send more. */
  wake(sender: Sender): void {
    if (this.#isEnded || (sender.waitingBytes === 0 && sender.lastBlock === undefined)) return;
    this.#senders.add(sender);
    this.#wake();
  }

  /** Nothing more of a stream is sent. */
  drop(sender: Sender): void {
    this.#senders.delete(sender);
    this.#waitingBytes -= sender.waitingBytes;
    sender.waiting.length = 0;
    sender.waitingBytes = 0;
    sender.lastBlock = undefined;
  }

  /** @throws ConnectionFault FLOW_CONTROL_ERROR when it becomes larger than it may */
  widen(count: number): void {
    this.#window += count;
    if (this.#window > largest31) throw new ConnectionFault(errorCodes.flowControl, 'the window of the connection is too large');
    if (this.#senders.size > 0) this.#wake();
  }

  /** The socket took what it was given. */
  onDrain(): void {
    this.#isBlocked = false;
    this.flush();
  }

  /** Sends what there is, as far as it is taken. */
  flush(): void {
    this.#pump();
    this.#write();
  }

  /** Sends what there is, and nothing after it. */
  end(): void {
    this.#write();
    this.#isEnded = true;
    this.#senders.clear();
  }

  readonly #whenDue = (): void => {
    this.#isDue = false;
    this.flush();
  };

  #wake(): void {
    if (this.#isHeld || this.#isDue) return;
    this.#isDue = true;
    process.nextTick(this.#whenDue);
  }

  #pump(): void {
    let hasMoved = true;
    while (hasMoved && this.#senders.size > 0 && !this.#isBlocked) {
      hasMoved = false;
      for (const sender of this.#senders) {
        if (!this.#sendSome(sender)) continue;
        hasMoved = true;
        if (this.#bytes >= writtenAtOnce) this.#write();
        if (this.#isBlocked) return;
      }
    }
  }

  /** One frame of DATA. @returns whether anything was sent */
  #sendSome(sender: Sender): boolean {
    const size = Math.min(sender.waitingBytes, sender.sendWindow, this.#window, this.frameBytes);
    if (size <= 0 && sender.waitingBytes > 0) return false;
    if (size > 0) {
      const head = Buffer.allocUnsafe(headBytes);
      writeHead(head, 0, size, frameTypes.data, 0, sender.id);
      this.#parts.push(head);
      this.#bytes += headBytes + size;
      this.#window -= size;
      sender.sendWindow -= size;
      sender.waitingBytes -= size;
      this.#waitingBytes -= size;
      this.#takeWaiting(sender, size);
      this.#onBytes(size);
      this.#hasMoved = true;
    }
    if (sender.waitingBytes > 0) return true;
    this.#senders.delete(sender);
    const last = sender.lastBlock;
    if (last !== undefined) {
      sender.lastBlock = undefined;
      this.pushHeaders(sender.id, last, true);
    }
    sender.onSent(last !== undefined);
    return true;
  }

  #takeWaiting({ waiting }: Sender, size: number): void {
    let left = size;
    let whole = 0;
    while (left > 0) {
      const part = waiting[whole];
      if (part.length > left) {
        this.#parts.push(part.subarray(0, left));
        waiting[whole] = part.subarray(left);
        break;
      }
      this.#parts.push(part);
      left -= part.length;
      whole += 1;
    }
    waiting.splice(0, whole);
  }

  #write(): void {
    const parts = this.#parts;
    if (parts.length === 0) return;
    const size = this.#bytes;
    this.#parts = [];
    this.#bytes = 0;
    const socket = this.#socket;
    if (!socket.writable) return;
    let isTaken = true;
    if (parts.length === 1) isTaken = socket.write(parts[0]);
    else if (size <= copiedBytes) isTaken = socket.write(Buffer.concat(parts, size));
    else {
      socket.cork();
      for (const part of parts) isTaken = socket.write(part);
      socket.uncork();
    }
    this.#hasMoved = true;
    if (isTaken || socket.writableLength === 0) return;
    this.#isBlocked = true;
    // Who does not read answers is not read from.
    socket.pause();
  }

  #blockBytes(block: Buffer): number {
    return headBytes + block.length + (this.#isFirstBlock ? noTable.length : 0);
  }

  /** @returns where it ends */
  #putBlock(bytes: Buffer, from: number, id: number, block: Buffer, endsStream: boolean): number {
    let at = from + headBytes;
    const lead = this.#isFirstBlock ? noTable.length : 0;
    writeHead(bytes, from, lead + block.length, frameTypes.headers, endsStream ? flags.endHeaders | flags.endStream : flags.endHeaders, id);
    if (this.#isFirstBlock) {
      bytes.set(noTable, at);
      at += lead;
      this.#isFirstBlock = false;
    }
    bytes.set(block, at);
    return at + block.length;
  }
}
