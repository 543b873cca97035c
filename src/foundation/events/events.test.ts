import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { sql } from 'kysely';
import { countingIds, hasCode, manualClock } from '#core';
import { openStore } from '#store';
import type { MigrationSet, Store, Tx } from '#store';
import { eventsMigrations, openEvents } from './index.ts';
import type { EventProblem, Events } from './index.ts';

interface TestEvents {
  'dev.gyre.thing.made.v1': { id: number };
  'dev.gyre.thing.broken.v1': { id: number; why: string };
}

interface Tables {
  seen: { position: number; id: number };
}

const seenMigrations: MigrationSet = {
  room: 'seen',
  migrations: [
    {
      id: '0001-seen',
      async up({ schema, types }) {
        await schema.createTable('seen').addColumn('position', types.integer).addColumn('id', types.integer).execute();
      },
    },
  ],
};

const postgresUrl = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

async function whyNoPostgres(): Promise<string | false> {
  try {
    await using _store = await openStore({ url: postgresUrl, schema: 'public' });
    return false;
  } catch (error) {
    return `no PostgreSQL answers (${String(error)}); GYRE_TEST_POSTGRES names one`;
  }
}

const made = (id: number) => ({ type: 'dev.gyre.thing.made.v1', subject: `thing-${id}`, data: { id }, actor: 'ann' }) as const;

