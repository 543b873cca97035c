import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accessMigrations, openAccess } from '#access';
import { countingIds, GyreError, manualClock, seeded } from '#core';
import { eventsMigrations, openEvents } from '#events';
import { openStore } from '#store';
import { createLogger } from '#telemetry';
import { keepTokensFresh } from './plane-tokens.ts';

const admin = { identity: 'id-0', name: 'root' };

/** The hashes that may infer at each renewal, from real tokens; `failures` are thrown by the first renewals. */
async function openBench(failures: readonly Error[] = []) {
  await using opened = new AsyncDisposableStack();
  const store = opened.use(await openStore({ url: 'sqlite::memory:' }));
  await store.migrate([eventsMigrations, accessMigrations]);
  const clock = manualClock(Date.UTC(2026, 0, 1));
  const random = seeded(4);
  const newId = countingIds('id');
  const events = opened.use(openEvents({ store, clock, newId, source: '/gyre/test' }));
  const randomBytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.int(256));
  const access = openAccess({ store, events, clock, newId, randomBytes });
  await access.createIdentity({ name: 'bea', roles: ['data-scientist'] }, admin);
  const renewals: number[] = [];
  const pending = [...failures];
  let told = Promise.withResolvers<void>();
  const release = {
    renewTokens: async () => {
      const failure = pending.shift();
      if (failure !== undefined) throw failure;
      renewals.push((await access.tokensWith('log')).hashes.length);
      told.resolve();
      told = Promise.withResolvers<void>();
    },
  };
  const log = createLogger({ level: 'silent', destination: process.stderr });
  const planesResumed = Promise.resolve();
  const closing = opened.move();
  return {
    access,
    clock,
    renewals,
    next: () => told.promise,
    keep: () => keepTokensFresh({ access, events, clock, log, release }, planesResumed),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

describe('tokens that may infer', () => {
  test('come to the data planes when one is issued, revoked, or its identity disabled', async () => {
    await using bench = await openBench();
    const { access, renewals } = bench;
    const first = bench.next();
    await using _kept = await bench.keep();
    await first;
    const after = async (change: () => Promise<unknown>): Promise<void> => {
      const told = bench.next();
      await change();
      await told;
    };
    const issue = () => access.issueToken({ identity: 'bea', label: 'x' }, admin);
    await after(issue);
    const { items } = { items: await access.listTokens('bea') };
    await after(issue);
    await after(() => access.revokeToken(items[0].id, admin));
    await after(() => access.setRoles('bea', ['stakeholder'], admin));
    await after(() => access.setRoles('bea', ['data-scientist'], admin));
    await after(() => access.disableIdentity('bea', admin));
    assert.deepEqual(renewals, [0, 1, 2, 1, 0, 1, 0]);
  });

  test('come to the data planes when one expires by itself', async () => {
    await using bench = await openBench();
    await bench.access.issueToken({ identity: 'bea', label: 'x', expiresInMs: 30 }, admin);
    const first = bench.next();
    await using _kept = await bench.keep();
    await first;
    const second = bench.next();
    bench.clock.advance(30);
    await second;
    assert.deepEqual(bench.renewals, [1, 0]);
  });

  test('are told again when a switch was under way', async () => {
    await using bench = await openBench([new GyreError('ABORTED', 'a switch is under way')]);
    const first = bench.next();
    await using _kept = await bench.keep();
    await first;
    assert.deepEqual(bench.renewals, [0]);
  });
});
