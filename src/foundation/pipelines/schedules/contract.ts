import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { EventTypes, PipelineRun } from '#contract';
import { countingIds, GyreError, hasCode, isoInstant, manualClock } from '#core';
import type { ManualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { openStore } from '#store';
import type { Store, StoreOptions } from '#store';
import { pipelinesMigrations } from '../migrations/index.ts';
import type { DueRun, ScheduleDefinition, Schedules, SchedulesDeps } from './port.ts';
import { openSchedules } from './schedules.ts';

const ada = { identity: 'id-ada', name: 'Ada' };
const platform = { identity: 'gyre', name: 'gyre' };
const hourMs = 3_600_000;
const daily: ScheduleDefinition = { name: 'customers', cron: '0 6 * * *', timezone: 'UTC', run: 'ingest' };

/** What every store has to give the schedules. */
export function schedulesContract(
  name: string,
  fixture: () => Promise<{ readonly options: StoreOptions } & AsyncDisposable>,
  skip?: string,
): void {
  describe(`schedules on ${name}`, skip === undefined ? {} : { skip }, () => {
    let made: { readonly options: StoreOptions } & AsyncDisposable;
    let store: Store;
    let events: Events<EventTypes>;
    let clock: ManualClock;
    let definitions: ScheduleDefinition[];
    /** The runs that were started, in order. */
    let started: DueRun[];
    let runs: Map<string, PipelineRun>;
    let refusal: Error | undefined;
    /** Thrown once the run is on record: the process dies before the schedule knows of it. */
    let crash: Error | undefined;

    const start = (due: DueRun): Promise<PipelineRun> => {
      if (refusal !== undefined) return Promise.reject(refusal);
      const id = due.due === undefined ? `by hand ${runs.size}` : `${due.definition.name} ${isoInstant(due.due)}`;
      const known = runs.get(id);
      if (known === undefined) started.push(due);
      const at = isoInstant(clock.now());
      const facts = { pipeline: 'ingest', parameters: {}, steps: [], reason: due.reason, createdBy: due.by, createdAt: at };
      const run: PipelineRun = known ?? { id, state: 'running', ...facts };
      runs.set(id, run);
      return crash === undefined ? Promise.resolve(run) : Promise.reject(crash);
    };
    const end = (id: string, state: PipelineRun['state'] = 'succeeded'): void => {
      const run = runs.get(id) ?? assert.fail(`no run ${id}`);
      runs.set(id, { ...run, state, endedAt: isoInstant(clock.now()) });
    };
    const open = (owner = 'a', more: Partial<SchedulesDeps> = {}): Schedules =>
      openSchedules({
        store,
        events,
        clock,
        owner,
        actor: platform,
        project: () => 'shop',
        definitions: () => definitions,
        start,
        getRun: (id) => Promise.resolve(runs.get(id) ?? assert.fail(`no run ${id}`)),
        ...more,
      });
    const at = (text: string): void => clock.set(Date.parse(text));
    const told = async (): Promise<readonly string[]> =>
      (await events.read({})).map(({ type, actor }) => `${type.replace(/^dev\.gyre\.|\.v1$/g, '')} by ${actor}`);

    beforeEach(async () => {
      made = await fixture();
      store = await openStore(made.options);
      await store.migrate([eventsMigrations, pipelinesMigrations]);
      clock = manualClock(Date.parse('2026-03-01T12:00:00Z'));
      events = openEvents({ store, clock, newId: countingIds('event'), source: '/gyre/test' });
      definitions = [daily];
      started = [];
      runs = new Map();
      refusal = undefined;
      crash = undefined;
    });
    afterEach(async () => {
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
    });

    test('start nothing before an instant, one run at it, and the next one a day later', async () => {
      const schedules = open();
      assert.deepEqual(await schedules.tick(), []);
      assert.deepEqual(await schedules.list(), [{ ...daily, paused: false, nextDue: '2026-03-02T06:00:00.000Z' }]);
      at('2026-03-02T05:59:59.999Z');
      assert.deepEqual(await schedules.tick(), []);
      at('2026-03-02T06:00:00Z');
      const [run] = await schedules.tick();
      assert.deepEqual([run.reason, run.createdBy], ['schedule "0 6 * * *" of "customers", due 2026-03-02T06:00:00.000Z', platform]);
      end(run.id);
      assert.deepEqual(await schedules.tick(), []);
      assert.deepEqual(await schedules.list(), [
        {
          ...daily,
          paused: false,
          nextDue: '2026-03-03T06:00:00.000Z',
          lastDue: '2026-03-02T06:00:00.000Z',
          lastRun: run.id,
          lastState: 'succeeded',
        },
      ]);
      at('2026-03-03T06:00:03Z');
      assert.equal((await schedules.tick()).length, 1);
      assert.deepEqual(await told(), ['schedule.started by gyre', 'schedule.started by gyre']);
    });

    test('make up for runs that nobody was there to start by one run, which says so; the next due instant survives a restart', async () => {
      await open('a').tick();
      at('2026-03-05T09:00:00Z');
      const schedules = open('b');
      const [run, ...others] = await schedules.tick();
      assert.deepEqual(others, []);
      assert.equal(
        run.reason,
        'schedule "0 6 * * *" of "customers", due 2026-03-05T06:00:00.000Z; it also makes up for 3 runs missed since 2026-03-02T06:00:00.000Z',
      );
      end(run.id);
      assert.deepEqual(await schedules.tick(), []);
      assert.partialDeepStrictEqual((await schedules.list())[0], { missed: 3, nextDue: '2026-03-06T06:00:00.000Z' });
      const [event] = await events.read({});
      assert.partialDeepStrictEqual(event.data, { schedule: 'customers', missed: 3, pipelineRun: run.id });
    });

    test('never run two at once: what is due meanwhile is made up for by one run afterwards', async () => {
      definitions = [{ ...daily, cron: '0 * * * *' }];
      const schedules = open();
      await schedules.tick();
      at('2026-03-01T13:00:00Z');
      const [first] = await schedules.tick();
      for (const hour of [14, 15, 16]) {
        at(`2026-03-01T${hour}:00:00Z`);
        assert.deepEqual(await schedules.tick(), []);
      }
      await assert.rejects(schedules.runNow('customers', ada), (error) => hasCode(error, 'FAILED_PRECONDITION'));
      end(first.id);
      const [second, ...others] = await schedules.tick();
      assert.deepEqual(others, []);
      assert.match(second.reason, /due 2026-03-01T16:00.*makes up for 2 runs missed since 2026-03-01T14:00/);
    });

    test('paused, they start nothing, and resumed they do not make up for it', async () => {
      const schedules = open();
      await schedules.tick();
      assert.deepEqual(await schedules.pause('customers', ada), { ...daily, paused: true });
      await schedules.pause('customers', ada);
      at('2026-03-04T12:00:00Z');
      assert.deepEqual(await open('b').tick(), [], 'a restart does not forget it');
      assert.partialDeepStrictEqual(await schedules.resume('customers', ada), { paused: false, nextDue: '2026-03-05T06:00:00.000Z' });
      assert.deepEqual(await schedules.tick(), []);
      at('2026-03-05T06:00:00Z');
      assert.equal((await schedules.tick()).length, 1);
      assert.deepEqual(await told(), ['schedule.paused by id-ada', 'schedule.resumed by id-ada', 'schedule.started by gyre']);
    });

    test('run out of turn by a person, without moving the next instant', async () => {
      const schedules = open();
      await schedules.pause('customers', ada);
      const run = await schedules.runNow('customers', ada);
      assert.deepEqual([run.createdBy, run.reason], [ada, 'schedule of "customers", run out of turn by Ada']);
      end(run.id, 'failed');
      assert.deepEqual(await schedules.list(), [{ ...daily, paused: true, lastRun: run.id, lastState: 'failed' }]);
      await assert.rejects(
        schedules.runNow('orders', ada),
        (error) => hasCode(error, 'NOT_FOUND') && /"orders" has no schedule; in gyre.yaml "customers" has one/.test(error.message),
      );
    });

    test('a run that cannot be started is on record with its reason, and the next instant tries again', async () => {
      const schedules = open();
      await schedules.tick();
      at('2026-03-02T06:00:00Z');
      refusal = new GyreError('NOT_FOUND', 'cannot read the source customers.csv');
      assert.deepEqual(await schedules.tick(), []);
      assert.partialDeepStrictEqual((await schedules.list())[0], {
        error: 'cannot read the source customers.csv',
        nextDue: '2026-03-03T06:00:00.000Z',
      });
      refusal = undefined;
      assert.deepEqual(await schedules.tick(), []);
      at('2026-03-03T06:00:00Z');
      assert.equal((await schedules.tick()).length, 1);
      assert.equal((await schedules.list())[0].error, undefined);
      assert.deepEqual(await told(), ['schedule.failed by gyre', 'schedule.started by gyre']);
    });

    test('two processes that look at one store start a run once', async () => {
      const [one, two] = [open('a'), open('b')];
      await one.tick();
      at('2026-03-02T06:00:00Z');
      const both = await Promise.all([one.tick(), two.tick()]);
      assert.equal(both.flat().length, 1);
      assert.equal(started.length, 1);
    });

    test('what a dead process had started before it could say so is taken over, not started twice', async () => {
      const dying = open('a', { exclusive: true });
      await dying.tick();
      at('2026-03-02T06:00:00Z');
      crash = new GyreError('UNAVAILABLE', 'gone');
      // The store goes away with the process: neither the start nor its failure is written.
      const write = store.write.bind(store);
      let writes = 0;
      const failing: Store = {
        facts: store.facts,
        read: (query) => store.read(query),
        write: (work, args) => (++writes > 1 ? Promise.reject(new GyreError('UNAVAILABLE', 'gone')) : write(work, args)),
        migrate: (sets) => store.migrate(sets),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
      await assert.rejects(open('a', { exclusive: true, store: failing }).tick(), (error) => hasCode(error, 'UNAVAILABLE'));
      crash = undefined;
      const next = open('b', { exclusive: true });
      const [run] = await next.tick();
      assert.deepEqual([run.id, started.length], ['customers 2026-03-02T06:00:00.000Z', 1]);
      assert.equal((await next.list())[0].lastRun, run.id);
    });

    test('beside others, a claim of a process that died is waited out first', async () => {
      await open('a').tick();
      at('2026-03-02T06:00:00Z');
      let writes = 0;
      const failing: Store = {
        facts: store.facts,
        read: (query) => store.read(query),
        write: (work, args) => (++writes > 1 ? Promise.reject(new GyreError('UNAVAILABLE', 'gone')) : store.write(work, args)),
        migrate: (sets) => store.migrate(sets),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
      await assert.rejects(open('a', { store: failing }).tick());
      const other = open('b');
      assert.deepEqual(await other.tick(), []);
      clock.advance(60_000);
      assert.equal((await other.tick()).length, 1);
    });

    test('a changed pattern begins anew, one that is taken out of the project is forgotten', async () => {
      const schedules = open();
      await schedules.tick();
      definitions = [{ ...daily, cron: '30 13 * * *', timezone: 'Europe/Rome' }];
      assert.deepEqual(
        (await schedules.list()).map(({ nextDue }) => nextDue),
        ['2026-03-01T12:30:00.000Z'],
      );
      definitions = [];
      assert.deepEqual(await schedules.list(), []);
      clock.advance(100 * hourMs);
      definitions = [daily];
      assert.deepEqual(await schedules.tick(), [], 'what it was before is nothing to make up for');
    });

    test('a time of day stays the same when clocks change; one that is skipped is due after it, one shown twice is due once', async () => {
      definitions = [{ ...daily, cron: '30 2 * * *', timezone: 'Europe/Rome' }];
      at('2026-03-27T12:00:00Z');
      const schedules = open();
      const due: (string | undefined)[] = [];
      const follow = async (times: number): Promise<void> => {
        for (let index = 0; index < times; index++) {
          const [{ nextDue = '' }] = await schedules.list();
          due.push(nextDue);
          at(nextDue);
          for (const { id } of await schedules.tick()) end(id);
        }
      };
      await follow(3);
      definitions = [{ ...daily, cron: '30 2 * * *', timezone: 'Europe/Rome', run: 'build' }];
      at('2026-10-24T12:00:00Z');
      await follow(2);
      assert.deepEqual(due, [
        '2026-03-28T01:30:00.000Z',
        '2026-03-29T01:00:00.000Z',
        '2026-03-30T00:30:00.000Z',
        '2026-10-25T00:30:00.000Z',
        '2026-10-26T01:30:00.000Z',
      ]);
    });
  });
}
