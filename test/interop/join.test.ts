import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { EventTypes } from '#contract';
import { countingIds, manualClock, seeded } from '#core';
import { dataMigrations, openData } from '#data';
import type { Data } from '#data';
import { eventsMigrations, openEvents } from '#events';
import type { ResolvedJoinSide } from '#project';
import { openStore } from '#store';
import { createFrame, instantColumn, numberColumn, textColumn, toRecords } from '#tables';
import type { Frame, TableRecord } from '#tables';
import { pythonMissing, runPython } from './python.ts';

interface Peer {
  readonly latest: readonly (readonly [number | null, string | null])[];
  readonly latest_at: readonly (readonly [number | null, string | null])[];
  readonly latest_window: readonly (readonly [number | null, string | null])[];
  readonly figures: readonly Readonly<Record<string, number | string | null>>[];
}

const hourMs = 3_600_000;
const windowMs = 6 * hourMs;
const start = Date.UTC(2026, 0, 1);
const random = seeded(31);
// Few keys and whole hours, so that keys and instants meet often; some keys are on one side alone.
const base = Array.from({ length: 400 }, () => ({ id: random.int(25), at: start + random.int(200) * hourMs }));
const events = Array.from({ length: 3000 }, () => ({
  key: random.int(30) + 3,
  time: start + random.int(200) * hourMs,
  amount: random.next() < 0.1 ? null : 100 * random.normal(),
  label: random.next() < 0.1 ? null : `shop ${random.int(7)}`,
}));

const baseFrame = createFrame([
  { name: 'id', type: 'integer', column: numberColumn(Float64Array.from(base, ({ id }) => id)) },
  { name: 'at', column: instantColumn(Float64Array.from(base, ({ at }) => at)) },
]);
const eventsFrame = createFrame([
  { name: 'key', type: 'integer', column: numberColumn(Float64Array.from(events, ({ key }) => key)) },
  { name: 'time', column: instantColumn(Float64Array.from(events, ({ time }) => time)) },
  { name: 'amount', column: numberColumn(Float64Array.from(events, ({ amount }) => amount ?? Number.NaN)) },
  { name: 'label', column: textColumn(events.map(({ label }) => label)) },
]);

describe('joins by key and time', { skip: pythonMissing }, () => {
  let folder: string;
  const opened = new AsyncDisposableStack();
  let data: Data;
  let versions: Readonly<Record<'base' | 'events', string>>;
  let peer: Peer;
  const by = { identity: 'ada', name: 'Ada' };

  const joined = async (taken: ResolvedJoinSide['taken'], more: Partial<ResolvedJoinSide> = {}): Promise<readonly TableRecord[]> => {
    const side = {
      name: 'events',
      dataset: 'events',
      version: versions.events,
      key: 'key',
      time: 'time',
      bounds: 'before' as const,
      taken,
      ...more,
    };
    const request = { dataset: 'joined', base: 'base', version: versions.base, key: 'id', at: 'at', sides: [side], source: 'a join', by };
    return toRecords(await data.open((await data.join(request)).version.digest));
  };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-join-'));
    const store = opened.use(await openStore({ url: 'sqlite::memory:' }));
    await store.migrate([eventsMigrations, dataMigrations]);
    const clock = manualClock(start);
    const outbox = opened.use(openEvents<EventTypes>({ store, clock, newId: countingIds('event'), source: '/test' }));
    const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
    data = openData({ store, blobs, events: outbox, clock, newId: countingIds('id'), temporary: folder });
    const version = async (dataset: string, frame: Frame): Promise<string> =>
      (await data.createFromRows({ dataset, frame, by })).version.digest;
    versions = { base: await version('base', baseFrame), events: await version('events', eventsFrame) };
    peer = await runPython<Peer>('join_peer.py', { base, events, window_ms: windowMs });
  });
  after(async () => {
    await opened.disposeAsync();
    await rm(folder, { recursive: true });
  });

  const latest: ResolvedJoinSide['taken'] = {
    kind: 'latest',
    columns: [
      { name: 'amount', column: 'amount' },
      { name: 'label', column: 'label' },
    ],
  };
  const pairs = (rows: readonly TableRecord[]): readonly unknown[] => rows.map(({ amount, label }) => [amount, label]);

  test('the newest row before, or at, an instant is the one that pandas’ merge_asof takes, exactly', async () => {
    assert.deepEqual(pairs(await joined(latest)), peer.latest);
    assert.deepEqual(pairs(await joined(latest, { bounds: 'at' })), peer.latest_at);
    assert.deepEqual(pairs(await joined(latest, { windowMs })), peer.latest_window);
    assert.notDeepEqual(peer.latest, peer.latest_at, 'some instants meet');
    assert.notDeepEqual(peer.latest, peer.latest_window, 'some rows are too old');
  });

  test('figures over a window are those of pandas', async () => {
    const figure = (name: string, fn: 'sum' | 'mean' | 'std' | 'median' | 'min' | 'max' | 'count') => ({
      name,
      function: fn,
      column: 'amount',
    });
    const rows = await joined(
      {
        kind: 'aggregate',
        aggregates: [
          { name: 'visits', function: 'count' },
          figure('paid', 'count'),
          figure('spend', 'sum'),
          figure('mean', 'mean'),
          figure('std', 'std'),
          figure('median', 'median'),
          figure('least', 'min'),
          figure('most', 'max'),
          { name: 'labels', function: 'count_distinct', column: 'label' },
          { name: 'last_label', function: 'last', column: 'label' },
        ],
      },
      { windowMs },
    );
    assert.equal(rows.length, peer.figures.length);
    // Both sides add in float64, in different orders.
    const tolerance = 1e-12;
    for (const [index, expected] of peer.figures.entries()) {
      for (const [name, theirs] of Object.entries(expected)) {
        const ours = rows[index][name];
        const isClose =
          typeof ours === 'number' && typeof theirs === 'number'
            ? Math.abs(ours - theirs) <= tolerance * Math.max(100, Math.abs(theirs))
            : ours === theirs;
        assert.ok(isClose, `${name} of row ${index}: ours ${String(ours)}, theirs ${String(theirs)}`);
      }
    }
    assert.ok(rows.some(({ visits }) => visits === 0) && rows.some(({ visits }) => Number(visits) > 5));
  });
});
