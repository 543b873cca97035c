/** A model that takes memory and can do without it while nobody asks it. */
export interface MemoryUser {
  readonly memoryBytes: number;
  /** On the plane's clock of elapsed time. */
  readonly lastUsedMs: number;
  /** Nothing runs or waits. */
  readonly isIdle: boolean;
  sleep(): Promise<void>;
}

/** The memory of all models of a data plane together. Beyond its limit those that were used least recently are put to sleep. */
export class MemoryBudget {
  /** Bytes; Infinity: no limit. */
  limit = Number.POSITIVE_INFINITY;
  readonly #users = new Set<MemoryUser>();

  get used(): number {
    let bytes = 0;
    for (const user of this.#users) bytes += user.memoryBytes;
    return bytes;
  }

  add(user: MemoryUser): void {
    this.#users.add(user);
  }

  remove(user: MemoryUser): void {
    this.#users.delete(user);
  }

  /** Whether so much more fits when all is idle that can be. */
  allows(bytes: number): boolean {
    return this.used + bytes <= this.limit;
  }

  /** Puts idle models to sleep until the rest fits. @param keep the one for which room is made */
  async settle(keep?: MemoryUser): Promise<void> {
    while (this.used > this.limit) {
      const idle = [...this.#users].filter((user) => user !== keep && user.isIdle && user.memoryBytes > 0);
      const least = idle.sort((one, other) => one.lastUsedMs - other.lastUsedMs)[0];
      if (least === undefined) return;
      await least.sleep();
    }
  }
}
