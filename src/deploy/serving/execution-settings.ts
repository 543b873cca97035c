import type { ExecutionSpec } from '#contract';
import type { ExecutionProvider } from '#onnx';

/** Where a model runs: on the thread that answers HTTP (`inline`, for tiny models), or on worker threads. */
export type Lane = 'inline' | 'workers';

/** How a model is run, with nothing left open but what is measured. */
export interface ExecutionSettings {
  /** Left out: measured when the model is loaded, and watched. */
  readonly lane?: Lane;
  /** `auto`: what can be computed here to the same bytes is. */
  readonly engine: 'auto' | 'onnxruntime';
  readonly provider: ExecutionProvider;
  /** Worker threads that stay; 0: a model that nobody asks is put to sleep. */
  readonly min: number;
  readonly max: number;
  readonly threads: number | 'auto';
  readonly cores: number;
  /** A request that waits longer for its run brings one more worker. */
  readonly waitMs: number;
  /** Workers that were not needed for so long end. */
  readonly idleMs: number;
  /** Left out: measured. */
  readonly maxBatchRows?: number;
  readonly maxDelayMs: number;
  readonly maxQueued: number;
}

/** What may be changed while a model stays loaded. */
export type ExecutionBounds = Pick<ExecutionSettings, 'min' | 'max' | 'maxQueued'>;

/** Whether a model that is loaded by one of them runs as the other says, within other bounds perhaps. */
export function isRunAlike(one: ExecutionSettings, other: ExecutionSettings): boolean {
  const unbounded = (settings: ExecutionSettings): string => JSON.stringify({ ...settings, min: 0, max: 0, maxQueued: 0 });
  return unbounded(one) === unbounded(other);
}

/** What one of several planes may take of what all of them may. */
export function partOf(settings: ExecutionSettings, planes: number): ExecutionSettings {
  const max = Math.max(1, Math.floor(settings.max / planes));
  return { ...settings, max, min: Math.min(max, Math.ceil(settings.min / planes)), maxQueued: Math.ceil(settings.maxQueued / planes) };
}

/**
 * @param specs what the machine's operator and the manifest say; the first that says something counts
 * @param cores threads that this machine runs at once
 */
export function executionSettings(specs: readonly (ExecutionSpec | undefined)[], cores: number): ExecutionSettings {
  const said = <K extends keyof ExecutionSpec>(key: K): ExecutionSpec[K] => specs.find((spec) => spec?.[key] !== undefined)?.[key];
  const workers = said('workers');
  const max = workers?.max ?? Math.max(cores, workers?.min ?? 1);
  const lane = said('lane');
  const maxBatchRows = said('maxBatchRows');
  return {
    engine: said('engine') ?? 'auto',
    provider: said('provider') ?? 'cpu',
    min: Math.min(workers?.min ?? 1, max),
    max,
    threads: said('threads') ?? 'auto',
    cores,
    waitMs: said('waitMs') ?? 10,
    idleMs: said('idleMs') ?? 60_000,
    maxDelayMs: said('maxDelayMs') ?? 0,
    maxQueued: said('maxQueued') ?? 4096,
    ...(lane === undefined ? {} : { lane }),
    ...(maxBatchRows === undefined ? {} : { maxBatchRows }),
  };
}
