import type { Outgoing, Sender } from './outgoing.ts';
import { errorCodes, frameTypes, numbersFrame } from './protocol.ts';
import type { ErrorNumber } from './protocol.ts';
import type { RequestHead } from './request-head.ts';

/** Who answers a stream. */
export interface StreamListener {
  /** Whether its peer may not be silent for long until all of the request has come. */
  readonly isTimed: boolean;
  /**
   * A part of the request; the bytes are the listener's to keep.
   * @param isLast whether nothing comes after it
   * @returns whether it keeps them: otherwise their memory may be given back
   */
  onData(bytes: Buffer, isLast: boolean): boolean;
  /** All of the request has come. */
  onEnd(): void;
  /** Reset, or its connection was lost; nothing more can be sent. Not called after the answer was sent whole. */
  onGone(): void;
  /** DATA that waited for the peer was sent. */
  onSent(): void;
}

/** What streams need of their connection. */
export interface StreamHost {
  readonly out: Outgoing;
  readonly remoteAddress: string | undefined;
  /** It is over. @param isReset whether before it was answered */
  forget(stream: H2Stream, isReset: boolean): void;
  /** Somebody worked on a stream that is over. */
  onIdle(): void;
  /** A part of an answer was given, of many. */
  onWorked(): void;
  /** Counts bytes of requests that are kept from now on, or (less than none) not any more. */
  keep(count: number): void;
  /** Whether so many bytes more may be kept. */
  hasRoom(count: number): boolean;
}

/** What a stream may send before it is answered: enough for a link of 1 Gbit/s and 30 ms. */
export const receiveWindow = 4 * 1024 * 1024;
/** Bytes of a refused call that are read and thrown away, at most: a reset at once would overtake the answer. */
const discardedBytes = 4 * 1024 * 1024;

/** One request and its answer (RFC 9113, 5). */
export class H2Stream implements Sender {
  readonly #host: StreamHost;
  readonly id: number;
  readonly head: RequestHead;
  #listener: StreamListener | undefined;
  #isRemoteOpen = true;
  #isLocalOpen = true;
  #isGone = false;
  #isBusy = false;
  /** Bytes of the request, of all and of those that are kept. */
  #received = 0;
  #kept = 0;
  /** Bytes that the peer may still send, and those that it will be allowed again. */
  #window = receiveWindow;
  #owed = 0;
  /** Since when its peer is known to be silent. */
  #silentSinceMs: number | undefined;
  sendWindow: number;
  readonly waiting: Uint8Array[] = [];
  waitingBytes = 0;
  lastBlock: Buffer | undefined;

  constructor(host: StreamHost, id: number, head: RequestHead) {
    this.#host = host;
    this.id = id;
    this.head = head;
    this.sendWindow = host.out.streamWindow;
  }

  get remoteAddress(): string | undefined {
    return this.#host.remoteAddress;
  }

  /** Whether no answer can be sent any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether more of the request may come. */
  get isRemoteOpen(): boolean {
    return this.#isRemoteOpen;
  }

  /** Whether somebody works on it: it counts as open for as long, whatever its peer says. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  set isBusy(isBusy: boolean) {
    this.#isBusy = isBusy;
    if (!isBusy && this.#isGone) this.#host.onIdle();
  }

  /** Who is told from now on. */
  listen(listener: StreamListener): void {
    this.#listener = listener;
  }

