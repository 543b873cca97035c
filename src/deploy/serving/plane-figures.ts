import type { HeldModel } from './generation.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { ShadowFigures } from './shadows.ts';
import type { SpoolFigures } from './spool.ts';

/** How a model runs just now. */
export interface ModelFigures {
  readonly name: string;
  readonly version: string;
  readonly package: string;
  readonly lane: string;
  /** What computes it. */
  readonly provider: string;
  readonly maxRows: number;
  readonly queued: number;
  readonly loadMs: number;
  /** Worker threads that take its runs. */
  readonly workers: number;
  readonly workerRestarts: number;
  /** Unloaded until it is asked. */
  readonly asleep: boolean;
  readonly memoryBytes: number;
  readonly coldStarts: number;
  /** How long the last one took. */
  readonly coldStartMs?: number;
  /** Why its workers or lane could not be changed the last time. */
  readonly lastFailure?: string;
}

export interface MemoryFigures {
  /** Of all models together. */
  readonly usedBytes: number;
  readonly limitBytes?: number;
}

/** How a data plane does just now. */
export interface PlaneFigures {
  readonly generation: number;
  readonly ready: boolean;
  readonly inFlight: number;
  readonly models: readonly ModelFigures[];
  readonly memory: MemoryFigures;
  readonly shadows: readonly ShadowFigures[];
  readonly spool?: SpoolFigures;
}

export function figuresOfModel({ entry, loaded }: HeldModel): ModelFigures {
  const { execution } = loaded;
  const { coldStartMs, lastFailure } = execution;
  return {
    name: entry.name,
    version: entry.version,
    package: entry.package,
    lane: loaded.lane,
    provider: execution.settings.provider,
    maxRows: loaded.maxRows,
    queued: loaded.queued,
    loadMs: loaded.loadMs,
    workers: execution.workers,
    workerRestarts: execution.restarts,
    asleep: execution.isAsleep,
    memoryBytes: execution.memoryBytes,
    coldStarts: execution.coldStarts,
    ...(coldStartMs === undefined ? {} : { coldStartMs }),
    ...(lastFailure === undefined ? {} : { lastFailure }),
  };
}

export function figuresOfMemory({ used, limit }: MemoryBudget): MemoryFigures {
  return { usedBytes: used, ...(Number.isFinite(limit) ? { limitBytes: limit } : {}) };
}
