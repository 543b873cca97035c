import { GyreError } from '#core';
import type { StreamListener } from './h2/stream.ts';
import type { RpcAsked, RpcExchange } from './rpc-exchange.ts';
import { MessageReader, unpacked } from './rpc-messages.ts';
import type { SentMessage } from './rpc-messages.ts';
import type { RpcCall } from './rpc-method.ts';

/** Messages of one stream that are worked on at the same time; the next is taken when one of them is answered. */
const streamedAtOnce = 64;
/** Bytes of answers that a stream's caller has not taken, from which on no more of its messages are. */
const mostUnsentBytes = 1024 * 1024;

/** Asks a method for the answer to one message, within what admission allows. Exactly one of `onAnswer` and `onError` is called. */
function ask(
  { method, caller }: RpcAsked,
  { host }: RpcExchange,
  message: Uint8Array,
  call: RpcCall,
  onAnswer: (message: Uint8Array) => void,
  onError: (error: unknown) => void,
): void {
  let inside: Disposable | undefined;
  let given: ReturnType<typeof method.handle>;
  try {
    if (method.infers === true) {
      host.admission.take(caller);
      inside = host.admission.enter();
    }
    given = method.handle(message, call);
  } catch (error) {
    inside?.[Symbol.dispose]();
    onError(error);
    return;
  }
  const answered = (answer: Uint8Array): void => {
    inside?.[Symbol.dispose]();
    onAnswer(answer);
  };
  const failed = (error: unknown): void => {
    inside?.[Symbol.dispose]();
    onError(error);
  };
  if (given instanceof Promise) given.then(answered, failed);
  else if (given instanceof Uint8Array) answered(given);
  else {
    const { message: answer, settle } = given;
    try {
      settle((fault) => (fault === undefined ? answered(answer) : failed(fault)));
    } catch (error) {
      failed(error);
    }
  }
}

/** A call of one message that is answered with one, without a promise where the method needs none. */
export class UnaryCall implements StreamListener {
  readonly isTimed = true;
  readonly #exchange: RpcExchange;
  readonly #asked: RpcAsked;
  readonly #messages: MessageReader;
  #message: SentMessage | undefined;
  #isOver = false;

  constructor(exchange: RpcExchange, asked: RpcAsked) {
    this.#exchange = exchange;
    this.#asked = asked;
    this.#messages = new MessageReader(exchange.limit);
  }

  onData(bytes: Buffer, isLast: boolean): boolean {
    if (this.#message !== undefined) {
      this.#refuse(tooMany());
      return false;
    }
    try {
      const end = this.#messages.read(bytes, 0);
      this.#message = this.#messages.take();
      if (end < bytes.length) throw tooMany();
    } catch (error) {
      this.#refuse(error);
      return true;
    }
    if (!isLast) this.#exchange.stream.grant(bytes.length);
    return this.#message !== undefined && !this.#message.isOwn;
  }

