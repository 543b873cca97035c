import { eventType } from '#contract';
import type { CiRequest, CiRun } from '#contract';
import { GyreError, isoInstant, messageOf } from '#core';
import { findBase } from './base-run.ts';
import { insertCiRun, isLater, selectCiRun, selectCiRuns, updateCiRun } from './ci-store.ts';
import { judgeCommit } from './judge-commit.ts';
import type { Ci, CiDeps } from './port.ts';

/** Opens the room over a migrated store. */
export function openCi(deps: CiDeps): Ci {
  const { store, events, clock, newId, pipelines } = deps;
  const stop = new AbortController();
  const underWay = new Map<string, Promise<void>>();

  const read = async (id: string): Promise<{ readonly record: CiRun; readonly request: CiRequest }> => {
    const found = await store.read((db) => selectCiRun(db, id));
    if (found !== undefined) return found;
    throw new GyreError('NOT_FOUND', `there is no CI run ${id}`);
  };

  const ended = async (record: CiRun): Promise<void> => {
    // Before the run has ended: a process that is killed between the two names it again.
    await nameCandidate(record).catch((error: unknown) => {
      deps.report(`CI run ${record.id} passed, and its version could not be named candidate: ${messageOf(error)}`);
    });
    await store.write(async (tx, one) => {
      if (!(await updateCiRun(tx, one))) return;
      const { id, commit, branch, state, report } = one;
      events.publish(tx, {
        type: eventType('ci_run.finished'),
        subject: id,
        actor: one.createdBy.identity,
        reason: one.reason,
        data: {
          id,
          state,
          ...(commit === undefined ? {} : { commit }),
          ...(branch === undefined ? {} : { branch }),
          ...(report?.modelVersion === undefined ? {} : { modelVersion: report.modelVersion.id }),
        },
      });
    }, record);
  };

  /** Whether a run counts for the base branch: what it says of its branch is its caller's word, so the repository is asked. */
  const isOfBase = async ({ state, dirty, branch, commit, report }: CiRun): Promise<boolean> =>
    state === 'passed' &&
    !dirty &&
    commit !== undefined &&
    report?.modelVersion !== undefined &&
    branch === deps.base() &&
    deps.isOnBranch(commit, branch);

  /** What passed on the base branch itself is the next candidate, as after `gyre run`, unless a later run has passed before it. */
  const nameCandidate = async (record: CiRun): Promise<void> => {
    const version = record.report?.modelVersion;
    if (version === undefined || !(await isOfBase(record))) return;
    const passed = await store.read((db) => selectCiRuns(db, { branch: deps.base(), state: 'passed' }, 20));
    for (const { record: other } of passed)
      if ((await store.read((db) => isLater(db, other.id, record.id))) && (await isOfBase(other))) return;
    await deps.registry.setAlias({ model: version.model, alias: 'candidate', version: version.version, by: record.createdBy });
  };

  /** One commit trains at a time, in order of arrival. */
  let lane: Promise<unknown> = Promise.resolve();
  const inLane = async <T>(work: () => Promise<T>): Promise<T> => {
    const done = lane.then(() => {
      stop.signal.throwIfAborted();
      return work();
    });
    lane = done.catch(() => undefined);
    return done;
  };

  /** The pipeline of the base's newest commit, where none of its commits has a run and one is asked for. */
  const runBase = async (record: CiRun, { base, trainBase }: CiRequest): Promise<void> => {
    const [commit] = base?.commits ?? [];
    if (trainBase !== true || commit === undefined || (await findBase(deps, base, undefined)).run !== undefined) return;
    const run = await deps.build({
      commit,
      dirty: false,
      ci: `${record.id}:base`,
      by: record.createdBy,
      reason: `${record.reason}: the base`,
    });
    await pipelines.wait(run.id, stop.signal);
  };

  const advance = async (id: string): Promise<void> => {
    const { record, request } = await read(id);
    if (record.state !== 'running') return;
    const { commit, dirty, createdBy: by, reason } = record;
    try {
      const { started, done } = await inLane(async () => {
        const pipelineRun = await deps.build({
          dirty,
          ci: id,
          by,
          reason,
          ...(commit === undefined ? {} : { commit }),
          ...(request.fresh === undefined ? {} : { fresh: request.fresh }),
        });
        const begun: CiRun = { ...record, pipelineRun: pipelineRun.id };
        await store.write(updateCiRun, begun);
        const over = await pipelines.wait(pipelineRun.id, stop.signal);
        if (over.state === 'succeeded') await runBase(record, request);
        return { started: begun, done: over };
      });
      const report = await judgeCommit(deps, done, request.base);
      const isPassed = done.state === 'succeeded' && report.checks.every(({ verdict }) => verdict !== 'failed');
      const state = isPassed ? 'passed' : 'failed';
      await ended({ ...started, state, report, endedAt: isoInstant(clock.now()) });
    } catch (error) {
      // What stops with this process goes on with the next one.
      if (stop.signal.aborted) return;
      await ended({ ...(await read(id)).record, state: 'failed', problem: messageOf(error), endedAt: isoInstant(clock.now()) });
    }
    await deps.finished(commitsUnderWay);
  };

  const commitsUnderWay = async (): Promise<ReadonlySet<string>> => {
    const running = await store.read((db) => selectCiRuns(db, { state: 'running' }, 1000));
    const bases = await Promise.all(running.map(async ({ record }) => (await read(record.id)).request.base?.commits[0]));
    return new Set([...running.map(({ record }) => record.commit), ...bases].filter((commit) => commit !== undefined));
  };

  const begin = (id: string): void => {
    if (underWay.has(id)) return;
    const work = advance(id)
      .catch((error: unknown) => {
        if (!stop.signal.aborted) deps.report(`CI run ${id} does not go on: ${messageOf(error)}`);
      })
      .finally(() => underWay.delete(id));
    underWay.set(id, work);
  };

  return {
    start: async ({ by, ...request }) => {
      const { commit, dirty = false, branch, base, reason } = request;
      const id = newId();
      const record: CiRun = {
        id,
        project: deps.project(),
        dirty,
        state: 'running',
        ...(commit === undefined ? {} : { commit }),
        ...(branch === undefined ? {} : { branch }),
        ...(base === undefined ? {} : { baseBranch: base.branch }),
        reason: reason ?? `CI of ${commit === undefined ? 'the project’s folder' : commit.slice(0, 12)}${branch === undefined ? '' : ` on ${branch}`}`, // prettier-ignore
        createdBy: by,
        createdAt: isoInstant(clock.now()),
      };
      await store.write(
        async (tx, given) => {
          await insertCiRun(tx, given);
          events.publish(tx, {
            type: eventType('ci_run.started'),
            subject: id,
            actor: by.identity,
            reason: record.reason,
            data: { id, ...(commit === undefined ? {} : { commit }), ...(branch === undefined ? {} : { branch }) },
          });
        },
        { record, request },
      );
      begin(id);
      return record;
    },
    get: async (id) => (await read(id)).record,
    list: async ({ limit, after, ...filter }) => {
      const before = after === undefined ? undefined : Number(after);
      if (before !== undefined && !Number.isSafeInteger(before)) throw new GyreError('INVALID_ARGUMENT', `"${after}" is no next page`);
      const found = await store.read((db) => selectCiRuns(db, filter, limit + 1, before));
      const items = found.slice(0, limit);
      const last = items.at(-1);
      return { items: items.map(({ record }) => brief(record)), ...(found.length > limit && last !== undefined ? { next: String(last.position) } : {}) }; // prettier-ignore
    },
    resume: async () => {
      const running = await store.read((db) => selectCiRuns(db, { state: 'running' }, 1000));
      for (const { record } of running.toReversed()) begin(record.id);
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(underWay.values());
    },
  };
}

/** What a list shows of a run: of its report the verdict, what failed, and what was registered. */
function brief({ report, ...run }: CiRun): CiRun {
  if (report === undefined) return run;
  const { curve: _curve, checks, ...rest } = report;
  const failed = checks.filter(({ verdict }) => verdict === 'failed');
  return { ...run, report: { ...rest, checks: failed, metrics: [], slices: [], data: [], parameters: [], steps: [] } };
}
