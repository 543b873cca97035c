import { eventType } from '#contract';
import type { Actor, PipelineRun, Schedule } from '#contract';
import { GyreError } from '#core';
import type { ScheduleChange, Scheduled, ScheduleDefinition, Schedules, SchedulesDeps, Timetable } from './port.ts';
import { openTimetable } from './timetable.ts';

/** Opens the schedules of datasets over a migrated store. Nothing runs before `begin` or `tick`. */
export function openSchedules({ events, ...deps }: SchedulesDeps): Schedules {
  const timetable = openTimetable<ScheduleDefinition, PipelineRun>({
    ...deps,
    kind: 'ingestion',
    runWord: 'pipeline run',
    unknown: (name, known) => {
      const names = known.map((each) => `"${each}"`).join(', ') || 'no dataset';
      return new GyreError('NOT_FOUND', `"${name}" has no schedule; in gyre.yaml ${names} ${known.length === 1 ? 'has' : 'have'} one`, {
        name,
      });
    },
    publish: (tx, change, by, project) => {
      const facts = { subject: change.schedule, actor: by.identity, project };
      events.publish(tx, { ...facts, ...eventOf(change) });
    },
  });
  return new ScheduleBook(timetable);
}

function eventOf(change: ScheduleChange) {
  switch (change.kind) {
    case 'started': {
      const { kind: _, run, ...data } = change;
      return { type: eventType('schedule.started'), data: { ...data, pipelineRun: run } };
    }
    case 'failed': {
      const { kind: _, ...data } = change;
      return { type: eventType('schedule.failed'), data };
    }
    case 'paused':
      return { type: eventType('schedule.paused'), data: { schedule: change.schedule } };
    case 'resumed': {
      const { kind: _, ...data } = change;
      return { type: eventType('schedule.resumed'), data };
    }
  }
}

class ScheduleBook implements Schedules {
  readonly #timetable: Timetable<ScheduleDefinition, PipelineRun>;

  constructor(timetable: Timetable<ScheduleDefinition, PipelineRun>) {
    this.#timetable = timetable;
  }

  begin(): void {
    this.#timetable.begin();
  }

  tick(): Promise<readonly PipelineRun[]> {
    return this.#timetable.tick();
  }

  async list(): Promise<readonly Schedule[]> {
    return (await this.#timetable.list()).map(scheduleOf);
  }

  async pause(name: string, by: Actor): Promise<Schedule> {
    await this.#timetable.pause(name, by);
    return scheduleOf(await this.#timetable.get(name));
  }

  async resume(name: string, by: Actor): Promise<Schedule> {
    await this.#timetable.resume(name, by);
    return scheduleOf(await this.#timetable.get(name));
  }

  runNow(name: string, by: Actor): Promise<PipelineRun> {
    return this.#timetable.runNow(name, by);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#timetable[Symbol.asyncDispose]();
  }
}

function scheduleOf({ definition, state }: Scheduled<ScheduleDefinition, PipelineRun['state']>): Schedule {
  const { lastError: _, ...rest } = state;
  return { ...definition, ...rest };
}
