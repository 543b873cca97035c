import type { Actor, PipelineRun, StepRun } from '#contract';
import { GyreError, isoInstant } from '#core';
import type { Db, Tx } from '#store';
import type { JsonObject, StepPlan } from './port.ts';

export type RunState = PipelineRun['state'];
export type StepState = StepRun['state'];

export interface RunRow {
  id: string;
  pipeline: string;
  state: RunState;
  reason: string;
  parameters: JsonObject;
  fresh: boolean;
  created_by: Actor;
  created_at: number;
  ended_at: number | null;
  owner: string | null;
  heartbeat_at: number;
  cancelled_by: string | null;
}

export interface StepRow {
  id: string;
  pipeline_run: string;
  position: number;
  step: string;
  kind: string;
  plan: StepPlan;
  state: StepState;
  attempt: number;
  cache_key: string | null;
  reused_from: string | null;
  inputs: JsonObject;
  outputs: JsonObject | null;
  summary: string | null;
  error: string | null;
  log: string[];
  started_at: number | null;
  ended_at: number | null;
}

interface Tables {
  pipeline_runs: RunRow;
  step_runs: StepRow;
}

const from = (db: Db): ReturnType<typeof db.tables<Tables>> => db.tables<Tables>();

export function stepRunOf(row: StepRow): StepRun {
  return {
    id: row.id,
    pipelineRun: row.pipeline_run,
    step: row.step,
    kind: row.kind,
    state: row.state,
    after: [...new Set([...row.plan.after, ...Object.values(row.plan.inputs).map(({ step }) => step)])],
    attempt: row.attempt,
    inputs: row.inputs,
    ...(row.cache_key === null ? {} : { cacheKey: row.cache_key }),
    ...(row.reused_from === null ? {} : { reusedFrom: row.reused_from }),
    ...(row.outputs === null ? {} : { outputs: row.outputs }),
    ...(row.summary === null ? {} : { summary: row.summary }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.started_at === null ? {} : { startedAt: isoInstant(row.started_at) }),
    ...(row.ended_at === null ? {} : { endedAt: isoInstant(row.ended_at) }),
  };
}

export function pipelineRunOf(row: RunRow, steps: readonly StepRow[]): PipelineRun {
  return {
    id: row.id,
    pipeline: row.pipeline,
    state: row.state,
    parameters: row.parameters,
    steps: steps.map(stepRunOf),
    reason: row.reason,
    createdBy: row.created_by,
    createdAt: isoInstant(row.created_at),
    ...(row.ended_at === null ? {} : { endedAt: isoInstant(row.ended_at) }),
  };
}

export function findRun(db: Db, id: string): Promise<RunRow | undefined> {
  return from(db).selectFrom('pipeline_runs').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The run with its steps, in the order of the plan. */
export async function readRun(db: Db, id: string): Promise<{ readonly run: RunRow; readonly steps: readonly StepRow[] } | undefined> {
  const run = await findRun(db, id);
  return run === undefined ? undefined : { run, steps: await readSteps(db, [id]) };
}

export function readSteps(db: Db, runs: readonly string[]): Promise<StepRow[]> {
  return from(db)
    .selectFrom('step_runs')
    .selectAll()
    .where('pipeline_run', 'in', [...runs])
    .orderBy('pipeline_run')
    .orderBy('position')
    .execute();
}

export interface Page {
  readonly limit: number;
  readonly after?: { readonly createdAt: number; readonly id: string };
  readonly pipeline?: string;
  readonly state?: RunState;
}

/** Newest first; one more than the limit, which tells whether there is a next page. */
export function listRuns(db: Db, page: Page): Promise<RunRow[]> {
  const { after, pipeline, state } = page;
  let query = from(db).selectFrom('pipeline_runs').selectAll();
  if (pipeline !== undefined) query = query.where('pipeline', '=', pipeline);
  if (state !== undefined) query = query.where('state', '=', state);
  if (after !== undefined) {
    query = query.where((where) =>
      where.or([
        where('created_at', '<', after.createdAt),
        where.and([where('created_at', '=', after.createdAt), where('id', '<', after.id)]),
      ]),
    );
  }
  return query
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute();
}

export async function insertRun(tx: Tx, run: RunRow, steps: readonly StepRow[]): Promise<void> {
  await from(tx).insertInto('pipeline_runs').values(run).execute();
  await from(tx)
    .insertInto('step_runs')
    .values([...steps])
    .execute();
}

/**
 * Makes sure that the run is still this owner's: whoever was taken for dead must not write any more.
 * @throws GyreError ABORTED when it is not
 */
export async function holdRun(tx: Tx, id: string, owner: string): Promise<RunRow> {
  await tx.lock(`pipeline-run:${id}`);
  const run = await findRun(tx, id);
  if (run === undefined || run.owner !== owner || run.ended_at !== null) {
    throw new GyreError('ABORTED', `pipeline run ${id} is no longer this process's: ${run?.owner ?? 'nobody'} has it`, { run: id });
  }
  return run;
}

export async function updateRun(tx: Tx, id: string, change: Partial<RunRow>): Promise<void> {
  await from(tx).updateTable('pipeline_runs').set(change).where('id', '=', id).execute();
}

export async function updateStep(tx: Tx, id: string, change: Partial<StepRow>): Promise<void> {
  await from(tx).updateTable('step_runs').set(change).where('id', '=', id).execute();
}

/** Steps that were cut off wait again; what they wrote and how often they were started stays. */
export async function rewindSteps(tx: Tx, run: string): Promise<void> {
  await from(tx)
    .updateTable('step_runs')
    .set({ state: 'waiting' })
    .where('pipeline_run', '=', run)
    .where('state', '=', 'running')
    .execute();
}

/** The newest finished step runs with this key. */
export function findCached(db: Db, cacheKey: string): Promise<StepRow[]> {
  return from(db)
    .selectFrom('step_runs')
    .selectAll()
    .where('cache_key', '=', cacheKey)
    .where('state', '=', 'succeeded')
    .orderBy('ended_at', 'desc')
    .limit(3)
    .execute();
}

/** Runs that have not ended and that nobody holds: without an owner, or with one whose heart stopped before this instant. */
export function findAbandoned(db: Db, beatBefore: number): Promise<RunRow[]> {
  return from(db)
    .selectFrom('pipeline_runs')
    .selectAll()
    .where('state', 'in', ['waiting', 'running'])
    .where((where) => where.or([where('owner', 'is', null), where('heartbeat_at', '<', beatBefore)]))
    .orderBy('created_at')
    .execute();
}

/** Sets the heartbeat of the runs that this owner executes. @returns those of them that somebody wants cancelled */
export async function beat(
  tx: Tx,
  args: { readonly owner: string; readonly now: number; readonly runs: readonly string[] },
): Promise<readonly string[]> {
  const mine = from(tx)
    .updateTable('pipeline_runs')
    .where('id', 'in', [...args.runs])
    .where('owner', '=', args.owner)
    .where('ended_at', 'is', null);
  const rows = await mine.set({ heartbeat_at: args.now }).returning(['id', 'cancelled_by']).execute();
  return rows.filter(({ cancelled_by }) => cancelled_by !== null).map(({ id }) => id);
}
