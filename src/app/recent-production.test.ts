import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { RecentQuery, RecentRequests } from '#monitoring';
import { loadProject } from '#project';
import { createFrame } from '#tables';
import { recentProduction } from './recent-production.ts';

describe('what production saw lately', () => {
  test('is asked of the project’s endpoint where versions come last, in bounded number', async () => {
    const project = await loadProject(join(import.meta.dirname, '../../examples/churn'));
    const asked: RecentQuery[] = [];
    const recentRequests = (query: RecentQuery): Promise<RecentRequests> => {
      asked.push(query);
      return Promise.resolve({ frame: createFrame([], 0), predicted: [], scores: [], actuals: [], at: [] });
    };
    const columns = [{ name: 'tenure', type: 'integer' as const }];
    await recentProduction({ current: () => project }, () => ({ recentRequests }))({ columns, from: Date.UTC(2026, 0, 2) });
    assert.deepEqual(asked, [{ environment: 'production', endpoint: 'churn', from: '2026-01-02T00:00:00.000Z', columns, limit: 5000 }]);
  });
});
