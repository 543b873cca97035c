import { eventType } from '#contract';
import type { EventKind, EventTypes } from '#contract';
import { messageOf } from '#core';
import type { Tx } from '#store';
import { holdRun, readSteps, updateRun, updateStep } from './pipelines-store.ts';
import type { RunRow, RunState, StepRow, StepState } from './pipelines-store.ts';
import type { JsonObject, PipelinesOptions, StepResult } from './port.ts';

/** How many of a step's last lines are kept. */
export const keptLines = 500;

/** What happens to a run and its steps, each as one transaction with its event; only for the owner of the run. */
export interface RunRecords {
  started(step: StepRow, inputs: JsonObject, cacheKey: string | null): Promise<void>;
  cached(step: StepRow, from: StepRow, inputs: JsonObject, cacheKey: string): Promise<void>;
  succeeded(step: StepRow, result: StepResult, log: readonly string[]): Promise<void>;
  /** The step is tried again later. */
  rewound(step: StepRow, error: unknown, log: readonly string[]): Promise<void>;
  ended(step: StepRow, state: 'failed' | 'cancelled' | 'skipped', error: string | null, log: readonly string[]): Promise<void>;
  runEnded(state: RunState): Promise<void>;
  /** Gives the run up, so that the next process can take it at once. */
  released(): Promise<void>;
}

export function runRecords(options: PipelinesOptions, run: RunRow): RunRecords {
  const { store, clock, owner } = options;
  const publish = <K extends EventKind>(
    tx: Tx,
    kind: K,
    subject: string,
    data: EventTypes[ReturnType<typeof eventType<K>>],
    actor?: string,
  ): void => {
    const project = options.project === undefined ? {} : { project: options.project };
    options.events.publish(tx, {
      type: eventType(kind),
      subject,
      data,
      actor: actor ?? run.created_by.identity,
      reason: run.reason,
      ...project,
    });
  };
  const finish = (step: StepRow, state: StepState, change: Partial<StepRow>): Promise<void> =>
    store.write(async (tx, now) => {
      await holdRun(tx, run.id, owner);
      await updateStep(tx, step.id, { ...change, state, ended_at: now });
      const summary = change.summary ?? change.error ?? undefined;
      const data = { id: step.id, pipelineRun: run.id, step: step.step, state, ...(typeof summary === 'string' ? { summary } : {}) };
      publish(tx, 'step_run.finished', step.id, data);
    }, clock.now());
  return {
    started: (step, inputs, cacheKey) =>
      store.write(async (tx, now) => {
        await holdRun(tx, run.id, owner);
        const attempt = step.attempt + 1;
        await updateStep(tx, step.id, {
          state: 'running',
          attempt,
          inputs,
          cache_key: cacheKey,
          started_at: step.started_at ?? now,
          error: null,
        });
        publish(tx, 'step_run.started', step.id, { id: step.id, pipelineRun: run.id, step: step.step, attempt });
      }, clock.now()),
    cached: (step, from, inputs, cacheKey) => {
      const change = {
        inputs,
        cache_key: cacheKey,
        outputs: from.outputs,
        summary: from.summary,
        reused_from: from.id,
        started_at: clock.now(),
      };
      return finish(step, 'cached', change);
    },
    succeeded: (step, result, log) =>
      finish(step, 'succeeded', { outputs: result.outputs, summary: result.summary, error: null, log: [...log] }),
    ended: (step, state, error, log) => finish(step, state, { error, log: [...log] }),
    rewound: (step, error, log) =>
      store.write(
        async (tx, args) => {
          await holdRun(tx, run.id, owner);
          await updateStep(tx, step.id, { state: 'waiting', error: args.error, log: [...log] });
        },
        { error: messageOf(error) },
      ),
    runEnded: (state) =>
      store.write(async (tx, now) => {
        const held = await holdRun(tx, run.id, owner);
        await updateRun(tx, run.id, { state, ended_at: now, owner: null });
        publish(tx, 'pipeline_run.finished', run.id, { id: run.id, pipeline: run.pipeline, state }, held.cancelled_by ?? undefined);
      }, clock.now()),
    released: () =>
      store.write(async (tx, id) => {
        await holdRun(tx, id, owner);
        for (const step of await readSteps(tx, [id])) {
          if (step.state === 'running') await updateStep(tx, step.id, { state: 'waiting' });
        }
        await updateRun(tx, id, { owner: null });
      }, run.id),
  };
}
