import type { CiRun } from '#contract';

/** A commit that failed, as it is reported. */
export const failedRun: CiRun = {
  id: 'ci-1',
  project: 'shop',
  commit: 'a1'.repeat(20),
  dirty: false,
  branch: 'feature',
  baseBranch: 'main',
  state: 'failed',
  pipelineRun: 'p-1',
  reason: 'CI',
  createdBy: { identity: 'i', name: 'ci' },
  createdAt: '2026-11-30T10:00:00.000Z',
  endedAt: '2026-11-30T10:00:09.000Z',
  report: {
    checks: [
      { part: 'data', name: 'customers: missing: <age>', verdict: 'passed', message: 'none is missing' },
      { part: 'data', name: 'customers: timeliness', verdict: 'not_judged', message: 'no column says when' },
      { part: 'steps', name: 'train', verdict: 'passed', message: 'done', ms: 1500 },
      { part: 'gates', name: 'accuracy >= 0.9', verdict: 'failed', message: 'accuracy is 0.8 | "wanted" is\nmore & more\u0007' },
      { part: 'comparison', name: 'accuracy may worsen by 0.01', verdict: 'failed', message: '0.8000 against 0.9000: worse by 0.1000' },
    ],
    base: { says: 'main at b2b2b2b2b2b2, its newest commit before this one', commit: 'b2'.repeat(20), sameReport: false, sameRows: true },
    metrics: [
      {
        name: 'accuracy',
        higherIsBetter: true,
        base: 0.9,
        here: 0.8,
        difference: -0.1,
        interval: { low: -0.2, high: -0.05, level: 0.95 },
        verdict: 'worse',
        mayWorsen: 0.01,
      },
      {
        name: 'log_loss',
        higherIsBetter: false,
        base: 0.4,
        here: 0.39,
        difference: -0.01,
        interval: { low: -0.03, high: 0.02, level: 0.95 },
        verdict: 'no_evidence',
      },
    ],
    slices: [{ column: 'plan', value: 'pro | @team', rows: 40, metric: 'accuracy', base: 0.9, here: 0.5 }],
    data: [
      {
        dataset: 'customers',
        version: 'c3'.repeat(32),
        rows: 90,
        baseVersion: 'd4'.repeat(32),
        baseRows: 100,
        changes: ['rows: 0 added, 10 removed'],
      },
    ],
    parameters: [{ name: 'l2', base: '1', here: '10' }],
    steps: [{ step: 'train', state: 'succeeded', ms: 1500, baseMs: 1000 }],
    curve: { base: [0, 0.9, 1], here: [0, 0.7, 1] },
    rows: 104,
    modelVersion: { id: 'v-2', model: 'shop', version: 2 },
  },
};
