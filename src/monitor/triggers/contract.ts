import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Action, Actor, Alert, PipelineRun } from '#contract';
import { eventType } from '#contract';
import { countingIds, GyreError, hasCode, isoInstant, manualClock } from '#core';
import { eventsMigrations, openEvents, type Events } from '#events';
import type { Store, Tx } from '#store';
import { openTriggers, triggersMigrations, type Triggers, type TriggersDeps } from './index.ts';

/** A store of its own for one test. */
export interface StoreFixture extends AsyncDisposable {
  open(): Promise<Store>;
}

const platform: Actor = { identity: 'gyre', name: 'gyre' };
const olga: Actor = { identity: 'olga', name: 'Olga' };

/** Alerts, labelled rows and pipelines as a test wants them, around a real store and real events. */
interface Bench extends AsyncDisposable {
  readonly triggers: Triggers;
  readonly alerts: Map<string, Alert>;
  readonly runs: Map<string, PipelineRun>;
  readonly told: string[];
  readonly rolledBack: string[];
  readonly startedBy: string[];
  readonly world: {
    rows: number;
    onAlert: ('notify' | 'retrain' | 'roll_back')[];
    /** Thrown instead of starting a retraining. */
    refusal: Error | undefined;
    /** Thrown after the pipeline run is on record: the process dies before the action knows of it. */
    crash: Error | undefined;
    /** Runs end as they are submitted. */
    quick: boolean;
    outcome: string | Error;
    rollBackFails: Error | undefined;
  };
  raise(id: string, change?: Partial<Alert>): Promise<void>;
  /** The same event once more, as after a crash before the cursor moved. */
  say(type: 'alert.raised' | 'alert.updated' | 'alert.resolved', id: string): Promise<void>;
  labels(rows: number): Promise<void>;
  end(run: string, state: 'succeeded' | 'failed'): Promise<void>;
  /** Waits until nothing more follows. */
  settled(): Promise<void>;
  actions(): Promise<readonly (readonly [string, string])[]>;
  finished(): Promise<readonly string[]>;
  /** The process ends and another opens the room over the same store. */
  restart(): Promise<void>;
}

