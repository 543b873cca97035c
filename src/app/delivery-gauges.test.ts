import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeliveryMetrics } from '#contract';
import { createLogger, createMetrics } from '#telemetry';
import { gaugeDelivery } from './delivery-gauges.ts';

test('DORA’s figures stand in /metrics; what was not to be measured is NaN', async () => {
  const metrics = createMetrics();
  const figures: Partial<DeliveryMetrics> = { perWeek: 1.5, leadTimeMs: 90_000, changeFailureRate: 0.25, restoreMs: null };
  const release = {
    environments: () => Promise.resolve([{ name: 'production', position: 0, endpoint: 'churn', ready: true }]),
    delivery: ({ environment }: { readonly environment: string }) => Promise.resolve({ ...figures, environment } as DeliveryMetrics),
  };
  const { refresh } = gaugeDelivery({ release, metrics, log: createLogger({ level: 'silent', destination: process.stderr }) });
  await refresh();
  const text = metrics.expose();
  assert.match(text, /^gyre_deployments_per_week\{environment="production"\} 1\.5$/m);
  assert.match(text, /^gyre_lead_time_seconds\{environment="production"\} 90$/m);
  assert.match(text, /^gyre_change_failure_ratio\{environment="production"\} 0\.25$/m);
  assert.match(text, /^gyre_time_to_restore_seconds\{environment="production"\} NaN$/m);
});
