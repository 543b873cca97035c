import type { Actor, EventTypes, PipelineRun, Schedule } from '#contract';
import type { Clock } from '#core';
import type { Events } from '#events';
import type { ResolvedSchedule } from '#project';
import type { Store } from '#store';
import type { Logger } from '#telemetry';

/** What the project says is to be run when. */
export interface ScheduleDefinition extends ResolvedSchedule {
  /** The dataset's name. */
  readonly name: string;
}

/** A run that is to be started. */
export interface DueRun {
  readonly definition: ScheduleDefinition;
  /** UTC milliseconds; absent when somebody asked for it out of turn. */
  readonly due?: number;
  readonly reason: string;
  readonly by: Actor;
}

export interface SchedulesDeps {
  /** Migrated with `pipelinesMigrations`. */
  readonly store: Store;
  readonly events: Pick<Events<EventTypes>, 'publish'>;
  readonly clock: Clock;
  readonly log?: Logger;
  /** Names this process: a new one at each start. */
  readonly owner: string;
  /** This process alone runs pipelines on this store: what another one began to start, it did not finish. Default false. */
  readonly exclusive?: boolean;
  readonly project: () => string;
  /** As they stand in the project's file now. */
  readonly definitions: () => readonly ScheduleDefinition[];
  /** Who runs that are due are by: the platform. */
  readonly actor: Actor;
  /** Submits a run. The same schedule and due instant give the run that they gave before. */
  readonly start: (run: DueRun) => Promise<PipelineRun>;
  readonly getRun: (id: string) => Promise<PipelineRun>;
  /** How often the clock is looked at. Default 5 000. */
  readonly pollMs?: number;
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
