import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { EventTypes, PipelineRun } from '#contract';
import { countingIds, GyreError, systemClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import { openStore } from '#store';
import type { Store } from '#store';
import { openPipelines, pipelinesMigrations } from './index.ts';

describe('a pipeline run on a disk that fills up', () => {
  test('says why it does not go on instead of standing still for ever, and goes on when there is room', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-full-'));
    try {
      await using store = await openStore({ url: `sqlite:${join(folder, 'gyre.db')}` });
      await store.migrate([eventsMigrations, pipelinesMigrations]);
      let isFull = false;
      const limited: Store = {
        facts: store.facts,
        read: (query) => store.read(query),
        write: (write, args) =>
          isFull ? Promise.reject(new GyreError('RESOURCE_EXHAUSTED', 'the disk is full')) : store.write(write, args),
        migrate: (sets) => store.migrate(sets),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
      const newId = countingIds('id');
      await using events = openEvents<EventTypes>({ store, clock: systemClock, newId, source: '/gyre/test' });
      await using pipelines = openPipelines({ store: limited, events, clock: systemClock, newId, owner: 'a', leaseMs: 50 });
      let times = 0;
      pipelines.register({
        kind: 'fill',
        version: '1',
        cacheable: false,
        run: () => {
          isFull = ++times === 1;
          return Promise.resolve({ outputs: {}, summary: 'filled' });
        },
      });
      const by = { identity: 'ada', name: 'Ada' };
      const step = { name: 'fill', kind: 'fill', after: [], parameters: {}, inputs: {} };
      const { id } = await pipelines.submit({ pipeline: 'test', reason: 'a test', by, parameters: {}, steps: [step] });
      let run: PipelineRun;
      do run = await pipelines.get(id);
      while (run.stalled === undefined);
      assert.deepEqual([run.stalled, run.endedAt], ['the disk is full', undefined]);
      assert.equal((await pipelines.list({ limit: 1 })).items[0].stalled, 'the disk is full');

      isFull = false;
      const ended = await pipelines.wait(id);
      assert.deepEqual([ended.state, ended.stalled, times], ['succeeded', undefined, 2]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
