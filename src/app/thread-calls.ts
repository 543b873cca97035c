import { fromPortable, GyreError, toPortable } from '#core';
import type { PortableError } from '#core';

/** What one thread has another do, by name; arguments and results are structured clones. */
type Calls<T> = { readonly [K in keyof T]: (...given: never[]) => unknown };

type Message =
  | { readonly id: number; readonly call: string; readonly given: readonly unknown[] }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: PortableError };

/** The side of a worker that is held here, or of its parent. */
interface ThreadPort {
  postMessage(message: Message): void;
  on(event: 'message', listener: (message: Message) => void): unknown;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: GyreError) => void;
}

/** Asks the thread at the other side of a port, and does what it asks. */
export class ThreadCalls<Theirs extends Calls<Theirs>> {
  readonly #port: ThreadPort;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #gone: GyreError | undefined;

  /** @param own what the other side may ask here */
  constructor(port: ThreadPort, own: Readonly<Record<string, (...given: never[]) => unknown>>) {
    this.#port = port;
    port.on('message', (message) => {
      if ('call' in message) void this.#do(message.id, own[message.call], message.given);
      else this.#settle(message);
    });
  }

  /** @throws GyreError what the other side throws; UNAVAILABLE when its thread has ended */
  ask<K extends keyof Theirs & string>(call: K, ...given: Parameters<Theirs[K]>): Promise<Awaited<ReturnType<Theirs[K]>>> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const id = (this.#last += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (result) => resolve(result as Awaited<ReturnType<Theirs[K]>>), reject });
      this.#port.postMessage({ id, call, given });
    });
  }

  /** The other side has ended: whoever waits for it is told. */
  end(why: string): void {
    this.#gone ??= new GyreError('UNAVAILABLE', why);
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
  }

  #settle(message: Exclude<Message, { readonly call: string }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) waiting?.reject(fromPortable(message.error));
    else waiting?.resolve(message.result);
  }

  async #do(id: number, call: (...given: never[]) => unknown, given: readonly unknown[]): Promise<void> {
    try {
      const result: unknown = await call(...(given as never[]));
      this.#port.postMessage({ id, result });
    } catch (error) {
      const said = toPortable(error);
      // Details may hold what cannot be sent to another thread; the message says it in words.
      const details = JSON.parse(JSON.stringify(said.details)) as PortableError['details'];
      this.#port.postMessage({ id, error: { ...said, details } });
    }
  }
}
