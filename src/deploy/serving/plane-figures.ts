import type { ModelFigures, PlaneFigures as SharedFigures } from '#contract';
import type { HeldModel, WarmModel } from './generation.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { PythonFigures } from './python/python-session.ts';
import type { SpoolFigures } from './spool.ts';

/** How a data plane does just now. */
export interface PlaneFigures extends SharedFigures {
  readonly spool?: SpoolFigures;
}

export function figuresOfModel({ entry, loaded }: HeldModel): ModelFigures {
  const { execution, statistics } = loaded;
  const { coldStartMs, lastFailure, python } = execution;
  return {
    name: entry.name,
    version: entry.version,
    package: entry.package,
    weight: entry.weight,
    lane: loaded.lane,
    engine: execution.engine,
    provider: execution.settings.provider,
    maxRows: loaded.maxRows,
    queued: loaded.queued,
    loadMs: loaded.loadMs,
    workers: execution.workers,
    wideWorker: execution.hasWideWorker,
    workerRestarts: execution.restarts,
    asleep: execution.isAsleep,
    memoryBytes: execution.memoryBytes,
    coldStarts: execution.coldStarts,
    ...(coldStartMs === undefined ? {} : { coldStartMs }),
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(python === undefined ? {} : { python: pythonFiguresOf(python) }),
    traffic: statistics.traffic.figures(),
    answers: statistics.answers,
    batches: statistics.batches.map(({ rows, runs }) => ({ rows, runs })),
  };
}

export function figuresOfWarm(warm: readonly WarmModel[]): Pick<SharedFigures, 'warm'> {
  if (warm.length === 0) return {};
  return {
    warm: warm.map(({ entry: { name, version }, loaded, failure }) => ({
      name,
      version,
      loaded: loaded !== undefined && !loaded.execution.isAsleep,
      memoryBytes: loaded?.execution.memoryBytes ?? 0,
      ...(failure === undefined ? {} : { failure }),
    })),
  };
}

export function figuresOfMemory({ used, limit }: MemoryBudget): SharedFigures['memory'] {
  return { usedBytes: used, ...(Number.isFinite(limit) ? { limitBytes: limit } : {}) };
}

function pythonFiguresOf({ classes, libraries, pids, ...same }: PythonFigures): NonNullable<ModelFigures['python']> {
  return { ...same, libraries: { ...libraries }, pids: [...pids], ...(classes === undefined ? {} : { classes: [...classes] }) };
}
