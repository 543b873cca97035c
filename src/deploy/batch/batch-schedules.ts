import { eventType } from '#contract';
import type { Actor, BatchPrediction, BatchRequestBody, BatchSchedule, BatchScheduleBody, EventTypes } from '#contract';
import { GyreError, hasCode, isoInstant } from '#core';
import type { Clock } from '#core';
import type { Events } from '#events';
import { openTimetable } from '#pipelines';
import type { Due, ScheduleChange, Scheduled, TimedRun, Timetable } from '#pipelines';
import { nextInstant, requireRepeatable } from '#project';
import type { ResolvedBatchSchedule } from '#project';
import type { Store } from '#store';
import type { Logger } from '#telemetry';
import { batchDueAt, lastFinished, removeSchedule, scheduleSettings, setSchedule } from './batch-store.ts';
import type { Batches } from './batches.ts';
import { fillRequest } from './placeholders.ts';
import { requireNoSecrets, targetOf } from './requests.ts';

/** What is predicted when. */
export interface BatchScheduleDefinition extends ResolvedBatchSchedule {
  /** Who set it, and when; gyre.yaml did where it is absent. */
  readonly set?: { readonly by: Actor; readonly at: number };
}

export interface BatchSchedulesDeps {
  readonly store: Store;
  readonly events: Pick<Events<EventTypes>, 'publish'>;
  readonly clock: Clock;
  readonly log?: Logger;
  /** Names this process: a new one at each start. */
  readonly owner: string;
  /** This process alone starts what is due on this store. Default false. */
  readonly exclusive?: boolean;
  readonly batches: Pick<Batches, 'start' | 'get' | 'versionOf'>;
  readonly project: () => string;
  readonly projectFolder: () => string;
  /** Those of gyre.yaml, as they stand now. */
  readonly declared: () => readonly ResolvedBatchSchedule[];
  /** Who starts what is due, and by whom runs of gyre.yaml's schedules are: the platform. */
  readonly actor: Actor;
  /**
   * Whether somebody may have this predicted now: roles change after a schedule was set.
   * @throws GyreError PERMISSION_DENIED
   */
  readonly requireMay: (by: Actor, request: BatchRequestBody) => Promise<void>;
  readonly pollMs?: number;
}

/** Batch predictions by the clock. Methods that take a name throw GyreError NOT_FOUND for one that is not there. */
export interface BatchSchedules extends AsyncDisposable {
  /** Looks at the clock from now on, until it is disposed. */
  begin(): void;
  /** Starts what is due now. @returns their ids */
  tick(): Promise<readonly string[]>;
  /** By name. */
  list(): Promise<readonly BatchSchedule[]>;
  get(name: string): Promise<BatchSchedule>;
  /**
   * Sets one, or changes it: it then begins anew with its next instant.
   * @throws GyreError INVALID_ARGUMENT (pattern, time zone, addresses, an output that a second run would be refused), NOT_FOUND (model),
   * FAILED_PRECONDITION for a name that gyre.yaml gives
   */
  set(name: string, body: BatchScheduleBody, by: Actor): Promise<BatchSchedule>;
  /** Looks whether it could be set. @throws GyreError as `set` */
  check(name: string, body: BatchScheduleBody): Promise<void>;
  /** What it began goes on. @returns it as it stood. @throws GyreError FAILED_PRECONDITION for one of gyre.yaml */
  remove(name: string, by: Actor): Promise<BatchSchedule>;
  pause(name: string, by: Actor): Promise<BatchSchedule>;
  /** Goes on with the next instant: what would have been due meanwhile is not made up for. */
  resume(name: string, by: Actor): Promise<BatchSchedule>;
  /** Runs it now, out of turn. @throws GyreError FAILED_PRECONDITION while it runs */
  runNow(name: string, by: Actor): Promise<BatchPrediction>;
}

type Run = TimedRun<BatchPrediction['state']>;
const runOf = ({ id, state, finishedAt, error }: BatchPrediction): Run => ({
  id,
  state,
  ...(finishedAt === undefined ? {} : { endedAt: finishedAt }),
  ...(error === undefined ? {} : { error }),
});

