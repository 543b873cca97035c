import type { Actor, EventTypes, PipelineRun, Schedule } from '#contract';
import type { Clock, GyreError } from '#core';
import type { Events } from '#events';
import type { ResolvedSchedule } from '#project';
import type { Store, Tx } from '#store';
import type { Logger } from '#telemetry';

/** What is to be run when. */
export interface Timed {
  readonly name: string;
  /** Five fields. */
  readonly cron: string;
  /** An IANA name. */
  readonly timezone: string;
}

/** A run, as far as the clock looks at it. */
export interface TimedRun<S extends string = string> {
  readonly id: string;
  readonly state: S;
  /** ISO 8601; absent while it goes on. */
  readonly endedAt?: string;
  /** Why it failed. */
  readonly error?: string;
}

/** How a schedule stands. */
export interface TimedState<S extends string = string> {
  readonly paused: boolean;
  /** ISO 8601; absent while it is paused, and where there is none ever again. */
  readonly nextDue?: string;
  readonly lastDue?: string;
  readonly lastRun?: string;
  readonly lastState?: S;
  readonly lastError?: string;
  /** How many runs the newest one stands for beside itself. */
  readonly missed?: number;
  /** Why the newest run could not be started. */
  readonly error?: string;
}

export interface Scheduled<D extends Timed, S extends string> {
  readonly definition: D;
  readonly state: TimedState<S>;
}

/** A run that is to be started. */
export interface Due<D extends Timed> {
  readonly definition: D;
  /** UTC milliseconds; absent when somebody asked for it out of turn. */
  readonly due?: number;
  readonly reason: string;
  readonly by: Actor;
}

/** What became of a schedule, to be told by an event. */
export type ScheduleChange =
  | { readonly kind: 'started'; readonly schedule: string; readonly due?: string; readonly missed: number; readonly run: string }
  | { readonly kind: 'failed'; readonly schedule: string; readonly due: string; readonly error: string }
  | { readonly kind: 'paused'; readonly schedule: string }
  | { readonly kind: 'resumed'; readonly schedule: string; readonly due?: string };

export interface TimetableDeps<D extends Timed, R extends TimedRun> {
  /** Migrated with `pipelinesMigrations`. */
  readonly store: Store;
  readonly clock: Clock;
  readonly log?: Logger;
  /** What is run: schedules of different kinds may have the same name. */
  readonly kind: string;
  /** Names this process: a new one at each start. */
  readonly owner: string;
  /** This process alone runs what is due on this store: what another one began to start, it did not finish. Default false. */
  readonly exclusive?: boolean;
  readonly project: () => string;
  /** As they stand now. */
  readonly definitions: () => readonly D[] | Promise<readonly D[]>;
  /** Who runs that are due are by: the platform. */
  readonly actor: Actor;
  /** Starts a run. The same schedule and due instant give the run that they gave before. */
  readonly start: (run: Due<D>) => Promise<R>;
  readonly getRun: (id: string) => Promise<R>;
  /** States the event of a change, in its transaction. */
  readonly publish: (tx: Tx, change: ScheduleChange, by: Actor, project: string) => void;
  /** The refusal of a name that has no schedule. */
  readonly unknown: (name: string, known: readonly string[]) => GyreError;
  /** What a run is called. */
  readonly runWord: string;
  /** How often the clock is looked at. Default 5 000. */
  readonly pollMs?: number;
}

/** Runs by the clock. Methods that take a name throw what `unknown` makes for one that is not there. */
export interface Timetable<D extends Timed, R extends TimedRun> extends AsyncDisposable {
  /** Looks at the clock from now on, until it is disposed. */
  begin(): void;
  /** Starts what is due now. @returns the runs that were started */
  tick(): Promise<readonly R[]>;
  /** By name. */
  list(): Promise<readonly Scheduled<D, R['state']>[]>;
  get(name: string): Promise<Scheduled<D, R['state']>>;
  /** Fine when it is paused already. */
  pause(name: string, by: Actor): Promise<void>;
  /** Goes on with the next instant: what would have been due meanwhile is not made up for. */
  resume(name: string, by: Actor): Promise<void>;
  /** Runs it now, out of turn. @throws GyreError FAILED_PRECONDITION while it runs */
  runNow(name: string, by: Actor): Promise<R>;
}

/** What the project says is to be run when; its name is a dataset's. */
export interface ScheduleDefinition extends ResolvedSchedule, Timed {}

/** A pipeline run that is to be started. */
export type DueRun = Due<ScheduleDefinition>;

export interface SchedulesDeps extends Omit<
  TimetableDeps<ScheduleDefinition, PipelineRun>,
  'kind' | 'publish' | 'unknown' | 'runWord' | 'definitions'
> {
  readonly events: Pick<Events<EventTypes>, 'publish'>;
  /** As they stand in the project's file now. */
  readonly definitions: () => readonly ScheduleDefinition[];
}

/** Pipeline runs by the clock. All methods that take a name throw GyreError NOT_FOUND for one that the project has not. */
export interface Schedules extends AsyncDisposable {
  /** Looks at the clock from now on, until it is disposed. */
  begin(): void;
  /** Starts what is due now. @returns the runs that were started */
  tick(): Promise<readonly PipelineRun[]>;
  list(): Promise<readonly Schedule[]>;
  /** Fine when it is paused already. */
  pause(name: string, by: Actor): Promise<Schedule>;
  /** Goes on with the next instant: what would have been due meanwhile is not made up for. */
  resume(name: string, by: Actor): Promise<Schedule>;
  /** Runs it now, out of turn. @throws GyreError FAILED_PRECONDITION while it runs */
  runNow(name: string, by: Actor): Promise<PipelineRun>;
}