function eventsSuite(name: string, url: () => { readonly url: string; readonly schema: string }, skip: string | false): void {
  describe(`events on ${name}`, { skip }, () => {
    const clock = manualClock(Date.parse('2026-11-21T10:00:00.000Z'));
    let store: Store;
    let events: Events<TestEvents>;
    let problems: EventProblem[];
    let place: { readonly url: string; readonly schema: string };
    const open = (over: Store, ids: string): Events<TestEvents> =>
      openEvents<TestEvents>({
        store: over,
        clock,
        newId: countingIds(ids),
        source: '/gyre/test',
        pollMs: 20,
        retryMs: 1,
        report: (problem) => problems.push(problem),
      });
    const publish = (id: number): Promise<string> => store.write((tx) => Promise.resolve(events.publish(tx, made(id))), undefined);
    const note = (tx: Tx, event: { readonly position: number; readonly data: { readonly id: number } }): Promise<void> =>
      tx
        .tables<Tables>()
        .insertInto('seen')
        .values({ position: event.position, id: event.data.id })
        .execute()
        .then(() => undefined);
    const seenIds = async (): Promise<readonly number[]> => {
      const rows = await store.read((db) => db.tables<Tables>().selectFrom('seen').selectAll().orderBy('position').execute());
      return rows.map(({ id }) => id);
    };

    beforeEach(async () => {
      place = url();
      problems = [];
      store = await openStore(place);
      await store.migrate([eventsMigrations, seenMigrations]);
      events = open(store, 'event');
    });
    afterEach(async () => {
      await events[Symbol.asyncDispose]();
      if (store.facts.sharedBetweenMachines)
        await store.write((tx) => sql`drop schema ${sql.id(place.schema)} cascade`.execute(tx.tables()), undefined);
      await store[Symbol.asyncDispose]();
    });

    test('an event is a CloudEvent with our extensions', async () => {
      await store.write(
        (tx) =>
          Promise.resolve(
            events.publish(tx, { ...made(7), project: 'churn', reason: 'because', traceparent: '00-a-b-01', causationId: 'event-0' }),
          ),
        undefined,
      );
      assert.deepEqual(await events.read(), [
        {
          specversion: '1.0',
          id: 'event-1',
          source: '/gyre/test',
          type: 'dev.gyre.thing.made.v1',
          subject: 'thing-7',
          time: '2026-11-21T10:00:00.000Z',
          datacontenttype: 'application/json',
          data: { id: 7 },
          position: 1,
          actor: 'ann',
          project: 'churn',
          reason: 'because',
          traceparent: '00-a-b-01',
          causationid: 'event-0',
        },
      ]);
    });

    test('an event of a change that failed was never there', async () => {
      const failing = store.write((tx) => {
        events.publish(tx, made(1));
        return Promise.reject(new Error('no change'));
      }, undefined);
      await assert.rejects(failing, /no change/);
      assert.deepEqual(await events.read(), []);
      assert.equal(await events.lastPosition(), 0);
    });

    test('reads by position, type, subject and page', async () => {
      for (let id = 1; id <= 5; id++) await publish(id);
      await store.write(
        (tx) =>
          Promise.resolve(
            events.publish(tx, { type: 'dev.gyre.thing.broken.v1', subject: 'thing-2', data: { id: 2, why: 'fell' }, actor: 'bob' }),
          ),
        undefined,
      );
      assert.deepEqual(
        (await events.read({ limit: 2 })).map(({ subject }) => subject),
        ['thing-1', 'thing-2'],
      );
      const [, second] = await events.read({ limit: 2 });
      assert.deepEqual(
        (await events.read({ after: second.position, limit: 2 })).map(({ subject }) => subject),
        ['thing-3', 'thing-4'],
      );
      const [broken] = await events.read({ types: ['dev.gyre.thing.broken.v1'] });
      assert.equal(broken.data.why, 'fell');
      assert.deepEqual(
        (await events.read({ subject: 'thing-2' })).map(({ type }) => type),
        ['dev.gyre.thing.made.v1', 'dev.gyre.thing.broken.v1'],
      );
      assert.deepEqual(await events.read({ types: [] }), []);
    });

    test('a subscriber gets every event once, in order: those from before and those that come', async () => {
      for (let id = 1; id <= 3; id++) await publish(id);
      const subscription = await events.subscribe({ name: 'noter', types: ['dev.gyre.thing.made.v1'], handle: note });
      await Promise.all(Array.from({ length: 150 }, (_, i) => publish(i + 4)));
      await subscription.caughtUp();
      const published = (await events.read({ limit: 1000 })).map(({ data }) => data.id);
      assert.equal(published.length, 153);
      assert.deepEqual(await seenIds(), published);
    });

    test('a cursor outlives its process; another name begins anew, or now', async () => {
      await publish(1);
      const before = await events.subscribe({ name: 'noter', handle: note });
      await before.caughtUp();
      await before[Symbol.asyncDispose]();
      await publish(2);
      const after = await events.subscribe({ name: 'noter', handle: note });
      await after.caughtUp();
      assert.deepEqual(await seenIds(), [1, 2]);
      const late: number[] = [];
      const effect = (event: { readonly data: { readonly id: number } }): Promise<void> => Promise.resolve(void late.push(event.data.id));
      const now = await events.subscribe({ name: 'late', from: 'now', effect });
      await publish(3);
      await now.caughtUp();
      assert.deepEqual(late, [3]);
    });

    test('two processes under one name handle each event once', async () => {
      await using otherStore = await (store.facts.sharedBetweenMachines ? openStore(place) : Promise.resolve({ ...shared(store) }));
      await using other = open(otherStore, 'other');
      const one = await events.subscribe({ name: 'noter', handle: note });
      const two = await other.subscribe({ name: 'noter', handle: note });
      await Promise.all(Array.from({ length: 60 }, (_, i) => publish(i)));
      await Promise.all([one.caughtUp(), two.caughtUp()]);
      assert.equal((await seenIds()).length, 60);
      assert.equal(new Set(await seenIds()).size, 60);
      assert.deepEqual(problems, []);
    });

    test('an effect in the store that fails half-way leaves nothing, is tried again, and happens once', async () => {
      let failures = 2;
      const subscription = await events.subscribe({
        name: 'shaky',
        handle: async (tx, event) => {
          await note(tx, event);
          if (event.data.id === 2 && failures-- > 0) throw new Error('not now');
        },
      });
      for (let id = 1; id <= 3; id++) await publish(id);
      await subscription.caughtUp();
      assert.deepEqual(await seenIds(), [1, 2, 3]);
      assert.deepEqual(await events.parked(), []);
    });

    test('an event that cannot be taken is parked and reported, and the ones behind it go on', async () => {
      let mended = false;
      const subscription = await events.subscribe({
        name: 'picky',
        maxTries: 3,
        handle: async (tx, event) => {
          if (event.data.id === 2 && !mended) throw new Error('I cannot take 2');
          await note(tx, event);
        },
      });
      for (let id = 1; id <= 4; id++) await publish(id);
      await subscription.caughtUp();
      assert.deepEqual(await seenIds(), [1, 3, 4]);
      const [parked] = await events.parked();
      const expected = {
        subscriber: 'picky',
        eventId: 'event-2',
        type: 'dev.gyre.thing.made.v1',
        tries: 3,
        error: 'I cannot take 2',
        parkedAt: '2026-11-21T10:00:00.000Z',
      };
      assert.deepEqual(parked, { ...expected, position: parked.position });
      assert.deepEqual(
        problems.map((problem) => problem.parked),
        [parked],
      );
      await assert.rejects(events.retryParked('picky', parked.position), /I cannot take 2/);
      mended = true;
      await events.retryParked('picky', parked.position);
      assert.deepEqual(await seenIds(), [1, 2, 3, 4]);
      assert.deepEqual(await events.parked(), []);
      await assert.rejects(events.retryParked('picky', parked.position), (error) => hasCode(error, 'NOT_FOUND'));
      await assert.rejects(events.retryParked('nobody', 1), (error) => hasCode(error, 'FAILED_PRECONDITION'));
    });

    test('an effect outside is done before the cursor moves, so again after a failure', async () => {
      const done: number[] = [];
      let failed = false;
      const subscription = await events.subscribe({
        name: 'webhook',
        effect: (event) => {
          done.push(event.data.id);
          if (event.data.id !== 1 || failed) return Promise.resolve();
          failed = true;
          return Promise.reject(new Error('the other side hung up'));
        },
      });
      await publish(1);
      await publish(2);
      await subscription.caughtUp();
      assert.deepEqual(done, [1, 1, 2]);
    });

    test('a name is used once per process, and is free again when it is stopped', async () => {
      const one = await events.subscribe({ name: 'noter', handle: note });
      await assert.rejects(events.subscribe({ name: 'noter', handle: note }), (error) => hasCode(error, 'ALREADY_EXISTS'));
      await one[Symbol.asyncDispose]();
      await events.subscribe({ name: 'noter', handle: note });
    });

    test('a tail gives what is there, then what comes, and ends with its signal', async () => {
      await publish(1);
      await publish(2);
      const end = new AbortController();
      const got: number[] = [];
      for await (const event of events.tail({ after: 1, signal: end.signal })) {
        got.push(event.data.id);
        if (event.data.id === 2) void publish(3).then(() => publish(4));
        if (event.data.id === 4) end.abort();
      }
      assert.deepEqual(got, [2, 3, 4]);
    });

    test('a subscriber that gathers takes a burst in order in few transactions, each event once', async () => {
      const transactions = new Set<Tx>();
      const handle = (tx: Tx, event: Parameters<typeof note>[1]): Promise<void> => note(transactions.add(tx) && tx, event);
      const subscription = await events.subscribe({ name: 'gatherer', handle, gatherMs: 200 });
      for (let id = 0; id < 20; id++) await publish(id);
      await subscription.caughtUp();
      assert.deepEqual(await seenIds(), [...Array(20).keys()]);
      assert.ok(transactions.size <= 3, `${transactions.size} transactions`);
    });

    test('a tail that gathers gives a burst in order, and nothing twice', async () => {
      const end = new AbortController();
      const got: number[] = [];
      const listening = (async () => {
        for await (const event of events.tail({ after: 0, signal: end.signal, gatherMs: 5 })) {
          got.push(event.data.id);
          if (event.data.id === 30) end.abort();
        }
      })();
      for (let id = 1; id <= 30; id++) await publish(id);
      await listening;
      assert.deepEqual(
        got,
        Array.from({ length: 30 }, (_, i) => i + 1),
      );
    });

    test('a subscriber of few types passes over many others, and hears of its own at once', async () => {
      const reads: number[] = [];
      const counted: Store = {
        ...shared(store),
        read: (query) => {
          reads.push(1);
          return store.read(query);
        },
      };
      await using own = openEvents<TestEvents>({ store: counted, clock, newId: countingIds('own'), source: '/gyre/test', pollMs: 600_000 });
      const got: number[] = [];
      const subscription = await own.subscribe({
        name: 'few',
        types: ['dev.gyre.thing.broken.v1'],
        effect: ({ data }) => Promise.resolve(void got.push(data.id)),
      });
      await subscription.caughtUp();
      const before = reads.length;
      const write = (type: 'made' | 'broken', id: number): Promise<string> =>
        store.write((tx) => {
          const common = { subject: `thing-${id}`, actor: 'ann' };
          return Promise.resolve(
            type === 'made'
              ? own.publish(tx, { ...common, type: 'dev.gyre.thing.made.v1', data: { id } })
              : own.publish(tx, { ...common, type: 'dev.gyre.thing.broken.v1', data: { id, why: 'fell' } }),
          );
        }, undefined);
      for (let id = 1; id <= 50; id++) await write('made', id);
      await turn();
      assert.equal(reads.length, before, 'other types do not wake it');
      await write('broken', 51);
      await subscription.caughtUp();
      for (let id = 52; id <= 60; id++) await write(id % 2 === 0 ? 'broken' : 'made', id);
      await subscription.caughtUp();
      assert.deepEqual(got, [51, 52, 54, 56, 58, 60]);
    });

    test('a tail hears of events that another store committed', async () => {
      await using otherStore = await (store.facts.sharedBetweenMachines ? openStore(place) : Promise.resolve({ ...shared(store) }));
      await using other = open(otherStore, 'other');
      const end = new AbortController();
      const tail = events.tail({ after: 0, signal: end.signal })[Symbol.asyncIterator]();
      const next = tail.next();
      await turn();
      await otherStore.write((tx) => Promise.resolve(other.publish(tx, made(9))), undefined);
      const heard = await next;
      assert.equal(heard.done === true ? undefined : heard.value.data.id, 9);
      end.abort();
    });

    test('whoever reads on from the last position never misses a lower one that was committed later', async () => {
      const seen: number[] = [];
      let position = 0;
      let publishing = true;
      const reader = (async () => {
        while (publishing) {
          // Reads of SQLite are done in microtasks: without a turn of the event loop nobody else would get one.
          await turn();
          for (const event of await events.read({ after: position, limit: 1000 })) {
            position = event.position;
            seen.push(event.data.id);
          }
        }
      })();
      await Promise.all(Array.from({ length: 200 }, (_, i) => publish(i)));
      publishing = false;
      await reader;
      for (const event of await events.read({ after: position, limit: 1000 })) seen.push(event.data.id);
      assert.deepEqual(
        seen.toSorted((left, right) => left - right),
        Array.from({ length: 200 }, (_, i) => i),
      );
    });
  });
}

