/** A queue that keeps the newest: what comes when it is full pushes the oldest out. One side puts, any number of others take. */
export class FrameBuffer<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  readonly #takers: ((item: T | undefined) => void)[] = [];
  #ended = false;
  #dropped = 0;

  /** @param capacity from 1 on */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many were pushed out. */
  get dropped(): number {
    return this.#dropped;
  }

  put(item: T): void {
    if (this.#ended) return;
    const taker = this.#takers.shift();
    if (taker !== undefined) return taker(item);
    if (this.#items.length >= this.#capacity) {
      this.#items.shift();
      this.#dropped += 1;
    }
    this.#items.push(item);
  }

  /** Nothing more comes; what is there can still be taken. */
  end(): void {
    this.#ended = true;
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  /** The oldest that is there, once there is one. @returns undefined when nothing comes any more */
  take(): Promise<T | undefined> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#takers.push(resolve));
  }
}
