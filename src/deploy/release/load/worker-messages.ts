import type { ConnectionsOptions } from './connections.ts';
import type { LoadMeasured, LoadPlan } from './open-loop.ts';

/** Whom a thread asks, and what: whole requests, in turn. */
export interface LoadTarget extends ConnectionsOptions {
  readonly requests: readonly Uint8Array[];
}

export interface LoadJob extends Pick<LoadPlan, 'ratePerSecond' | 'durationMs' | 'arrivals'> {
  readonly id: number;
  readonly seed: number;
}

export interface LoadReply {
  readonly id: number;
  readonly measured: LoadMeasured;
}