/** The same store under a face that does not close it: SQLite's second process would be refused by the owner's lock. */
function shared(store: Store): Store {
  return {
    facts: store.facts,
    write: (write, args) => store.write(write, args),
    read: (query) => store.read(query),
    migrate: (sets) => store.migrate(sets),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

eventsSuite('SQLite', () => ({ url: 'sqlite::memory:', schema: '' }), false);
const skipPostgres = await whyNoPostgres();
eventsSuite('PostgreSQL', () => ({ url: postgresUrl, schema: `gyre_test_${randomUUID().replaceAll('-', '')}` }), skipPostgres);

describe('events on PostgreSQL with two open transactions', { skip: skipPostgres }, () => {
  test('the second to publish waits until the first has committed, so positions appear in order', async () => {
    const schema = `gyre_test_${randomUUID().replaceAll('-', '')}`;
    await using store = await openStore({ url: postgresUrl, schema });
    const letFirstCommit = Promise.withResolvers<void>();
    try {
      await store.migrate([eventsMigrations]);
      const events = openEvents<TestEvents>({ store, clock: manualClock(0), newId: countingIds('e'), source: '/t' });
      const firstHasPublished = Promise.withResolvers<void>();
      const order: string[] = [];
      const first = store
        .write(async (tx) => {
          events.publish(tx, made(1));
          // Steps run in the order they were added: this one holds the transaction open after the event was written.
          tx.beforeCommit('hold', () => {
            firstHasPublished.resolve();
            return letFirstCommit.promise;
          });
        }, undefined)
        .then(() => order.push('first'));
      await firstHasPublished.promise;
      const second = store.write((tx) => Promise.resolve(events.publish(tx, made(2))), undefined).then(() => order.push('second'));
      // The second one is seen waiting for the lock; without the lock it would commit and this would never be true.
      await until(async () => (await waitingLocks(store)) > 0);
      assert.deepEqual(await events.read(), []);
      letFirstCommit.resolve();
      await Promise.all([first, second]);
      assert.deepEqual(order, ['first', 'second']);
      assert.deepEqual(
        (await events.read()).map(({ data }) => data.id),
        [1, 2],
      );
    } finally {
      letFirstCommit.resolve();
      await store.write((tx) => sql`drop schema ${sql.id(schema)} cascade`.execute(tx.tables()), undefined);
    }
  });
});

async function waitingLocks(store: Store): Promise<number> {
  const { rows } = await store.read((db) =>
    sql<{ n: number }>`select count(*) as n from pg_locks where locktype = 'advisory' and not granted`.execute(db.tables()),
  );
  return rows[0].n;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) if (await condition()) return;
  assert.fail('what was waited for did not happen');
}
