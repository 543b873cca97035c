import type { Actor, EventTypes, PipelineRun, StepItem } from '#contract';
import type { Clock, NewId } from '#core';
import type { Events } from '#events';
import type { Store } from '#store';
import type { Logger } from '#telemetry';

/** Plain JSON: what parameters and outputs of steps are made of. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue | undefined };
export type JsonObject = { readonly [name: string]: JsonValue | undefined };

/** What a step is given while it runs. */
export interface StepContext {
  readonly pipelineRun: string;
  readonly step: string;
  readonly stepRun: string;
  /** From 1; grows with each retry and each resumption. */
  readonly attempt: number;
  readonly by: Actor;
  readonly parameters: JsonObject;
  /** Named outputs of earlier steps. */
  readonly inputs: JsonObject;
  readonly seed?: number;
  /** Nothing that is known from earlier runs is to be reused. */
  readonly fresh: boolean;
  /** Aborts when the run is cancelled, the process stops, or another process took the run over. */
  readonly signal: AbortSignal;
  /** Keeps a line with the step; the last ones are shown. */
  log(line: string): void;
  /** How far the work is, for whoever watches. @param total 0 when it is not known */
  progress(done: number, total: number, message: string): void;
}

export interface StepResult {
  /** Ids and digests of the records that the step left: what later steps get, and what a cached step gives again. */
  readonly outputs: JsonObject;
  /** One line for a person. */
  readonly summary: string;
}

/** What executes steps of one kind. It must be fine to run again when it was cut off half-way. */
export interface StepHandler {
  /** Such as `data.ingest`. */
  readonly kind: string;
  /** Changes when the same inputs may give other outputs: old cache entries then no longer count. */
  readonly version: string;
  readonly cacheable: boolean;
  run(context: StepContext): Promise<StepResult>;
  /**
   * Whether what an earlier run left is still there; a cached step is run again when it is not.
   * @param pipelineRun the run that would reuse it
   */
  stillThere?(outputs: JsonObject, pipelineRun: string): Promise<boolean>;
}

export interface StepPlan {
  readonly name: string;
  readonly kind: string;
  /** Steps that have to be done before; those named in `inputs` count as well. */
  readonly after: readonly string[];
  readonly parameters: JsonObject;
  readonly inputs: Readonly<Record<string, { readonly step: string; readonly output: string }>>;
  readonly seed?: number;
  /** How often it is tried again after an error that may pass. Default 0. */
  readonly retries?: number;
}

export interface Submission {
  readonly pipeline: string;
  /** Why: a person's words, or the alert. */
  readonly reason: string;
  readonly by: Actor;
  readonly parameters: JsonObject;
  readonly steps: readonly StepPlan[];
  /** Run every step, whatever the cache holds. */
  readonly fresh?: boolean;
}

/** Something that happened in a run, for whoever watches in this process. */
export type PipelineSignal =
  | {
      readonly kind: 'step';
      readonly pipelineRun: string;
      readonly step: string;
      readonly state: string;
      readonly summary?: string;
      readonly error?: string;
      readonly attempt: number;
    }
  | {
      readonly kind: 'progress';
      readonly pipelineRun: string;
      readonly step: string;
      readonly done: number;
      readonly total: number;
      readonly message: string;
    }
  | { readonly kind: 'log'; readonly pipelineRun: string; readonly step: string; readonly line: string }
  | { readonly kind: 'run'; readonly pipelineRun: string; readonly state: PipelineRun['state'] };

export interface PipelinesOptions {
  /** Migrated with `pipelinesMigrations`. */
  readonly store: Store;
  readonly events: Pick<Events<EventTypes>, 'publish'>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log?: Logger;
  /** Names this process: a new one at each start. */
  readonly owner: string;
  /** This process alone runs pipelines on this store (it holds the lock of the data folder): what another owner left is dead. Default false. */
  readonly exclusive?: boolean;
  /** How many steps of one run go on at the same time. Default 2. */
  readonly parallel?: number;
  /** After so long without a heartbeat an owner counts as gone. Default 15 000; the heart beats five times as often. */
  readonly leaseMs?: number;
  /** The wait before the first retry; doubles up to 30 s. Default 500. */
  readonly backoffMs?: number;
  readonly project?: string;
}

export interface ItemListOptions {
  readonly limit: number;
  /** From the page before. */
  readonly after?: string;
  readonly state?: StepItem['state'];
  /** Only items that have this file among their inputs or outputs. */
  readonly file?: string;
}

export interface ListOptions {
  readonly limit: number;
  /** From the page before. */
  readonly after?: string;
  readonly pipeline?: string;
  readonly state?: PipelineRun['state'];
}

/** The run graph: steps by name, kind and digest; it never knows what a step means. */
export interface Pipelines extends AsyncDisposable {
  /** @throws GyreError ALREADY_EXISTS for a kind that has a handler */
  register(handler: StepHandler): void;
  /** Records a run and starts it; it goes on by itself. @throws GyreError INVALID_ARGUMENT for a graph that cannot be run */
  submit(submission: Submission): Promise<PipelineRun>;
  /** The run once it has ended; a failed or cancelled one is a value too. @throws GyreError NOT_FOUND, CANCELLED when the signal aborts */
  wait(id: string, signal?: AbortSignal): Promise<PipelineRun>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<PipelineRun>;
  /** Newest first. */
  list(options: ListOptions): Promise<{ readonly items: readonly PipelineRun[]; readonly next?: string }>;
  /** The last lines that a step wrote. @throws GyreError NOT_FOUND */
  logs(id: string, step: string): Promise<readonly string[]>;
  /**
   * The items of a step that works by file or by group, as this run left them, in the order of their names; none for other steps.
   * @throws GyreError NOT_FOUND
   */
  items(id: string, step: string, options: ItemListOptions): Promise<{ readonly items: readonly StepItem[]; readonly next?: string }>;
  /** Stops a run; fine when it has ended. @throws GyreError NOT_FOUND */
  cancel(id: string, by: Actor): Promise<PipelineRun>;
  /** Takes over what owners that are gone have left. Finished steps stay; a step that was cut off is run again. @returns the runs' ids */
  resume(): Promise<readonly string[]>;
  /** @returns a function that stops the watching */
  watch(listener: (signal: PipelineSignal) => void): () => void;
}