/** Opens the schedules over a migrated store. Nothing runs before `begin` or `tick`. */
export function openBatchSchedules(deps: BatchSchedulesDeps): BatchSchedules {
  return new OpenBatchSchedules(deps);
}

class OpenBatchSchedules implements BatchSchedules {
  readonly #deps: BatchSchedulesDeps;
  readonly #timetable: Timetable<BatchScheduleDefinition, Run>;

  constructor(deps: BatchSchedulesDeps) {
    this.#deps = deps;
    const { store, clock, log, owner, exclusive, project, actor, pollMs } = deps;
    this.#timetable = openTimetable<BatchScheduleDefinition, Run>({
      store,
      clock,
      ...(log === undefined ? {} : { log }),
      kind: 'batch-prediction',
      owner,
      ...(exclusive === undefined ? {} : { exclusive }),
      project,
      definitions: () => this.#definitions(),
      actor,
      start: (due) => this.#start(due),
      getRun: async (id) => runOf(await deps.batches.get(id)),
      publish: (tx, change, by, of) =>
        void deps.events.publish(tx, { subject: change.schedule, actor: by.identity, project: of, ...eventOf(change) }),
      unknown: (name, known) => unknownSchedule(name, known),
      runWord: 'batch prediction',
      ...(pollMs === undefined ? {} : { pollMs }),
    });
  }

  begin(): void {
    this.#timetable.begin();
  }

  async tick(): Promise<readonly string[]> {
    return (await this.#timetable.tick()).map(({ id }) => id);
  }

  async list(): Promise<readonly BatchSchedule[]> {
    return (await this.#timetable.list()).map(scheduleOf);
  }

  async get(name: string): Promise<BatchSchedule> {
    return scheduleOf(await this.#timetable.get(name));
  }

  async check(name: string, { cron, timezone = 'UTC', request }: BatchScheduleBody): Promise<void> {
    const { clock, projectFolder, batches } = this.#deps;
    this.#requireOfPeople(name);
    const now = clock.now();
    if (nextInstant({ cron, timezone }, now) === undefined)
      throw new GyreError('INVALID_ARGUMENT', `"${cron}" is never due: is there such a day?`, { cron });
    requireNoSecrets(request);
    requireRepeatable(request);
    targetOf(fillRequest(request, { at: now, since: 0, timezone }), projectFolder());
    // an environment may be empty as yet: what is live there is looked up at each run
    await batches.versionOf(request.model).catch((error: unknown) => {
      if (!request.model.startsWith('environment:') || !hasCode(error, 'FAILED_PRECONDITION')) throw error;
    });
  }

  async set(name: string, body: BatchScheduleBody, by: Actor): Promise<BatchSchedule> {
    const { store, events, clock, project } = this.#deps;
    await this.check(name, body);
    const { cron, timezone = 'UTC', request } = body;
    await store.write(
      async (tx, setting) => {
        const isNew = await setSchedule(tx, setting);
        const { model, input, output } = request;
        const data = { schedule: name, cron, timezone, model, input: shown(input), ...(output === undefined ? {} : { output }), isNew };
        events.publish(tx, { type: eventType('batch_schedule.set'), subject: name, actor: by.identity, project: setting.project, data });
      },
      { project: project(), name, definition: { cron, timezone, request }, set_by: by, set_at: clock.now() },
    );
    return this.get(name);
  }

  async remove(name: string, by: Actor): Promise<BatchSchedule> {
    const { store, events, project } = this.#deps;
    this.#requireOfPeople(name);
    const before = await this.get(name);
    await store.write(
      async (tx, args) => {
        const removed = await removeSchedule(tx, args.project, args.name);
        if (!removed) return;
        const data = { schedule: args.name };
        events.publish(tx, {
          type: eventType('batch_schedule.removed'),
          subject: args.name,
          actor: by.identity,
          project: args.project,
          data,
        });
      },
      { project: project(), name },
    );
    return before;
  }

  async pause(name: string, by: Actor): Promise<BatchSchedule> {
    await this.#timetable.pause(name, by);
    return this.get(name);
  }

  async resume(name: string, by: Actor): Promise<BatchSchedule> {
    await this.#timetable.resume(name, by);
    return this.get(name);
  }

  async runNow(name: string, by: Actor): Promise<BatchPrediction> {
    const { id } = await this.#timetable.runNow(name, by);
    return this.#deps.batches.get(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#timetable[Symbol.asyncDispose]();
  }

  /** Those of gyre.yaml, and those that people set under other names. */
  async #definitions(): Promise<readonly BatchScheduleDefinition[]> {
    const { store, declared, project } = this.#deps;
    const fixed = declared();
    const settings = await store.read((db) => scheduleSettings(db, project()));
    return [
      ...fixed,
      ...settings
        .filter(({ name }) => !fixed.some((each) => each.name === name))
        .map(({ name, definition: { cron, timezone = 'UTC', request }, set_by, set_at }) => ({
          name,
          cron,
          timezone,
          request,
          set: { by: set_by, at: set_at },
        })),
    ];
  }

  #requireOfPeople(name: string): void {
    if (this.#deps.declared().some((each) => each.name === name))
      throw new GyreError('FAILED_PRECONDITION', `the schedule "${name}" stands in gyre.yaml (serve.batch): change it there`, { name });
  }

  async #start({ definition, due, reason, by }: Due<BatchScheduleDefinition>): Promise<Run> {
    const { store, clock, batches, requireMay } = this.#deps;
    const { name, timezone, request, set } = definition;
    const instant = due === undefined ? {} : { due: isoInstant(due) };
    if (instant.due !== undefined) {
      // whoever was to start it may have died when it had, before that was on record
      const dueAt = instant.due;
      const before = await store.read((db) => batchDueAt(db, name, dueAt));
      if (before !== undefined) return runOf(before);
    }
    const at = due ?? clock.now();
    const last = await store.read((db) => lastFinished(db, name));
    const since = last?.schedule === undefined ? 0 : Date.parse(last.schedule.until);
    const body = fillRequest(request, { at, since, timezone });
    // by whoever set it: the clock gives nobody more than their own rights
    const who = due === undefined ? by : (set?.by ?? by);
    await requireMay(who, body);
    return runOf(await batches.start({ body, by: who, schedule: { name, ...instant, until: isoInstant(at) }, reason }));
  }
}

