import { eventType } from '#contract';
import type { Actor, ApplicationTestReport, ApplicationTestRequest, ApplicationTestRun } from '#contract';
import { GyreError, hasCode, isGyreError, isoInstant, messageOf } from '#core';
import type { ReleaseDeps } from '../../port.ts';
import { testProgress, type TestProgress } from '../progress.ts';
import { keepTestRun, listTestRuns, openTestRunsOf, testRunOf } from './test-runs-store.ts';

export interface StartTests extends ApplicationTestRequest {
  readonly by: Actor;
}

/** Runs of application tests, one at a time: they share the machine that they measure. */
export interface TestRuns extends AsyncDisposable {
  /**
   * Begins to run the application tests against the version that an environment serves.
   * @throws GyreError FAILED_PRECONDITION when it serves none or serves customers; NOT_FOUND
   */
  start(request: StartTests): Promise<ApplicationTestRun>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<ApplicationTestRun>;
  /** Newest first. @param limit default 100 */
  list(limit?: number): Promise<readonly ApplicationTestRun[]>;
  /** Stops one: it leaves no report. One that has ended stays as it is. @throws GyreError NOT_FOUND */
  cancel(id: string): Promise<ApplicationTestRun>;
  /** The report, when it has ended. @throws GyreError why there is none */
  report(id: string): Promise<ApplicationTestReport>;
  /** Says of those that a process which died left that they have failed. @returns how many */
  endLeft(): Promise<number>;
}

/** What tests. */
export interface Tester {
  /** @returns the version that is tested. @throws GyreError as `TestRuns.start` */
  require(request: StartTests): Promise<string>;
  test(request: StartTests, progress: TestProgress): Promise<ApplicationTestReport>;
  /** @throws GyreError NOT_FOUND */
  read(report: string): Promise<ApplicationTestReport>;
}

interface Running {
  run: ApplicationTestRun;
  readonly stop: AbortController;
  readonly ended: PromiseWithResolvers<ApplicationTestReport>;
}

const platformEnded = 'the platform ended while they ran; run them again';

export function openTestRuns(deps: ReleaseDeps, tester: Tester): TestRuns {
  const { store, events, clock, newId, owner = '' } = deps;
  const running = new Map<string, Running>();
  const closing = new AbortController();
  let last: Promise<unknown> = Promise.resolve();
  const now = (): string => isoInstant(clock.now());

  const keep = (run: ApplicationTestRun, told?: 'application_test.started' | 'application_test.ended'): Promise<void> =>
    store.write(async (tx, kept: ApplicationTestRun) => {
      await keepTestRun(tx, { run: kept, owner });
      if (told === undefined) return;
      const { id, environment, profile, state, modelVersion, error, by } = kept;
      const event = { subject: id, actor: by.identity };
      if (told === 'application_test.started') events.publish(tx, { ...event, type: eventType(told), data: { id, environment, profile } });
      else
        events.publish(tx, {
          ...event,
          type: eventType(told),
          data: {
            id,
            environment,
            state,
            ...(modelVersion === undefined ? {} : { modelVersion }),
            ...(error === undefined ? {} : { error }),
          },
        });
    }, run);

  const failure = ({ stop }: Running, error: unknown): Partial<ApplicationTestRun> => {
    const stopped = { state: 'cancelled', error: 'stopped: nothing of them was kept', code: 'CANCELLED' } as const;
    if (stop.signal.aborted) return stopped;
    if (closing.signal.aborted) return { state: 'failed', error: platformEnded, code: 'ABORTED' };
    if (hasCode(error, 'CANCELLED')) return stopped;
    return { state: 'failed', error: messageOf(error), code: isGyreError(error) ? error.code : 'INTERNAL' };
  };

  const end = async (one: Running, ended: Partial<ApplicationTestRun>): Promise<void> => {
    const { stage: _, ...before } = one.run;
    one.run = { ...before, ...ended, finishedAt: now() };
    await keep(one.run, 'application_test.ended');
  };

  const work = async (one: Running, request: StartTests): Promise<void> => {
    const progress = testProgress(AbortSignal.any([one.stop.signal, closing.signal]), (stage) => {
      one.run = { ...one.run, stage };
    });
    // It was stopped while it waited.
    if (one.run.state !== 'queued') return;
    try {
      progress.at('the endpoint');
      one.run = { ...one.run, state: 'running', startedAt: now() };
      await keep(one.run);
      const report = await tester.test(request, progress);
      await end(one, { state: 'finished', report: report.id, passed: report.passed, modelVersion: report.modelVersion });
      one.ended.resolve(report);
    } catch (error) {
      // What cannot be kept now is told when the platform starts again.
      await end(one, failure(one, error)).catch(() => undefined);
      one.ended.reject(error);
    } finally {
      running.delete(one.run.id);
    }
  };

  /** It need not wait for its turn to be told that it is stopped. */
  const stopWaiting = async (one: Running): Promise<void> => {
    const error = new GyreError('CANCELLED', 'the application tests were stopped before they began');
    await end(one, failure(one, error));
    one.ended.reject(error);
    running.delete(one.run.id);
  };

  const get = async (id: string): Promise<ApplicationTestRun> => {
    const found = running.get(id)?.run ?? (await store.read((db) => testRunOf(db, id)));
    if (found !== undefined) return found;
    throw new GyreError('NOT_FOUND', `there is no run of application tests "${id}"; \`gyre release test-runs\` lists them`, { id });
  };

  return {
    get,
    start: async (request) => {
      const { environment, profile = 'quick', by } = request;
      const modelVersion = await tester.require(request);
      const run: ApplicationTestRun = { id: newId(), state: 'queued', environment, profile, modelVersion, queuedAt: now(), by };
      await keep(run, 'application_test.started');
      const one: Running = { run, stop: new AbortController(), ended: Promise.withResolvers() };
      // Whoever waits for its report is told; nobody has to.
      one.ended.promise.catch(() => undefined);
      running.set(run.id, one);
      last = last.then(() => work(one, request));
      return run;
    },
    list: async (limit = 100) => (await store.read((db) => listTestRuns(db, limit))).map((run) => running.get(run.id)?.run ?? run),
    cancel: async (id) => {
      const one = running.get(id);
      if (one !== undefined) {
        one.stop.abort();
        if (one.run.state === 'queued') await stopWaiting(one);
        else await one.ended.promise.catch(() => undefined);
      }
      return get(id);
    },
    report: async (id) => {
      const one = running.get(id);
      if (one !== undefined) return one.ended.promise;
      const { state, report, error = `it was ${state}` } = await get(id);
      if (report !== undefined) return tester.read(report);
      throw new GyreError('FAILED_PRECONDITION', error, { id });
    },
    endLeft: async () => {
      const left = (await store.read((db) => openTestRunsOf(db, owner))).filter(({ id }) => !running.has(id));
      for (const { stage: _, ...before } of left) {
        await keep({ ...before, state: 'failed', error: platformEnded, code: 'ABORTED', finishedAt: now() }, 'application_test.ended');
      }
      return left.length;
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await Promise.allSettled([...running.values()].map(({ ended }) => ended.promise));
    },
  };
}
