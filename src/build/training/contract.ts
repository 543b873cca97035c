import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '#core';
import type { Run } from '#contract';
import { MetricNames } from './metric-names-store.ts';
import { by, code, environment } from './testing.ts';
import type { Rooms } from './testing.ts';

/** What logging keeps on every database: `run-log.test.ts` and `postgres.test.ts` run it. */
export function runLogContract(backend: string, open: () => Promise<Rooms>, skip: string | false = false): void {
  describe(`logging a run on ${backend}`, { skip }, () => {
    let rooms: Rooms;
    before(async () => {
      rooms = await open();
    });
    after(() => rooms[Symbol.asyncDispose]());
    const start = (more: Partial<Parameters<Rooms['training']['startRun']>[0]> = {}): Promise<Run> =>
      rooms.training.startRun({ code, environment, by, ...more });
    const text = (value: string): Uint8Array => new TextEncoder().encode(value);

    test('keeps parameters, tags, metrics, artifacts and where the code came from', async () => {
      const { training, blobs } = rooms;
      const run = await start({ experiment: 'logs', name: 'first', parameters: { rate: 0.1, kind: 'x' }, tags: { team: 'a' }, seed: 3 });
      assert.equal(run.status, 'RUNNING');
      await training.logMetrics(run.id, [
        { key: 'loss', value: 2, step: 0 },
        { key: 'loss', value: 1, step: 1 },
        { key: 'auc', value: 0.8 },
      ]);
      await training.logParameters(run.id, { depth: 4, flag: true });
      await training.setTags(run.id, { team: 'b', note: 'n' });
      const artifact = await training.logArtifact(run.id, 'plots/roc.txt', text('curve'));
      assert.deepEqual(artifact, { path: 'plots/roc.txt', digest: sha256('curve'), size: 5 });
      const finished = await training.finishRun(run.id, by);
      assert.deepEqual(await training.getRun(run.id), finished);
      assert.equal(finished.status, 'FINISHED');
      assert.deepEqual(finished.parameters, { rate: 0.1, kind: 'x', depth: 4, flag: true });
      assert.deepEqual(finished.metrics, { loss: 1, auc: 0.8 });
      assert.deepEqual(finished.tags, { team: 'b', note: 'n' });
      assert.deepEqual([finished.code, finished.environment, finished.seed, finished.createdBy], [code, environment, 3, by]);
      assert.deepEqual(await training.readArtifact(run.id, 'plots/roc.txt'), await blobs.read(sha256('curve')));
    });

    test('states that it started and ended as events', async () => {
      const run = await start({ experiment: 'events', trainer: 'gbdt' });
      await rooms.training.logMetrics(run.id, [{ key: 'auc', value: 0.9 }]);
      await rooms.training.failRun(run.id, 'out of memory', by);
      const events = await rooms.events.read({ subject: run.id });
      assert.deepEqual(
        events.map(({ type, actor, reason, data }) => ({ type, actor, reason, data })),
        [
          { type: 'dev.gyre.run.started.v1', actor: 'ada', reason: undefined, data: { id: run.id, experiment: 'events', trainer: 'gbdt' } },
          {
            type: 'dev.gyre.run.finished.v1',
            actor: 'ada',
            reason: 'out of memory',
            data: { id: run.id, status: 'FAILED', metrics: { auc: 0.9 } },
          },
        ],
      );
      assert.equal((await rooms.training.getRun(run.id)).error, 'out of memory');
    });

    test('names of metrics that a transaction took back with it are forgotten', async () => {
      const names = new MetricNames();
      const numbered = (name: string, fails: boolean): Promise<number> =>
        rooms.store.write(async (tx) => {
          const number = (await names.number(tx, [name])).get(name) ?? 0;
          assert.equal((await names.named(tx, new Set([number]))).get(number), name);
          if (fails) throw new Error('taken back');
          return number;
        }, undefined);
      await assert.rejects(numbered('taken back', true), /taken back/);
      const kept = await numbered('kept', false);
      const read = (by: MetricNames): Promise<string | undefined> =>
        rooms.store.read(async (db) => (await by.named(db, new Set([kept]))).get(kept));
      assert.deepEqual([await read(names), await read(new MetricNames())], ['kept', 'kept']);
      assert.equal(await rooms.store.read((db) => names.find(db, 'taken back')), undefined);
    });

    test('keeps the last value by step and time, however values arrive', async () => {
      const run = await start();
      const log = (value: number, step: number, timestamp: number): Promise<void> =>
        rooms.training.logMetrics(run.id, [{ key: 'm', value, step, timestamp }]);
      await log(1, 5, 100);
      await log(2, 3, 900);
      assert.equal((await rooms.training.getRun(run.id)).metrics.m, 1);
      await log(3, 5, 99);
      assert.equal((await rooms.training.getRun(run.id)).metrics.m, 1);
      await log(4, 5, 100);
      assert.equal((await rooms.training.getRun(run.id)).metrics.m, 4);
      await rooms.training.logMetrics(run.id, [
        { key: 'm', value: 6, step: 7, timestamp: 1 },
        { key: 'm', value: 5, step: 6, timestamp: 999 },
      ]);
      assert.equal((await rooms.training.getRun(run.id)).metrics.m, 6);
    });

    test('gives a metric’s history page by page, in the order of steps', async () => {
      const run = await start();
      const steps = Array.from({ length: 2500 }, (_, at) => (at * 7) % 2500);
      await rooms.training.logMetrics(
        run.id,
        steps.map((step) => ({ key: 'loss', value: step / 10, step })),
      );
      await rooms.training.logMetrics(run.id, [{ key: 'loss', value: -1, step: 1200 }]);
      const seen: number[] = [];
      let next: string | undefined;
      do {
        const page = await rooms.training.metricHistory(run.id, 'loss', { limit: 600, ...(next === undefined ? {} : { after: next }) });
        seen.push(...page.items.map(({ step }) => step));
        next = page.next;
      } while (next !== undefined);
      assert.deepEqual(seen, [...Array.from({ length: 1201 }, (_, at) => at), ...Array.from({ length: 1300 }, (_, at) => at + 1200)]);
    });

    test('lists runs page by page, newest first, by experiment, study and status', async () => {
      const { training } = rooms;
      const ids: string[] = [];
      for (let at = 0; at < 7; at++) ids.unshift((await start({ experiment: 'paged', ...(at % 2 === 0 ? { study: 's1' } : {}) })).id);
      await training.finishRun(ids[0], by);
      const seen: string[] = [];
      let next: string | undefined;
      do {
        const page = await training.listRuns({ experiment: 'paged', limit: 3, ...(next === undefined ? {} : { after: next }) });
        assert.ok(page.items.length <= 3);
        seen.push(...page.items.map(({ id }) => id));
        next = page.next;
      } while (next !== undefined);
      assert.deepEqual(seen, ids);
      assert.equal((await training.listRuns({ study: 's1' })).items.length, 4);
      assert.deepEqual(
        (await training.listRuns({ experiment: 'paged', status: 'FINISHED' })).items.map(({ id }) => id),
        [ids[0]],
      );
      const brought = await training.tracking.createExperiment({ name: 'brought', id: 'exp-7', by });
      const { id } = await training.tracking.createRun({ experiment: brought.id, by });
      for (const experiment of ['brought', 'exp-7'])
        assert.deepEqual(
          (await training.listRuns({ experiment })).items.map((run) => run.id),
          [id],
        );
      await assert.rejects(training.listRuns({ experiment: 'nope' }), { code: 'NOT_FOUND', message: /no experiment "nope"; there are/ });
      await assert.rejects(training.listRuns({ after: 'x' }), { code: 'INVALID_ARGUMENT' });
    });

    test('numbers experiments, the default one 0', async () => {
      const { training } = rooms;
      assert.equal((await training.ensureExperiment('Default')).id, '0');
      const [one, again] = await Promise.all([training.ensureExperiment('one of a kind'), training.ensureExperiment('one of a kind')]);
      assert.deepEqual(one, again);
      assert.ok((await training.experiments()).some(({ id }) => id === one.id));
    });

    test('refuses what would change the past or means nothing', async () => {
      const { training } = rooms;
      const run = await start({ parameters: { rate: 0.1 } });
      await training.logParameters(run.id, { rate: 0.1 });
      await assert.rejects(training.logParameters(run.id, { rate: 0.2 }), {
        code: 'ALREADY_EXISTS',
        message: /"rate" of run .* is 0.1 already/,
      });
      await assert.rejects(training.logMetrics(run.id, [{ key: 'm', value: NaN, step: 4 }]), {
        code: 'INVALID_ARGUMENT',
        message: /"m" is NaN at step 4/,
      });
      await assert.rejects(training.logArtifact(run.id, '../x', text('x')), {
        code: 'INVALID_ARGUMENT',
        message: /Invalid path: "\.\.\/x"/,
      });
      await assert.rejects(training.readArtifact(run.id, 'model.onnx'), {
        code: 'NOT_FOUND',
        message: /has no artifact "model.onnx"; it has none/,
      });
      await training.finishRun(run.id, by);
      await assert.rejects(training.logMetrics(run.id, [{ key: 'm', value: 1 }]), { code: 'FAILED_PRECONDITION', message: /is FINISHED/ });
      await assert.rejects(training.finishRun(run.id, by), { code: 'FAILED_PRECONDITION' });
      await assert.rejects(training.getRun('nope'), { code: 'NOT_FOUND', message: /no run "nope"; the newest are/ });
      await assert.rejects(training.readModel(run.id), { code: 'FAILED_PRECONDITION' });
    });

    test('ends what a dead process left open, but no run that others log', async () => {
      const { training } = rooms;
      const orphan = await start({ study: 's-dead' });
      const foreign = await start();
      assert.ok((await training.endAbandoned(by)) >= 1);
      const ended = await training.getRun(orphan.id);
      assert.deepEqual([ended.status, ended.error], ['KILLED', 'the process that trained it ended']);
      assert.equal((await training.getRun(foreign.id)).status, 'RUNNING');
    });
  });
}
