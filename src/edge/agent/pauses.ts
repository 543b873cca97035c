import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentDeps } from './port.ts';

/** Pauses that grow while something fails, dealt by chance, so that many agents do not come back at the same moment. */
export class Pauses {
  readonly #deps: Pick<AgentDeps, 'times' | 'chance' | 'signal'>;
  #failures = 0;

  constructor(deps: Pick<AgentDeps, 'times' | 'chance' | 'signal'>) {
    this.#deps = deps;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Waits longer each time, between half of it and all of it. */
  async afterFailure(): Promise<void> {
    const { times, chance, signal } = this.#deps;
    const ms = Math.min(times.longestPauseMs, times.pauseMs * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    await pause(ms * (0.5 + chance() / 2), signal);
  }
}

/** Ends early when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
