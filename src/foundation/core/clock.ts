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

/** Looks at the system's account of a thread in a row; where it is kept exactly, each is some microseconds on. */
const looks = 256;
/** An account that is kept by the timer's ticks goes on by one of them at a time: 1, 4 or 10 ms. */
const finestTickMs = 0.9;

let isExact: boolean | undefined;

/**
 * Milliseconds that the calling thread has computed: what work costs, however busy the machine is. Where the system counts that in ticks of its
 * timer, which are longer than most runs of a model, it is the time on the steady clock instead.
 */
export function threadCpuMs(): number {
  isExact ??= isCountedExactly();
  return isExact ? cpuMs() : steadyMs();
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function isCountedExactly(): boolean {
  let before = cpuMs();
  for (let look = 0; look < looks; look++) {
    const now = cpuMs();
    if (now > before && now - before < finestTickMs) return true;
    before = now;
  }
  return false;
}
