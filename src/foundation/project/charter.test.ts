import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Charter } from '#contract';
import { countingIds, hasCode, manualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import { openStore } from '#store';
import { openCharter, projectMigrations } from './index.ts';

const charter = (threshold: string): Charter => ({ problem: 'who leaves', owner: 'Ada', success: { roc_auc: threshold } });
const ada = { identity: 'id-1', name: 'ada' };

describe('recording a charter', () => {
  test('makes a version of each change of its words, and none of the same words', async () => {
    await using store = await openStore({ url: 'sqlite::memory:' });
    await store.migrate([eventsMigrations, projectMigrations]);
    const clock = manualClock(Date.UTC(2026, 0, 1));
    await using events = openEvents({ store, clock, newId: countingIds('event'), source: '/gyre/test' });
    const book = openCharter({ store, events, clock });

    const first = await book.record('small', charter('>= 0.8'), ada);
    const same = await book.record('small', charter('>= 0.8'), ada);
    const second = await book.record('small', charter('>= 0.9'), ada);
    const back = await book.record('small', charter('>= 0.8'), ada);
    const elsewhere = await book.record('other', charter('>= 0.8'), ada);

    assert.deepEqual([first.version, same.version, second.version, back.version, elsewhere.version], [1, 1, 2, 1, 1]);
    assert.equal(first.recordedAt, '2026-01-01T00:00:00.000Z');
    assert.deepEqual(
      (await book.list('small')).map(({ version }) => version),
      [2, 1],
    );
    assert.deepEqual(await book.get('small', second.digest), second);
    const told = await events.read({ types: ['dev.gyre.charter.recorded.v1'] });
    assert.deepEqual(
      told.map(({ data, actor, project }) => [data, actor, project]),
      [
        [{ digest: first.digest, version: 1 }, 'id-1', 'small'],
        [{ digest: second.digest, version: 2 }, 'id-1', 'small'],
        [{ digest: first.digest, version: 1 }, 'id-1', 'other'],
      ],
    );
  });

  test('is one version when two record the same words at once', async () => {
    await using store = await openStore({ url: 'sqlite::memory:' });
    await store.migrate([eventsMigrations, projectMigrations]);
    const clock = manualClock(0);
    await using events = openEvents({ store, clock, newId: countingIds('event'), source: '/gyre/test' });
    const book = openCharter({ store, events, clock });
    const versions = await Promise.all([1, 2, 3].map(() => book.record('small', charter('>= 0.8'), ada)));
    assert.deepEqual(new Set(versions.map(({ version }) => version)), new Set([1]));
    assert.equal((await events.read({})).length, 1);
  });

  test('that was never recorded is not found, and the known ones are named', async () => {
    await using store = await openStore({ url: 'sqlite::memory:' });
    await store.migrate([eventsMigrations, projectMigrations]);
    const clock = manualClock(0);
    await using events = openEvents({ store, clock, newId: countingIds('event'), source: '/gyre/test' });
    const book = openCharter({ store, events, clock });
    await assert.rejects(
      book.get('small', 'f'.repeat(64)),
      (error) => hasCode(error, 'NOT_FOUND') && error.message.includes('recorded: none'),
    );
  });

  test('is confirmed by name for its very words: only what is recorded, and each confirmation stays', async () => {
    await using store = await openStore({ url: 'sqlite::memory:' });
    await store.migrate([eventsMigrations, projectMigrations]);
    const clock = manualClock(Date.UTC(2026, 0, 1));
    await using events = openEvents({ store, clock, newId: countingIds('event'), source: '/gyre/test' });
    const book = openCharter({ store, events, clock });
    const by = { identity: 'bea', name: 'Bea' };
    const words = { problem: 'p', owner: 'o', success: { accuracy: '>= 0.8' } };
    await assert.rejects(book.confirm({ project: 'x', charter: 'f'.repeat(64), data: {}, by }), { code: 'NOT_FOUND' });
    const { digest } = await book.record('x', words, by);
    const first = await book.confirm({ project: 'x', charter: digest, data: { d: 'a'.repeat(64) }, by, comment: 'yes' });
    const second = await book.confirm({ project: 'x', charter: digest, data: {}, by });
    assert.deepEqual(await book.confirmations('x'), [second, first]);
    assert.deepEqual(first.data, { d: 'a'.repeat(64) });
    assert.deepEqual(await book.confirmations('another'), []);
  });
});
