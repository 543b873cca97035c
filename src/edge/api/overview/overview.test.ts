import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { Station, Waiting } from '#contract';
import type { Alert, Deployment, EnvironmentState, ModelVersion, PipelineRun, Readiness, TestReport, Window } from '#contract';
import { dataStation, testStation, trainingStation } from './build-stations.ts';
import { certificateStation, releaseStation } from './deploy-stations.ts';
import type { LoopFacts } from './facts.ts';
import { actionStation, liveStation } from './monitor-stations.ts';
import { waitingOf } from './waiting.ts';

const by = { identity: 'ada', name: 'Ada' };
const at = '2026-03-01T00:00:00.000Z';
const digest = 'ab'.repeat(32);

const version = (number: number): ModelVersion => ({
  id: `v${number}`,
  model: 'churn',
  version: number,
  source: 'runs:/r1',
  description: '',
  stage: 'None',
  package: digest,
  files: [],
  signature: { task: 'binary', inputs: [], outputs: [], classes: ['No', 'Yes'] },
  run: 'r1',
  testReport: 't1',
  testsPassed: true,
  charter: digest,
  aliases: [],
  tags: {},
  createdAt: at,
  updatedAt: at,
  createdBy: by,
});
const deployment = (modelVersion: string, state: Deployment['state'] = 'live'): Deployment => ({
  id: `d-${modelVersion}`,
  environment: 'production',
  endpoint: 'churn',
  generation: 1,
  modelVersion,
  package: digest,
  state,
  reason: 'the first model',
  approvals: ['a1'],
  deployedBy: by,
  deployedAt: at,
});
const environment = (name: string, position: number, live?: string): EnvironmentState => ({
  name,
  position,
  endpoint: 'churn',
  ready: true,
  ...(live === undefined ? {} : { live: deployment(live) }),
});
const ready = (name: string, ...missing: Readiness['missing']): Readiness => ({
  modelVersion: 'v1',
  environment: name,
  ready: missing.length === 0,
  missing,
});
const report = (changes: Partial<TestReport> = {}): TestReport => ({
  id: 't1',
  digest,
  run: 'r1',
  task: 'binary',
  dataset: digest,
  rows: 986,
  metrics: [{ name: 'roc_auc', value: 0.84, interval: { low: 0.82, high: 0.86, level: 0.95 }, higherIsBetter: true }],
  slices: [],
  parts: [],
  importance: [],
  warnings: [],
  gates: [{ name: 'roc_auc >= 0.8', passed: true, observed: 0.84, wanted: '>= 0.8', message: 'roc_auc is 0.84' }],
  passed: true,
  charter: digest,
  createdAt: at,
  ...changes,
});
const window = (day: number, accuracy: number | null): Window => ({
  id: `w${day}`,
  environment: 'production',
  endpoint: 'churn',
  start: `2026-03-0${day}T00:00:00.000Z`,
  end: `2026-03-0${day + 1}T00:00:00.000Z`,
  revision: 1,
  modelVersions: ['v1'],
  rows: 170,
  labelled: accuracy === null ? 0 : 170,
  latency: { p50Ms: 1, p99Ms: 3 },
  integrity: [],
  drift: [],
  driftedColumns: accuracy !== null && accuracy < 0.7 ? ['Contract'] : [],
  performance: [{ name: 'accuracy', value: accuracy, threshold: '>= 0.729 (0.9 of test)', met: accuracy === null || accuracy >= 0.729 }],
  judged: true,
  computedAt: at,
});
const alert = (changes: Partial<Alert> = {}): Alert => ({
  id: 'al1',
  kind: 'performance',
  state: 'open',
  environment: 'production',
  endpoint: 'churn',
  modelVersion: 'v1',
  title: 'accuracy of "churn" fell',
  cause: 'accuracy is 0.61 since Tuesday; Contract moved most',
  observed: 0.61,
  threshold: '>= 0.729',
  columns: [],
  since: at,
  firstWindow: 'w1',
  lastWindow: 'w1',
  windows: 1,
  raisedAt: at,
  ...changes,
});
const facts = (changes: Partial<LoopFacts> = {}): LoopFacts => ({
  model: 'churn',
  isChallenger: false,
  approvals: [],
  environments: [environment('test', 0), environment('production', 1)],
  readiness: [ready('test'), ready('production')],
  windows: [],
  alerts: [],
  actions: [],
  ...changes,
});
const shown = (station: Station): Station => {
  assert.deepEqual([...Value.Errors(Station, station)], []);
  return station;
};

