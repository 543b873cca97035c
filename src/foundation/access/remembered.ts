import type { Clock } from '#core';

/** What was looked up at a price, for a while: forgotten at once when what it was made from changes. */
export interface Remembered<V> {
  /** What is remembered under a key, else what `look` finds; callers that ask at the same time wait for one look. */
  get(key: string, look: () => Promise<V>): Promise<V>;
  /** Call it after each change. What is being looked up meanwhile is answered, but not kept. */
  readonly forget: () => void;
  /** Call it after a change that what is kept can follow. What is being looked up meanwhile is answered, but not kept. */
  readonly amend: (apply: (value: V, key: string) => void) => void;
}

/** @param options.forMs how long something is kept at most; @param options.most how many are kept: whoever came first goes first */
export function remember<V>(options: { readonly clock: Clock; readonly forMs: number; readonly most: number }): Remembered<V> {
  const { clock, forMs, most } = options;
  const kept = new Map<string, { readonly value: V; readonly until: number }>();
  const pending = new Map<string, Promise<V>>();
  return {
    async get(key, look) {
      const found = kept.get(key);
      if (found !== undefined && found.until > clock.now()) return found.value;
      const underWay = pending.get(key);
      if (underWay !== undefined) return underWay;
      const looking = look();
      pending.set(key, looking);
      try {
        const value = await looking;
        if (pending.get(key) === looking) {
          kept.delete(key);
          for (const oldest of kept.keys()) {
            if (kept.size < most) break;
            kept.delete(oldest);
          }
          kept.set(key, { value, until: clock.now() + forMs });
        }
        return value;
      } finally {
        if (pending.get(key) === looking) pending.delete(key);
      }
    },
    forget: () => {
      kept.clear();
      pending.clear();
    },
    amend: (apply) => {
      for (const [key, { value }] of kept) apply(value, key);
      pending.clear();
    },
  };
}