  /** Sends a whole answer. @param head block of headers @param body is not copied where it is large @param last block behind it */
  respond(head: Buffer, body: readonly Uint8Array[], last: Buffer): void {
    if (!this.#mayKeep(body)) return;
    this.#host.out.pushAnswer(this, head, body, last);
  }

  /** Sends headers alone. @param isLast whether they are the whole answer */
  respondHead(block: Buffer, isLast: boolean): void {
    if (this.#isGone || !this.#isLocalOpen) return;
    this.#host.out.pushHeaders(this.id, block, isLast);
    if (isLast) this.onSent(true);
  }

  /** Sends a part of an answer whose headers are sent. */
  write(body: readonly Uint8Array[]): void {
    if (!this.#mayKeep(body)) return;
    this.#host.onWorked();
    this.#host.out.pushData(this, body);
  }

  /** Ends an answer whose headers are sent, when all of it is. */
  end(last: Buffer): void {
    if (this.#isGone || !this.#isLocalOpen) return;
    this.lastBlock = last;
    this.#host.out.wake(this);
  }

  /** Ends it at once. */
  reset(code: ErrorNumber): void {
    if (this.#isGone) return;
    this.#host.out.push(numbersFrame(frameTypes.reset, this.id, code));
    this.lose();
  }

  /** Lets the peer send more, in place of bytes that came. */
  grant(count: number): void {
    this.#owed += count;
    if (!this.#isRemoteOpen || this.#owed < receiveWindow / 2) return;
    this.#host.out.push(numbersFrame(frameTypes.windowUpdate, this.id, this.#owed));
    this.#window += this.#owed;
    this.#owed = 0;
  }

  /** Says that bytes of the request are not kept any more, though the answer is not sent. */
  release(count: number): void {
    if (this.#isGone) return;
    this.#kept -= count;
    this.#host.keep(-count);
    this.grant(count);
  }

  /** For the connection: a part of the request has come. @param counted with padding @returns whether its bytes are kept */
  take(counted: number, bytes: Buffer, isLast: boolean): boolean {
    let isKept = false;
    this.#window -= counted;
    this.#received += bytes.length;
    this.#silentSinceMs = undefined;
    const { contentLength } = this.head;
    if (this.#window < 0) this.reset(errorCodes.flowControl);
    else if (contentLength !== undefined && (isLast ? this.#received !== contentLength : this.#received > contentLength))
      this.reset(errorCodes.protocol);
    else if (!this.#isLocalOpen) this.#discard(counted, isLast);
    else {
      if (counted > bytes.length) this.grant(counted - bytes.length);
      if (bytes.length > 0) {
        if (!this.#host.hasRoom(bytes.length)) {
          this.reset(errorCodes.enhanceYourCalm);
          return false;
        }
        this.#kept += bytes.length;
        this.#host.keep(bytes.length);
        isKept = this.#listener?.onData(bytes, isLast) ?? false;
      }
      if (isLast) this.endRemote();
    }
    return isKept;
  }

  /** For the connection: nothing more of the request comes. */
  endRemote(): void {
    if (this.#isGone) return;
    this.#isRemoteOpen = false;
    if (this.#isLocalOpen) this.#listener?.onEnd();
    else this.#close(false);
  }

  /** For the connection: it is over without an answer. */
  lose(): void {
    if (this.#isGone) return;
    const isAnswered = !this.#isLocalOpen;
    this.#close(!isAnswered);
    if (!isAnswered) this.#listener?.onGone();
  }

  /** For the connection: whether its peer has been silent for too long. */
  isLate(nowMs: number, requestMs: number): boolean {
    if (!this.#isRemoteOpen || (this.#isLocalOpen && this.#listener?.isTimed !== true)) return false;
    this.#silentSinceMs ??= nowMs;
    return nowMs - this.#silentSinceMs > requestMs;
  }

  onSent(isLast: boolean): void {
    if (!isLast) {
      this.#listener?.onSent();
      return;
    }
    this.#isLocalOpen = false;
    if (!this.#isRemoteOpen) this.#close(false);
  }

  #mayKeep(body: readonly Uint8Array[]): boolean {
    if (this.#isGone || !this.#isLocalOpen) return false;
    // Where nothing waits it is mostly sent at once.
    if (!this.#host.out.isWaiting) return true;
    let size = 0;
    for (const part of body) size += part.length;
    if (this.#host.hasRoom(size)) return true;
    this.reset(errorCodes.enhanceYourCalm);
    return false;
  }

  #discard(counted: number, isLast: boolean): void {
    if (isLast) this.endRemote();
    else if (this.#received > discardedBytes) this.reset(errorCodes.none);
    else this.grant(counted);
  }

  #close(isReset: boolean): void {
    this.#isGone = true;
    this.#isRemoteOpen = false;
    this.#host.out.drop(this);
    if (this.#kept > 0) this.#host.keep(-this.#kept);
    this.#kept = 0;
    this.#host.forget(this, isReset);
  }
}