describe('a station of the loop', () => {
  test('is off while nothing has happened there', () => {
    const nothing = facts({ environments: [] });
    const stations = [
      dataStation(nothing),
      trainingStation(nothing, []),
      testStation(nothing),
      certificateStation(nothing),
      releaseStation(nothing),
      liveStation(nothing),
      actionStation(nothing),
    ];
    assert.deepEqual(
      stations.map((station) => shown(station).state),
      Array.from({ length: 7 }, () => 'off'),
    );
  });

  test('training tells of a pipeline that is running, and of one that failed, with the step', () => {
    const pipeline = (state: PipelineRun['state'], step: PipelineRun['steps'][number]['state']): PipelineRun => ({
      id: 'p1',
      pipeline: 'build',
      state,
      parameters: {},
      reason: 'by hand',
      createdBy: by,
      createdAt: at,
      steps: [
        {
          id: 's1',
          pipelineRun: 'p1',
          step: 'ingest',
          kind: 'data.ingest',
          state: step,
          after: [],
          attempt: 1,
          inputs: {},
          error: 'no such file',
        },
      ],
    });
    const running = shown(trainingStation(facts({ pipeline: pipeline('running', 'running') }), []));
    assert.deepEqual([running.state, running.detail], ['waiting', '0 of 1 step done; at ingest.']);
    const failed = shown(trainingStation(facts({ pipeline: pipeline('failed', 'failed') }), []));
    assert.deepEqual([failed.state, failed.detail], ['bad', 'Step "ingest" failed: no such file']);
  });

  test('training of a model from elsewhere is said to be unknown here', () => {
    const graph = { package: digest, graph: 'model.onnx', tensors: [], output: 'probabilities', target: 'Churn' };
    const station = shown(trainingStation(facts({ version: { ...version(3), brought: graph } }), []));
    assert.deepEqual([station.state, station.title], ['off', 'Trained elsewhere']);
  });

  test('the test shows each gate with its figure and interval; a warning counts until somebody has certified the version', () => {
    const good = shown(testStation(facts({ version: version(1), report: report() })));
    assert.equal(good.state, 'good');
    assert.deepEqual(good.figures, [
      { name: 'roc_auc', value: 0.84, threshold: '>= 0.8', good: true, interval: { low: 0.82, high: 0.86, level: 0.95 } },
    ]);
    const warned = facts({ version: version(1), report: report({ warnings: ['tenure dominates'] }) });
    assert.equal(testStation(warned).state, 'warn');
    assert.match(testStation(warned).detail, /tenure dominates/);
    const certification = {
      id: 'c1',
      modelVersion: 'v1',
      package: digest,
      report: 'at1',
      reportDigest: digest,
      verdict: 'certified' as const,
      statement: 'seen',
      certifiedBy: by,
      certifiedAt: at,
    };
    assert.equal(testStation({ ...warned, certification }).state, 'good');
    const missed = report({
      passed: false,
      gates: [{ name: 'roc_auc >= 0.8', passed: false, observed: 0.7, wanted: '>= 0.8', message: 'roc_auc is 0.7, wanted >= 0.8' }],
    });
    assert.deepEqual(
      [testStation(facts({ version: version(1), report: missed })).state, testStation(facts({ report: missed })).detail],
      ['bad', 'roc_auc is 0.7, wanted >= 0.8'],
    );
  });

  test('live is well while no alert is open, whatever single windows say, and shows its windows oldest first', () => {
    const environments = [environment('test', 0, 'v1'), environment('production', 1, 'v1')];
    const windows = [window(1, 0.8), window(2, null), window(3, 0.62)];
    const station = shown(liveStation(facts({ environments, version: version(1), windows })));
    assert.equal(station.state, 'good');
    const [accuracy, drifted, rows] = station.series ?? [];
    assert.deepEqual([accuracy.name, accuracy.values, accuracy.threshold], ['accuracy', [0.8, null, 0.62], 0.729]);
    assert.deepEqual(
      [drifted.values, rows.values],
      [
        [0, 0, 1],
        [170, 170, 170],
      ],
    );
    const alarmed = shown(liveStation(facts({ environments, windows, alerts: [alert()] })));
    assert.deepEqual([alarmed.state, alarmed.detail], ['bad', alert().cause]);
    assert.equal(liveStation(facts({ environments, windows, alerts: [alert({ kind: 'drift' })] })).state, 'warn');
    const silent = environments.map((one) => ({ ...one, ready: false }));
    assert.equal(liveStation(facts({ environments: silent, windows })).state, 'bad');
  });
});

describe('what waits for somebody', () => {
  const waiting = (changes: Partial<LoopFacts>): string[] =>
    waitingOf(facts(changes)).map((one) => {
      assert.deepEqual([...Value.Errors(Waiting, one)], []);
      return `${one.what} ${one.environment ?? ''} ${one.role ?? ''}`.trim();
    });

  test('a new version waits for the first environment that it has not reached, gate by gate', () => {
    const first = version(1);
    assert.deepEqual(waiting({ version: first }), ['release test ml-engineer']);
    const tested = [environment('test', 0, 'v1'), environment('production', 1)];
    const lacks = (gate: string): Readiness[] => [ready('test'), ready('production', { gate, reason: 'x' })];
    assert.deepEqual(waiting({ version: first, environments: tested, readiness: lacks('application_tests') }), [
      'application_tests production ml-engineer',
    ]);
    assert.deepEqual(waiting({ version: first, environments: tested, readiness: lacks('certification') }), ['certification production qa']);
    assert.deepEqual(waiting({ version: first, environments: tested, readiness: lacks('approval') }), ['approval production approver']);
    assert.deepEqual(waiting({ version: first, environments: tested }), ['release production operator']);
  });

  test('nothing waits when the version is live, or cannot be released at all', () => {
    const environments = [environment('test', 0, 'v1'), environment('production', 1, 'v1')];
    assert.deepEqual(waiting({ version: version(1), environments }), []);
    const readiness = [ready('test', { gate: 'test_report', reason: 'x' }), ready('production')];
    assert.deepEqual(waiting({ version: version(1), readiness }), []);
  });

  test('open alerts wait for an operator, seen ones for nobody, and retrainings for labels', () => {
    const environments = [environment('production', 0, 'v1')];
    const actions = [{ id: 'x1', kind: 'retrain' as const, state: 'waiting' as const, reason: '120 of 640 labels', startedAt: at }];
    const alerts = [alert(), alert({ id: 'al2', state: 'acknowledged' })];
    assert.deepEqual(waiting({ version: version(1), environments, actions, alerts }), ['labels', 'alert production operator']);
  });
});