  onEnd(): void {
    const message = this.#message;
    if (message !== undefined) {
      if (message.flag === 0) this.#handle(message.bytes, message.isOwn);
      else
        unpacked(message, this.#asked.packing, this.#exchange.limit).then(
          (bytes) => this.#handle(bytes, false),
          (error: unknown) => this.#refuse(error),
        );
    } else if (this.#messages.isOpen) this.#refuse(cutOff());
    else this.#refuse(new GyreError('INVALID_ARGUMENT', 'this method takes a message, and there is none'));
  }

  onGone(): void {
    // One that is worked on is written down when that has ended.
    if (this.#exchange.stream.isBusy || this.#isOver) return;
    this.#isOver = true;
    this.#exchange.giveUp();
  }

  onSent(): void {
    // Its answer is all that it sends.
  }

  #handle(message: Uint8Array, isOwn: boolean): void {
    if (this.#isOver) return;
    const [exchange, asked] = [this.#exchange, this.#asked];
    const { stream } = exchange;
    stream.isBusy = true;
    ask(
      asked,
      exchange,
      message,
      exchange.callOf(asked.timeoutMs, isOwn),
      (answer) => {
        stream.isBusy = false;
        this.#isOver = true;
        exchange.answer(answer, asked.packing);
      },
      (error) => {
        stream.isBusy = false;
        this.#refuse(error);
      },
    );
  }

  #refuse(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#exchange.refuse(error);
  }
}

function tooMany(): GyreError {
  return new GyreError('INVALID_ARGUMENT', 'this method takes one message, and there are more');
}

function cutOff(): GyreError {
  return new GyreError('INVALID_ARGUMENT', 'the call ended in the middle of a message');
}

/** The answer to a message of a stream, when it is there. */
interface Slot {
  answer: Uint8Array | undefined;
}

const nothing = Buffer.alloc(0);

/** A call of many messages: each is answered for itself; an answer waits for those before it. */
export class StreamedCall implements StreamListener {
  readonly isTimed = false;
  readonly #exchange: RpcExchange;
  readonly #asked: RpcAsked;
  readonly #call: RpcCall;
  readonly #onError: (error: unknown) => Uint8Array;
  readonly #messages: MessageReader;
  readonly #slots: Slot[] = [];
  // What came while no more messages were wanted: no objects for each of them, which may be of five bytes.
  #input: Buffer = nothing;
  #inputFrom = 0;
  #inputTo = 0;
  /** Whether there is room behind what came. */
  #isRoomy = false;
  /** Bytes that came and that its caller may not send again yet. */
  #owed = 0;
  #under = 0;
  #isUnpacking = false;
  #isEnded = false;
  #isOver = false;
  #isGoingOn = false;
  /** Why no more messages are taken: said when those before it are answered. */
  #fault: { readonly error: unknown } | undefined;

  constructor(exchange: RpcExchange, asked: RpcAsked, onError: (error: unknown) => Uint8Array) {
    this.#exchange = exchange;
    this.#asked = asked;
    this.#call = exchange.callOf(asked.timeoutMs, false);
    this.#onError = onError;
    this.#messages = new MessageReader(exchange.limit);
    exchange.begin();
  }

  onData(bytes: Buffer): boolean {
    this.#owed += bytes.length;
    if (this.#fault === undefined) this.#append(bytes);
    this.#goOn();
    return true;
  }

  onEnd(): void {
    this.#isEnded = true;
    this.#goOn();
  }

  onGone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#input = nothing;
    this.#exchange.giveUp();
  }

  onSent(): void {
    this.#goOn();
  }

  #append(bytes: Buffer): void {
    const left = this.#inputTo - this.#inputFrom;
    if (left === 0) {
      this.#input = bytes;
      this.#inputFrom = 0;
      this.#inputTo = bytes.length;
      this.#isRoomy = false;
      return;
    }
    if (!this.#isRoomy || this.#input.length - this.#inputTo < bytes.length) {
      const grown = Buffer.allocUnsafe(2 * (left + bytes.length));
      this.#input.copy(grown, 0, this.#inputFrom, this.#inputTo);
      this.#input = grown;
      this.#inputFrom = 0;
      this.#inputTo = left;
      this.#isRoomy = true;
    }
    this.#inputTo += bytes.copy(this.#input, this.#inputTo);
  }

  get #isFull(): boolean {
    return this.#slots.length >= streamedAtOnce || this.#isUnpacking || this.#exchange.stream.waitingBytes > mostUnsentBytes;
  }

  /** Takes what may be taken, and ends when nothing is left. */
  #goOn(): void {
    // Not from within: messages that are answered at once may be thousands.
    if (this.#isGoingOn) return;
    this.#isGoingOn = true;
    while (!this.#isOver && !this.#isFull && this.#inputFrom < this.#inputTo) this.#takeNext();
    this.#isGoingOn = false;
    if (this.#isOver || this.#isFull) return;
    if (this.#owed > 0) {
      const owed = this.#owed;
      this.#owed = 0;
      this.#exchange.stream.release(owed);
    }
    if (this.#slots.length > 0) return;
    if (this.#isEnded && this.#messages.isOpen) this.#fault ??= { error: cutOff() };
    if (this.#fault === undefined && !this.#isEnded) return;
    this.#isOver = true;
    if (this.#fault === undefined) this.#exchange.end();
    else this.#exchange.refuse(this.#fault.error);
  }

  #takeNext(): void {
    try {
      this.#inputFrom = this.#messages.read(this.#input, this.#inputFrom, this.#inputTo);
    } catch (error) {
      this.#stop(error);
      return;
    }
    const message = this.#messages.take();
    if (message === undefined) return;
    if (message.flag === 0) {
      this.#handle(message.bytes);
      return;
    }
    this.#isUnpacking = true;
    unpacked(message, this.#asked.packing, this.#exchange.limit).then(
      (bytes) => {
        this.#isUnpacking = false;
        this.#handle(bytes);
        this.#goOn();
      },
      (error: unknown) => {
        this.#isUnpacking = false;
        this.#stop(error);
        this.#goOn();
      },
    );
  }

  #stop(error: unknown): void {
    this.#fault = { error };
    this.#input = nothing;
    this.#inputFrom = 0;
    this.#inputTo = 0;
  }

  #handle(message: Uint8Array): void {
    if (this.#isOver) return;
    const { stream } = this.#exchange;
    const slot: Slot = { answer: undefined };
    this.#slots.push(slot);
    this.#under += 1;
    stream.isBusy = true;
    const answered = (answer: Uint8Array): void => {
      slot.answer = answer;
      this.#under -= 1;
      if (this.#under === 0) stream.isBusy = false;
      this.#send();
      this.#goOn();
    };
    ask(this.#asked, this.#exchange, message, this.#call, answered, (error) => answered(this.#onError(error)));
  }

  #send(): void {
    for (let first = this.#slots[0]; first?.answer !== undefined; first = this.#slots[0]) {
      this.#slots.shift();
      if (!this.#isOver) this.#exchange.write(first.answer);
    }
  }
}
