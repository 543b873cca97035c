import type { Actor } from '#contract';
import { digestOf, GyreError, isoInstant, messageOf } from '#core';
import { nextInstant } from '#project';
import type { ScheduleChange, Scheduled, Timed, TimedRun, TimedState, Timetable, TimetableDeps } from './port.ts';
import { holdSchedule, listSchedules, putSchedule, removeSchedule } from './schedules-store.ts';
import type { ScheduleRow } from './schedules-store.ts';

const defaultPollMs = 5000;
/** After so long, whoever began to start a run is taken to have died over it. */
const claimMs = 60_000;
/** More than so many missed instants are not counted. */
const mostCounted = 1000;

/** Opens runs by the clock over a migrated store. Nothing runs before `begin` or `tick`. */
export function openTimetable<D extends Timed, R extends TimedRun>(deps: TimetableDeps<D, R>): Timetable<D, R> {
  return new OpenTimetable(deps);
}

class OpenTimetable<D extends Timed, R extends TimedRun> implements Timetable<D, R> {
  readonly #deps: TimetableDeps<D, R>;
  #timer: NodeJS.Timeout | undefined;
  #ticking: Promise<unknown> = Promise.resolve();

  constructor(deps: TimetableDeps<D, R>) {
    this.#deps = deps;
  }

  begin(): void {
    const look = (): void => {
      this.#ticking = this.tick().catch((error: unknown) => this.#deps.log?.error({ err: error }, 'schedules could not be looked at'));
    };
    this.#timer ??= setInterval(look, this.#deps.pollMs ?? defaultPollMs);
    this.#timer.unref();
    look();
  }

  tick(): Promise<readonly R[]> {
    const ticked = this.#ticking.then(() => this.#tick());
    this.#ticking = ticked.catch(() => undefined);
    return ticked;
  }

  async #tick(): Promise<readonly R[]> {
    const rows = await this.#settle();
    const started: R[] = [];
    for (const definition of await this.#deps.definitions()) {
      const row = rows.find(({ name }) => name === definition.name);
      if (row === undefined || row.paused || row.due_at === null || row.due_at > this.#deps.clock.now()) continue;
      // No two at once: what is due meanwhile is made up for by one run afterwards.
      if (await this.#isRunning(row)) continue;
      const run = await this.#startDue(definition, row.due_at);
      if (run !== undefined) started.push(run);
    }
    return started;
  }

  /** Brings the records in line with the definitions: new ones begin with their next instant, those that are gone go. */
  async #settle(): Promise<readonly ScheduleRow[]> {
    const { store, clock, kind } = this.#deps;
    const project = this.#deps.project();
    const definitions = await this.#deps.definitions();
    const rows = await store.read((db) => listSchedules(db, kind, project));
    const isSettled = ({ name, ...definition }: D): boolean =>
      rows.some((row) => row.name === name && row.definition === digestOf(definition));
    const gone = rows.filter(({ name }) => !definitions.some((definition) => definition.name === name));
    const changed = definitions.filter((definition) => !isSettled(definition));
    if (gone.length === 0 && changed.length === 0) return rows;
    const now = clock.now();
    const settled = changed.map((definition) => ({ definition, due: nextInstant(definition, now) ?? null }));
    await store.write(
      async (tx, args) => {
        for (const row of args.gone) await removeSchedule(tx, row);
        for (const { definition, due } of args.settled) {
          const { name, ...rest } = definition;
          const before = await holdSchedule(tx, kind, args.project, name);
          const fresh = { paused: false, last_due: null, last_run: null, missed: 0, error: null };
          const row = { ...fresh, ...before, kind, project: args.project, name, definition: digestOf(rest) };
          await putSchedule(tx, { ...row, due_at: due, claimed_by: null, claimed_at: null });
        }
      },
      { project, gone, settled },
    );
    return store.read((db) => listSchedules(db, kind, project));
  }

  async #isRunning({ last_run }: ScheduleRow): Promise<boolean> {
    return last_run !== null && (await this.#deps.getRun(last_run)).endedAt === undefined;
  }

