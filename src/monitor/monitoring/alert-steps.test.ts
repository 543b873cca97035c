import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Window } from '#contract';
import { countingIds, isoInstant } from '#core';
import { alertSteps } from './alert-steps.ts';
import type { AlertContext, AlertStep } from './alert-steps.ts';
import { causeOf } from './cause.ts';
import type { Findings } from './findings.ts';
import type { JudgedWindow } from './judge-window.ts';
import type { AlertState } from './windows-store.ts';

const dayMs = 86_400_000;
const limits = { psi: 0.1, alpha: 0.01 };
const performance = {
  metric: 'accuracy',
  value: 0.46,
  interval: { low: 0.39, high: 0.54, level: 0.95 },
  limit: 0.73,
  atLeast: true,
  threshold: '>= 0.730 (0.9 of test)',
};
const column = (name: string, psi: number): { column: string; psi: number; adjustedPValue: number } => ({
  column: name,
  psi,
  adjustedPValue: 1e-9,
});
const drift = { columns: [column('InternetService', 0.41), column('MonthlyCharges', 0.33), column('tenure', 0.21)], of: 18 };

interface Given {
  readonly day: number;
  readonly findings?: Omit<Findings, 'limits'>;
  readonly version?: string;
  readonly generation?: number;
  readonly judged?: boolean;
  readonly recovered?: boolean;
}

function windowOf({ day, findings = {}, version = 'v1', generation = 1, judged = true, recovered = false }: Given): JudgedWindow {
  const start = Date.UTC(2026, 2, day);
  const window: Window = {
    id: `window-${day}`,
    environment: 'production',
    endpoint: 'churn',
    start: isoInstant(start),
    end: isoInstant(start + dayMs),
    revision: 1,
    modelVersions: [version],
    modelVersion: version,
    rows: 170,
    labelled: 0,
    latency: { p50Ms: 1, p99Ms: 2 },
    integrity: [],
    drift: [],
    driftedColumns: [],
    performance: [],
    judged,
    computedAt: isoInstant(start + dayMs),
  };
  return { window, findings: { limits, ...findings }, generation, recovered };
}

/** An endpoint's windows one after the other, with the memory that the store has. */
function endpoint(): {
  readonly see: (given: Given, before?: Findings) => readonly AlertStep[];
  readonly open: () => AlertState | undefined;
} {
  const newId = countingIds('alert');
  let open: AlertState | undefined;
  let newest: AlertContext['newest'];
  let settledFrom: number | undefined;
  const seen = new Map<number, Findings>();
  return {
    open: () => open,
    see: (given) => {
      const judged = windowOf(given);
      const steps = alertSteps(judged, { open, before: seen.get(given.day), newest, settledFrom, now: Date.UTC(2026, 5, 1), newId });
      seen.set(given.day, judged.findings);
      const generation = given.generation ?? 1;
      if (judged.window.judged && generation >= (newest?.generation ?? 0)) newest = { modelVersion: given.version ?? 'v1', generation };
      for (const step of steps) {
        open = step.kind === 'resolved' ? undefined : step.state;
        if (step.kind === 'resolved') settledFrom = step.settledFrom;
      }
      return steps;
    },
  };
}

const kinds = (steps: readonly AlertStep[]): string[] => steps.map(({ kind }) => kind);

