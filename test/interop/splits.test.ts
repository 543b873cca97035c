import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { EventTypes, Split, SplitReport, TableSchema } from '#contract';
import { countingIds, manualClock, seeded } from '#core';
import { dataMigrations, openData } from '#data';
import type { Data } from '#data';
import { eventsMigrations, openEvents } from '#events';
import { openStore } from '#store';
import { frameFromRecords, toRecords } from '#tables';
import { pythonMissing, runPython } from './python.ts';

interface Peer {
  readonly comparisons: Readonly<
    Record<string, Readonly<Record<string, { readonly p: number; readonly adjusted: number; readonly effect: number }>>>
  >;
  readonly declared: { readonly statistic: number; readonly p: number; readonly distance: number };
}

const start = Date.UTC(2026, 0, 1);
const random = seeded(77);
/** Later rows differ: by much, by little, or not at all; some values are missing, more often later on. */
const rows = Array.from({ length: 3000 }, (_, row) => {
  const age = row / 3000;
  const pick = (...values: readonly string[]): string => values[random.int(values.length)] ?? '';
  return {
    id: row,
    at: new Date(start + row * 3_600_000).toISOString(),
    steady: random.normal(),
    drifting: random.normal() + age,
    gone: random.next() < 0.05 + 0.1 * age ? null : Math.round(100 * random.normal()) / 100,
    few: random.int(8),
    kind: random.next() < 0.3 * age ? 'new' : pick('a', 'b', 'c'),
    rare: random.next() < 0.01 ? `r${random.int(12)}` : pick('x', 'y'),
    flag: random.next() < 0.5,
  };
});
const declared = { a: 0.35, b: 0.3, c: 0.25, new: 0.1 };
const kinds = {
  at: 'instants',
  steady: 'numbers',
  drifting: 'numbers',
  gone: 'numbers',
  few: 'names',
  kind: 'names',
  rare: 'names',
  flag: 'names',
} as const;
const by = { identity: 'ada', name: 'Ada' };

function close(actual: number | null | undefined, expected: number, what: string, tolerance = 1e-9): void {
  assert.ok(
    actual !== null && actual !== undefined && Math.abs(actual - expected) <= tolerance * Math.max(1e-3, Math.abs(expected)),
    `${what}: ours ${actual}, theirs ${expected}`,
  );
}

describe('whether a division is biased', { skip: pythonMissing }, () => {
  let folder: string;
  const opened = new AsyncDisposableStack();
  let data: Data;
  let version: string;
  let split: Split;
  let report: SplitReport;
  let peer: Peer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-splits-'));
    const store = opened.use(await openStore({ url: 'sqlite::memory:' }));
    await store.migrate([eventsMigrations, dataMigrations]);
    const clock = manualClock(start);
    const outbox = opened.use(openEvents<EventTypes>({ store, clock, newId: countingIds('event'), source: '/test' }));
    const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
    data = openData({ store, blobs, events: outbox, clock, newId: countingIds('id'), temporary: folder });
    const frame = frameFromRecords(rows, [
      { name: 'id', type: 'integer' },
      { name: 'at', type: 'instant' },
      { name: 'steady', type: 'number' },
      { name: 'drifting', type: 'number' },
      { name: 'gone', type: 'number' },
      { name: 'few', type: 'integer' },
      { name: 'kind', type: 'string' },
      { name: 'rare', type: 'string' },
      { name: 'flag', type: 'boolean' },
    ]);
    version = (await data.createFromRows({ dataset: 'd', frame, by })).version.digest;
    split = await data.split(version, {
      dataset: 'd',
      key: 'id',
      parts: { early: 0.5, middle: 0.3, late: 0.2 },
      salt: 's',
      strategy: { strategy: 'time', columns: ['at'] },
      by,
    });
    report = await data.splitReport(split.id);
    const parts = await Promise.all(split.parts.map(async ({ part, version: own }) => [part, toRecords(await data.open(own))] as const));
    peer = await runPython<Peer>('splits_peer.py', { parts: Object.fromEntries(parts), columns: kinds, declared, column: 'kind' });
  });
  after(async () => {
    await opened.disposeAsync();
    await rm(folder, { recursive: true });
  });

  test('is told by the p-values of scipy, column by column and part by part, with its distances', () => {
    assert.deepEqual(
      report.comparisons.map(({ name }) => name),
      ['middle', 'late'],
    );
    const seen = { differs: 0, alike: 0 };
    for (const { name, columns } of report.comparisons)
      for (const column of Object.keys(kinds)) {
        const ours = columns.find((each) => each.column === column);
        const theirs = peer.comparisons[name]?.[column];
        assert.ok(ours !== undefined && theirs !== undefined, `${name} ${column}`);
        close(ours.pValue, theirs.p, `${name} ${column} p`);
        close(ours.effect?.value, theirs.effect, `${name} ${column} effect`);
        seen[ours.differs ? 'differs' : 'alike'] += 1;
      }
    assert.ok(seen.differs >= 3 && seen.alike >= 6, JSON.stringify(seen));
  });

  test('is adjusted for the number of columns as scipy does it', () => {
    for (const { name, columns } of report.comparisons) {
      const tested = columns.filter(({ pValue }) => pValue !== null).map(({ column }) => column);
      assert.deepEqual([...tested].sort(), Object.keys(kinds).sort());
      for (const { column, adjusted } of columns) {
        const theirs = peer.comparisons[name]?.[column];
        if (theirs !== undefined) close(adjusted, theirs.adjusted, `${name} ${column}`);
      }
    }
  });

  test('and rows against declared shares are judged by scipy’s chi-squared', async () => {
    const schema: TableSchema = { columns: [{ name: 'kind', type: 'string', population: declared }] };
    const { characteristics } = await data.quality(version, { schema, by });
    const check = characteristics.flatMap(({ checks }) => checks).find(({ name }) => name === 'population: kind');
    close(check?.score, 1 - peer.declared.distance, 'score');
    const said = /chi-squared ([\d.]+), p < 0\.001/.exec(check?.message ?? '');
    assert.ok(Math.abs(Number(said?.[1]) - peer.declared.statistic) <= 0.05, check?.message ?? 'no such check');
    assert.ok(peer.declared.p < 0.001);
  });
});