function unknownSchedule(name: string, known: readonly string[]): GyreError {
  const names = known.map((each) => `"${each}"`).join(', ') || 'none';
  return new GyreError(
    'NOT_FOUND',
    `there is no schedule "${name}" of batch predictions; there ${known.length > 1 ? 'are' : 'is'} ${names}`,
    {
      name,
    },
  );
}

/** Without what may be secret in an address. */
const shown = (address: string): string => address.replace(/\/\/[^@/]*@/, '//').replace(/\?.*$/, '');

function scheduleOf({
  definition: { set, ...definition },
  state,
}: Scheduled<BatchScheduleDefinition, BatchPrediction['state']>): BatchSchedule {
  return {
    ...definition,
    from: set === undefined ? 'project' : 'people',
    ...(set === undefined ? {} : { by: set.by, setAt: isoInstant(set.at) }),
    ...state,
  };
}

function eventOf(change: ScheduleChange) {
  switch (change.kind) {
    case 'started': {
      const { kind: _, run, ...data } = change;
      return { type: eventType('batch_schedule.started'), data: { ...data, batchPrediction: run } };
    }
    case 'failed': {
      const { kind: _, ...data } = change;
      return { type: eventType('batch_schedule.failed'), data };
    }
    case 'paused':
      return { type: eventType('batch_schedule.paused'), data: { schedule: change.schedule } };
    case 'resumed': {
      const { kind: _, ...data } = change;
      return { type: eventType('batch_schedule.resumed'), data };
    }
  }
}