describe('the alert of an endpoint', () => {
  test('is raised by the first window that crosses, and says what, how much and since when', () => {
    const { see, open } = endpoint();
    assert.deepEqual(see({ day: 4 }), []);
    assert.deepEqual(kinds(see({ day: 5, findings: { performance, drift } })), ['raised']);
    const alert = open()?.alert;
    assert.equal(
      alert?.cause,
      'accuracy 0.46 (95% 0.39–0.54) fell below 0.73 since 2026-03-05; InternetService (PSI 0.41), MonthlyCharges (0.33) and tenure (0.21) moved most',
    );
    assert.deepEqual([alert.kind, alert.metric, alert.observed, alert.windows], ['performance', 'accuracy', 0.46, 1]);
  });

  test('is not raised by a window that was not judged', () => {
    assert.deepEqual(endpoint().see({ day: 5, findings: { performance }, judged: false }), []);
  });

  test('grows graver when late labels show it, without counting a window twice', () => {
    const { see, open } = endpoint();
    see({ day: 5, findings: { drift } });
    see({ day: 6, findings: { drift } });
    assert.equal(
      open()?.alert.cause,
      '3 of 18 columns drifted since 2026-03-05: InternetService (PSI 0.41), MonthlyCharges (0.33) and tenure (0.21); no labels yet',
    );
    assert.deepEqual(kinds(see({ day: 5, findings: { drift, performance } })), ['updated']);
    assert.deepEqual([open()?.alert.kind, open()?.alert.windows, open()?.alert.lastWindow], ['performance', 2, 'window-6']);
    assert.deepEqual(see({ day: 5, findings: { drift, performance } }), [], 'nothing new');
    see({ day: 7, findings: { drift } });
    assert.deepEqual(
      [open()?.alert.kind, open()?.alert.windows, open()?.alert.observed],
      ['performance', 3, 0.46],
      'it never becomes less grave',
    );
  });

  test('begins earlier when late labels show that an earlier window had crossed', () => {
    const { see, open } = endpoint();
    see({ day: 4 });
    see({ day: 5, findings: { drift } });
    see({ day: 4, findings: { performance } });
    assert.deepEqual(
      [open()?.alert.since.slice(0, 10), open()?.alert.firstWindow, open()?.alert.lastWindow, open()?.alert.windows],
      ['2026-03-04', 'window-4', 'window-5', 2],
    );
  });

  test('that is about actuals ends only when labels say so; one about drift when nothing drifts', () => {
    const about = endpoint();
    about.see({ day: 5, findings: { performance } });
    assert.deepEqual(about.see({ day: 6 }), []);
    assert.deepEqual(kinds(about.see({ day: 6, recovered: true })), ['resolved']);
    const drifting = endpoint();
    drifting.see({ day: 5, findings: { drift } });
    assert.deepEqual(kinds(drifting.see({ day: 6 })), ['resolved']);
    assert.deepEqual(drifting.see({ day: 5, findings: { drift, performance } }), [], 'what came before its end is settled');
  });

  test('an older window that is fine does not end it', () => {
    const { see } = endpoint();
    see({ day: 6, findings: { drift } });
    assert.deepEqual(see({ day: 5, recovered: true }), []);
  });

  test('of a version that was replaced ends, and the new version gets one of its own when it crosses too', () => {
    const { see, open } = endpoint();
    see({ day: 5, findings: { performance } });
    assert.deepEqual(kinds(see({ day: 8, version: 'v2', generation: 2, findings: { drift } })), ['resolved', 'raised']);
    assert.equal(open()?.alert.modelVersion, 'v2');
    assert.deepEqual(see({ day: 7, findings: { performance } }), [], 'late labels of the old version are about the past');
  });

  test('late labels of a replaced version raise none', () => {
    const { see } = endpoint();
    see({ day: 5 });
    see({ day: 6, version: 'v2', generation: 2 });
    assert.deepEqual(see({ day: 5, findings: { performance } }), []);
  });

  test('the same version released again goes on with its alert', () => {
    const { see, open } = endpoint();
    see({ day: 5, findings: { drift } });
    assert.deepEqual(kinds(see({ day: 6, generation: 3, findings: { drift } })), ['updated']);
    assert.equal(open()?.generation, 3);
  });
});

describe('the cause of an alert', () => {
  const about = { environment: 'production', endpoint: 'churn', since: '2026-03-05T06:00:00.000Z', windowMs: 3_600_000 };
  test('names the hour where windows are shorter than a day', () => {
    assert.match(causeOf('performance', about, { limits, performance }), /since 2026-03-05T06:00Z; no column drifted/);
  });
  test('speaks of errors that rose, of metrics that hold, of broken columns and of slowness', () => {
    const rmse = { ...performance, metric: 'rmse', atLeast: false, limit: 2 };
    assert.match(causeOf('performance', about, { limits, performance: rmse }), /^rmse 0\.46 .* rose above 2\.00/);
    const holds = [{ metric: 'accuracy', value: 0.78, threshold: '>= 0.730' }];
    assert.match(causeOf('drift', about, { limits, drift, holds }), /; accuracy 0\.78 still meets >= 0\.730$/);
    const integrity = [{ kind: 'missing', column: 'TotalCharges', rows: 20, share: 0.12, example: null } as const];
    assert.equal(causeOf('integrity', about, { limits, integrity }), 'TotalCharges is missing in 12 % of the rows since 2026-03-05T06:00Z');
    assert.match(causeOf('latency', about, { limits, latency: { p99Ms: 71.3, limitMs: 50 } }), /takes 71\.3 ms or more, 50 ms are allowed/);
  });
});
