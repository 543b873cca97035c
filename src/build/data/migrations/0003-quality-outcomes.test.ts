import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openStore } from '#store';
import type { Tx } from '#store';
import { qualityOf } from '../data-store.ts';
import { datasets } from './0001-datasets.ts';
import { dataMigrations } from './index.ts';

const check = (name: string, severity: string, failing: number, score: number | null = 1) => ({
  name,
  score,
  weight: 1,
  severity,
  message: name,
  failing,
  examples: [],
});

interface Tables {
  dataset_quality_reports: { id: string; version: string; report: object };
}

describe('quality reports of before outcomes', () => {
  test('say in the migrated store what passed, warned and failed', async () => {
    await using store = await openStore({ url: 'sqlite::memory:', schema: 'gyre_data_test' });
    await store.migrate([{ room: 'data', migrations: [datasets] }]);
    const checks = [check('a', 'error', 2, 0.5), check('b', 'warning', 1, 0.9), check('c', 'info', 1, 0.8), check('d', 'info', 0, null)];
    const report = {
      id: 'r',
      dataset: 'v',
      characteristics: [{ name: 'accuracy', score: 0.7, checks }],
      violations: 1,
      createdAt: '2026-01-01T00:00:00.000Z',
    };
    await store.write(async (tx: Tx, old: object) => {
      await tx.tables<Tables>().insertInto('dataset_quality_reports').values({ id: 'r', version: 'v', report: old }).execute();
    }, report);
    await store.migrate([dataMigrations]);
    const found = await store.read((db) => qualityOf(db, { id: 'r' }));
    assert.deepEqual(
      found?.characteristics[0].checks.map(({ name, outcome, limits }) => [name, outcome, limits]),
      [
        ['a', 'fail', { fail: 1 }],
        ['b', 'warn', { warn: 1 }],
        ['c', 'pass', {}],
        ['d', 'unmeasured', {}],
      ],
    );
    assert.deepEqual([found?.outcome, found?.violations, found?.warnings, found?.rows], ['fail', 1, 1, 0]);
  });
});
