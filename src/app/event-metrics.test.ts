import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventType } from '#contract';
import { countingIds, manualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import { openStore, type Tx } from '#store';
import { createMetrics } from '#telemetry';
import { countEvents } from './event-metrics.ts';

describe('what happens in the loop', () => {
  test('is counted for /metrics: changes by their type, predictions and labels by their rows, from the start of the process on', async () => {
    await using store = await openStore({ url: 'sqlite::memory:' });
    await store.migrate([eventsMigrations]);
    const clock = manualClock(Date.UTC(2026, 0, 1));
    await using events = openEvents({ store, clock, newId: countingIds('id'), source: '/gyre/test' });
    const metrics = createMetrics();
    const where = { environment: 'production', endpoint: 'churn' };
    const publish = (rows: number): Promise<void> =>
      store.write(async (tx: Tx) => {
        const common = { subject: 'x', actor: 'gyre' };
        events.publish(tx, { ...common, type: eventType('predictions.ingested'), data: { ...where, rows, segment: 's' } });
        events.publish(tx, { ...common, type: eventType('labels.joined'), data: { ...where, rows: 1, unmatched: 0 } });
        events.publish(tx, { ...common, type: eventType('alert.acknowledged'), data: { id: 'a' } });
        await Promise.resolve();
      }, undefined);
    await publish(1000);
    const problems: unknown[] = [];
    await using _counting = await countEvents({ events, metrics }, (error) => problems.push(error));
    await publish(160);
    await publish(40);
    const predicted = 'gyre_predictions_total{environment="production",endpoint="churn"} 200';
    const acknowledged = 'gyre_events_total{type="dev.gyre.alert.acknowledged.v1"} 2';
    for (;;) {
      const text = metrics.expose();
      if (text.includes(predicted) && text.includes(acknowledged)) {
        assert.ok(text.includes('gyre_labels_total{environment="production",endpoint="churn"} 2'), text);
        break;
      }
      assert.deepEqual(problems, []);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
});