async function openBench(fixture: StoreFixture): Promise<Bench> {
  const clock = manualClock(Date.parse('2026-01-13T10:00:00Z'));
  const newId = countingIds('id');
  const store = await fixture.open();
  await store.migrate([eventsMigrations, triggersMigrations]);
  const alerts = new Map<string, Alert>();
  const runs = new Map<string, PipelineRun>();
  const told: string[] = [];
  const rolledBack: string[] = [];
  const startedBy: string[] = [];
  const world: Bench['world'] = {
    rows: 0,
    onAlert: ['notify', 'retrain'],
    refusal: undefined,
    crash: undefined,
    quick: false,
    outcome: 'the challenger is better',
    rollBackFails: undefined,
  };
  const open = (): Events => openEvents({ store, clock, newId, source: '/gyre/test', pollMs: 20, retryMs: 1 });
  let events = open();
  const publish = (
    type: 'alert.raised' | 'alert.updated' | 'alert.resolved' | 'labels.joined' | 'pipeline_run.finished',
    id: string,
    data: object,
  ) =>
    store.write(async (tx: Tx) => {
      events.publish(tx, { type: eventType(type), subject: id, actor: platform.identity, data: data as never });
      await Promise.resolve();
    }, undefined);

  const deps: Omit<TriggersDeps, 'events'> = {
    store,
    clock,
    newId,
    actor: platform,
    policy: () => ({ onAlert: world.onAlert, minRows: 100 }),
    getAlert: (id) => {
      const alert = alerts.get(id);
      if (alert === undefined) throw new GyreError('NOT_FOUND', `no alert "${id}"`);
      return Promise.resolve(alert);
    },
    labelledRows: () => Promise.resolve(world.rows),
    startRetraining: async (alert, action, by) => {
      if (world.refusal !== undefined) throw world.refusal;
      const id = `run-of-${action.id}`;
      if (!runs.has(id)) {
        startedBy.push(by.identity);
        const run: PipelineRun = {
          id,
          pipeline: 'retrain',
          state: 'running',
          reason: action.reason,
          parameters: { action: action.id, ...(alert === undefined ? {} : { alert: alert.id }) },
          steps: [],
          createdAt: isoInstant(clock.now()),
          createdBy: by,
        };
        runs.set(id, run);
        if (world.quick) await end(id, 'succeeded');
      }
      const { crash } = world;
      world.crash = undefined;
      if (crash !== undefined) throw crash;
      return found(id);
    },
    getPipelineRun: (id) => Promise.resolve(found(id)),
    outcomeOf: () => (world.outcome instanceof Error ? Promise.reject(world.outcome) : Promise.resolve(world.outcome)),
    rollBack: ({ environment, modelVersion }) => {
      if (world.rollBackFails !== undefined) return Promise.reject(world.rollBackFails);
      // As the composition root does it: what is not served any more is not rolled back again.
      if (!rolledBack.includes(modelVersion)) rolledBack.push(modelVersion);
      return Promise.resolve(`"${environment}" is back`);
    },
    notify: ({ id }) => told.push(id),
  };
  const found = (id: string): PipelineRun => {
    const run = runs.get(id);
    if (run === undefined) throw new GyreError('NOT_FOUND', `no pipeline run "${id}"`);
    return run;
  };
  const end = async (id: string, state: 'succeeded' | 'failed'): Promise<void> => {
    runs.set(id, { ...found(id), state, endedAt: isoInstant(clock.now()) });
    await publish('pipeline_run.finished', id, { id, pipeline: 'retrain', state });
  };
  const say: Bench['say'] = async (type, id) => {
    const alert = alerts.get(id);
    assert.ok(alert !== undefined);
    await publish(type, id, { ...alert, window: 'w-9' });
  };
  let triggers = await openTriggers({ ...deps, events });
  const bench: Bench = {
    get triggers() {
      return triggers;
    },
    alerts,
    runs,
    told,
    rolledBack,
    startedBy,
    world,
    raise: async (id, change = {}) => {
      const alert: Alert = {
        id,
        kind: 'performance',
        state: 'open',
        environment: 'production',
        endpoint: 'churn',
        modelVersion: 'mv-1',
        title: 'accuracy fell',
        cause: 'accuracy fell since 12 January',
        observed: 0.6,
        threshold: '>= 0.7',
        columns: [],
        since: '2026-01-12T00:00:00.000Z',
        firstWindow: 'w-1',
        lastWindow: 'w-1',
        windows: 1,
        raisedAt: isoInstant(clock.now()),
        ...change,
      };
      alerts.set(id, alert);
      await say('alert.raised', id);
    },
    say,
    labels: async (rows) => {
      world.rows = rows;
      await publish('labels.joined', 'churn', { environment: 'production', endpoint: 'churn', rows, unmatched: 0 });
    },
    end,
    settled: async () => {
      for (let before = -1, last = await events.lastPosition(); before !== last; last = await events.lastPosition()) {
        before = last;
        await triggers.caughtUp();
      }
    },
    actions: async () =>
      (await triggers.actions()).map(({ kind, state }) => [kind, state] as const).sort(([left], [right]) => left.localeCompare(right)),
    finished: async () =>
      (await events.read({ types: [eventType('action.finished')] })).map(({ data }) => `${data.kind} ${data.state}: ${data.outcome}`),
    restart: async () => {
      await triggers[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      events = open();
      triggers = await openTriggers({ ...deps, events });
      await triggers.resume();
    },
    [Symbol.asyncDispose]: async () => {
      await triggers[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await fixture[Symbol.asyncDispose]();
    },
  };
  return bench;
}

/** What the room promises on any store. */
export function triggersContract(name: string, fixture: () => Promise<StoreFixture>, skip: string | false = false): void {
  const onlyRetraining = async (bench: Bench): Promise<Action> => {
    const actions = await bench.triggers.actions({ kind: 'retrain' });
    assert.equal(actions.length, 1);
    return actions[0];
  };

  describe(`triggers on ${name}`, { skip }, () => {
    test('an alert leads to one action of each kind, however often its events come', async () => {
      await using bench = await openBench(await fixture());
      await bench.raise('alert-1');
      await bench.say('alert.raised', 'alert-1');
      await bench.say('alert.updated', 'alert-1');
      await bench.settled();
      assert.deepEqual(await bench.actions(), [
        ['notify', 'succeeded'],
        ['retrain', 'waiting'],
      ]);
      assert.deepEqual(bench.told, ['alert-1']);
      assert.deepEqual(await bench.finished(), ['notify succeeded: told in the log and on the page']);
      await bench.raise('alert-2');
      await bench.settled();
      assert.equal((await bench.triggers.actions({ alert: 'alert-2' })).length, 2);
    });

    test('an alert that escalates to what retraining cures gets its retraining then', async () => {
      await using bench = await openBench(await fixture());
      await bench.raise('alert-1', { kind: 'integrity' });
      await bench.settled();
      assert.deepEqual(await bench.actions(), [['notify', 'succeeded']]);
      bench.alerts.set('alert-1', { ...(bench.alerts.get('alert-1') ?? assert.fail()), kind: 'drift' });
      await bench.say('alert.updated', 'alert-1');
      await bench.settled();
      assert.equal((await onlyRetraining(bench)).state, 'waiting');
    });

    test('a retraining waits for labelled rows enough, runs once, and ends with its outcome', async () => {
      await using bench = await openBench(await fixture());
      await bench.raise('alert-1');
      await bench.labels(99);
      await bench.settled();
      assert.equal((await onlyRetraining(bench)).state, 'waiting');
      await bench.labels(100);
      await bench.labels(100);
      await bench.settled();
      const started = await onlyRetraining(bench);
      assert.deepEqual([started.state, started.reason], ['started', 'accuracy fell; 100 labelled rows since 2026-01-12']);
      assert.deepEqual([...bench.runs.keys()], [started.pipelineRun]);
      await bench.end(started.pipelineRun ?? '', 'succeeded');
      await bench.settled();
      const ended = await onlyRetraining(bench);
      assert.deepEqual([ended.state, ended.outcome], ['succeeded', 'the challenger is better']);
      await bench.labels(500);
      await bench.settled();
      assert.equal(bench.runs.size, 1);
    });

    test('labels that came before the alert are not waited for again', async () => {
      await using bench = await openBench(await fixture());
      await bench.labels(200);
      await bench.settled();
      await bench.raise('alert-1');
      await bench.settled();
      assert.equal((await onlyRetraining(bench)).state, 'started');
    });

    test('a retraining that ended before its action knew of it still ends its action, once', async () => {
      await using bench = await openBench(await fixture());
      bench.world.quick = true;
      await bench.raise('alert-1');
      await bench.labels(100);
      await bench.settled();
      assert.equal((await onlyRetraining(bench)).state, 'succeeded');
      assert.equal((await bench.finished()).filter((line) => line.startsWith('retrain')).length, 1);
    });

    test('a crash between the start of the retraining and its record starts no second one', async () => {
      await using bench = await openBench(await fixture());
      bench.world.crash = new GyreError('UNAVAILABLE', 'the process was killed');
      await bench.raise('alert-1');
      await bench.labels(100);
      await bench.settled();
      assert.equal(bench.runs.size, 1);
      const action = await onlyRetraining(bench);
      assert.deepEqual([action.state, action.pipelineRun], ['started', [...bench.runs.keys()][0]]);
    });

    test('a failed retraining fails its action with the reason, also where its records cannot be read', async () => {
      await using bench = await openBench(await fixture());
      bench.world.outcome = 'step "boosting" failed: one class is missing';
      await bench.raise('alert-1');
      await bench.labels(100);
      await bench.settled();
      await bench.end((await onlyRetraining(bench)).pipelineRun ?? '', 'failed');
      await bench.settled();
      const failed = await onlyRetraining(bench);
      assert.deepEqual([failed.state, failed.outcome], ['failed', 'step "boosting" failed: one class is missing']);

      bench.world.outcome = new GyreError('NOT_FOUND', 'no test report "r-1"');
      const second = await bench.triggers.retrain({ reason: 'again', by: olga });
      await bench.end(second.pipelineRun ?? '', 'succeeded');
      await bench.settled();
      assert.equal((await bench.triggers.getAction(second.id)).outcome, 'the pipeline ended succeeded; no test report "r-1"');
    });

    test('a retraining that the project cannot do fails its action instead of waiting for ever', async () => {
      await using bench = await openBench(await fixture());
      bench.world.refusal = new GyreError('FAILED_PRECONDITION', 'the project has no transform and trainer steps to train again by');
      await bench.raise('alert-1');
      await bench.labels(100);
      await bench.settled();
      const failed = await onlyRetraining(bench);
      assert.deepEqual([failed.state, failed.outcome], ['failed', 'the project has no transform and trainer steps to train again by']);
    });

    test('a waiting retraining is skipped when its alert is over', async () => {
      await using bench = await openBench(await fixture());
      await bench.raise('alert-1');
      await bench.settled();
      const alert = bench.alerts.get('alert-1') ?? assert.fail();
      bench.alerts.set('alert-1', { ...alert, state: 'resolved', resolution: 'window w-9 meets every threshold' });
      await bench.say('alert.resolved', 'alert-1');
      await bench.labels(100);
      await bench.settled();
      const skipped = await onlyRetraining(bench);
      assert.deepEqual([skipped.state, skipped.outcome], ['skipped', 'the alert is over: window w-9 meets every threshold']);
      assert.equal(bench.runs.size, 0);
    });

    test('one retraining runs at a time, and the next one follows by itself', async () => {
      await using bench = await openBench(await fixture());
      await bench.labels(100);
      await bench.raise('alert-1');
      await bench.settled();
      const asked = await bench.triggers.retrain({ reason: 'new prices', by: olga });
      assert.equal(asked.state, 'waiting');
      const [first] = bench.runs.keys();
      await bench.end(first, 'succeeded');
      await bench.settled();
      assert.equal((await bench.triggers.getAction(asked.id)).state, 'started');
      assert.equal(bench.runs.size, 2);
    });

    test('a retraining that a person asks for starts at once in their name, and says why it cannot', async () => {
      await using bench = await openBench(await fixture());
      const action = await bench.triggers.retrain({ reason: 'new prices', by: olga });
      assert.deepEqual([action.state, action.reason, action.alert, action.startedBy], ['started', 'new prices', undefined, olga]);
      assert.deepEqual(bench.startedBy, ['olga']);
      await bench.end(action.pipelineRun ?? '', 'succeeded');
      await bench.settled();
      assert.equal((await bench.triggers.getAction(action.id)).state, 'succeeded');
      bench.world.refusal = new GyreError('FAILED_PRECONDITION', 'no labelled rows');
      await assert.rejects(
        bench.triggers.retrain({ reason: 'again', by: olga }),
        (error) => hasCode(error, 'FAILED_PRECONDITION') && /cannot train again: no labelled rows/.test(error.message),
      );
    });

    test('a start takes up what a dead process left: a request not yet started, a run that ended meanwhile', async () => {
      await using bench = await openBench(await fixture());
      bench.world.crash = new GyreError('UNAVAILABLE', 'the process was killed');
      await assert.rejects(bench.triggers.retrain({ reason: 'new prices', by: olga }));
      const [run] = bench.runs.keys();
      bench.runs.set(run, { ...(bench.runs.get(run) ?? assert.fail()), state: 'succeeded', endedAt: '2026-01-13T11:00:00.000Z' });
      await bench.restart();
      await bench.settled();
      const action = await onlyRetraining(bench);
      assert.deepEqual([action.state, action.pipelineRun, action.startedBy], ['succeeded', run, olga]);
      assert.equal(bench.runs.size, 1);
    });

    test('a rollback is done once and its failure is its outcome', async () => {
      await using bench = await openBench(await fixture());
      bench.world.onAlert = ['roll_back'];
      await bench.raise('alert-1');
      await bench.say('alert.updated', 'alert-1');
      await bench.settled();
      assert.deepEqual([bench.rolledBack, await bench.actions()], [['mv-1'], [['roll_back', 'succeeded']]]);
      bench.world.rollBackFails = new GyreError('FAILED_PRECONDITION', '"production" has served no other version');
      await bench.raise('alert-2', { modelVersion: 'mv-2' });
      await bench.settled();
      assert.deepEqual(
        (await bench.triggers.actions({ alert: 'alert-2' })).map(({ state, outcome }) => [state, outcome]),
        [['failed', '"production" has served no other version']],
      );
    });

    test('an action that is not there is not found', async () => {
      await using bench = await openBench(await fixture());
      await assert.rejects(bench.triggers.getAction('none'), (error) => hasCode(error, 'NOT_FOUND'));
    });
  });
}
