/** The time, handed in: domain code never asks the machine itself. */
export interface Clock {
  /** Now, in UTC milliseconds since 1970. */
  now(): number;
}

/** The machine's clock. Only `src/app/` and the entry points of processes use it. */
export const systemClock: Clock = { now: () => Date.now() };

/** A clock that a test or a replay moves by hand. */
export interface ManualClock extends Clock {
  advance(byMs: number): void;
  set(instantMs: number): void;
}

/** @param startMs the first instant, UTC milliseconds */
export function manualClock(startMs: number): ManualClock {
  let now = startMs;
  return {
    now: () => now,
    advance: (byMs) => {
      now += byMs;
    },
    set: (instantMs) => {
      now = instantMs;
    },
  };
}

/** An instant as ISO 8601 in UTC with milliseconds, as our API writes it. */
export function isoInstant(instantMs: number): string {
  return new Date(instantMs).toISOString();
}

/**
 * Milliseconds on the one clock that all threads of a process read and nobody sets. `performance.timeOrigin` is no bridge between threads: each reads
 * the wall clock when it begins, and that may have been corrected in between.
 */
export function steadyMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Milliseconds that the calling thread has computed: what work costs, however busy the machine is. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