  async #startDue(definition: D, firstDue: number): Promise<R | undefined> {
    const { clock, actor } = this.#deps;
    const { name } = definition;
    const now = clock.now();
    if (!(await this.#claim(name, firstDue, now))) return undefined;
    const { due, missed } = newestDue(definition, firstDue, now);
    const next = nextInstant(definition, now) ?? null;
    try {
      const run = await this.#deps.start({ definition, due, reason: reasonOf(definition, due, firstDue, missed), by: actor });
      const change = { due_at: next, last_due: due, last_run: run.id, missed, error: null, claimed_by: null, claimed_at: null };
      await this.#change(name, change, { kind: 'started', schedule: name, due: isoInstant(due), missed, run: run.id }, actor);
      return run;
    } catch (error) {
      const message = messageOf(error);
      this.#deps.log?.error({ err: error, schedule: name }, 'a run that was due could not be started');
      const change = { due_at: next, last_due: due, last_run: null, missed, error: message, claimed_by: null, claimed_at: null };
      await this.#change(name, change, { kind: 'failed', schedule: name, due: isoInstant(due), error: message }, actor);
      return undefined;
    }
  }

  /** Whether this process is the one that starts what is due: several may look at one store. */
  #claim(name: string, due: number, now: number): Promise<boolean> {
    const { store, kind, owner, exclusive = false } = this.#deps;
    return store.write(
      async (tx, args) => {
        const row = await holdSchedule(tx, kind, args.project, name);
        if (row === undefined || row.paused || row.due_at !== due) return false;
        const isOthers = row.claimed_by !== null && row.claimed_by !== owner;
        if (isOthers && !exclusive && (row.claimed_at ?? 0) > now - claimMs) return false;
        await putSchedule(tx, { ...row, claimed_by: owner, claimed_at: now });
        return true;
      },
      { project: this.#deps.project() },
    );
  }

  async #change(name: string, change: Partial<ScheduleRow>, told: ScheduleChange, by: Actor): Promise<void> {
    const { store, kind, publish } = this.#deps;
    await store.write(
      async (tx, args) => {
        const row = await holdSchedule(tx, kind, args.project, name);
        // Gone meanwhile: the run that was started is on record by itself.
        if (row === undefined) return;
        await putSchedule(tx, { ...row, ...args.change });
        publish(tx, told, by, args.project);
      },
      { project: this.#deps.project(), change },
    );
  }

  async list(): Promise<readonly Scheduled<D, R['state']>[]> {
    const rows = await this.#settle();
    const found: Scheduled<D, R['state']>[] = [];
    for (const definition of await this.#deps.definitions()) {
      const row = rows.find(({ name }) => name === definition.name);
      if (row !== undefined) found.push({ definition, state: await this.#stateOf(row) });
    }
    return found.sort((left, right) => (left.definition.name < right.definition.name ? -1 : 1));
  }

  async #stateOf(row: ScheduleRow): Promise<TimedState<R['state']>> {
    const last = row.last_run === null ? undefined : await this.#deps.getRun(row.last_run);
    return {
      paused: row.paused,
      ...(row.paused || row.due_at === null ? {} : { nextDue: isoInstant(row.due_at) }),
      ...(row.last_due === null ? {} : { lastDue: isoInstant(row.last_due) }),
      ...(last === undefined ? {} : { lastRun: last.id, lastState: last.state }),
      ...(last?.error === undefined ? {} : { lastError: last.error }),
      ...(row.missed === 0 ? {} : { missed: row.missed }),
      ...(row.error === null ? {} : { error: row.error }),
    };
  }

  async #find(name: string): Promise<{ readonly definition: D; readonly row: ScheduleRow }> {
    const definitions = await this.#deps.definitions();
    const definition = definitions.find((each) => each.name === name);
    const row = (await this.#settle()).find((each) => each.name === name);
    if (definition !== undefined && row !== undefined) return { definition, row };
    throw this.#deps.unknown(
      name,
      definitions.map((each) => each.name),
    );
  }

  async get(name: string): Promise<Scheduled<D, R['state']>> {
    const { definition, row } = await this.#find(name);
    return { definition, state: await this.#stateOf(row) };
  }

  async pause(name: string, by: Actor): Promise<void> {
    const { row } = await this.#find(name);
    if (!row.paused) await this.#change(name, { paused: true }, { kind: 'paused', schedule: name }, by);
  }

  async resume(name: string, by: Actor): Promise<void> {
    const { definition, row } = await this.#find(name);
    if (!row.paused) return;
    const due = nextInstant(definition, this.#deps.clock.now()) ?? null;
    const told = { kind: 'resumed', schedule: name, ...(due === null ? {} : { due: isoInstant(due) }) } as const;
    await this.#change(name, { paused: false, due_at: due }, told, by);
  }

  async runNow(name: string, by: Actor): Promise<R> {
    const { definition, row } = await this.#find(name);
    if (await this.#isRunning(row))
      throw new GyreError('FAILED_PRECONDITION', `"${name}" runs already: ${this.#deps.runWord} ${row.last_run ?? ''}`, {
        run: row.last_run ?? '',
      });
    const run = await this.#deps.start({ definition, reason: `schedule of "${name}", run out of turn by ${by.name}`, by });
    const told = { kind: 'started', schedule: name, missed: 0, run: run.id } as const;
    await this.#change(name, { last_run: run.id, missed: 0, error: null }, told, by);
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#ticking;
  }
}

/** The newest instant that is due, and how many before it nobody was there for. */
function newestDue(definition: Timed, first: number, now: number): { readonly due: number; readonly missed: number } {
  let due = first;
  let missed = 0;
  for (
    let next = nextInstant(definition, due);
    next !== undefined && next <= now && missed < mostCounted;
    next = nextInstant(definition, due)
  ) {
    due = next;
    missed += 1;
  }
  return { due, missed };
}

function reasonOf({ name, cron }: Timed, due: number, first: number, missed: number): string {
  const reason = `schedule "${cron}" of "${name}", due ${isoInstant(due)}`;
  if (missed === 0) return reason;
  const count = missed >= mostCounted ? `more than ${mostCounted}` : String(missed);
  return `${reason}; it also makes up for ${count} run${missed === 1 ? '' : 's'} missed since ${isoInstant(first)}`;
}
