import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type {
  Action,
  Alert,
  AuditVerification,
  Comparison,
  DatasetVersion,
  ModelVersion,
  QualityReport,
  TestReport,
  Window,
} from '#contract';
import { done, facts, gyre, type Place, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { type Narration, narration } from '../harness/narration-fixture.ts';
import { copyOfExample } from '../harness/projects-fixture.ts';

interface Page<T> {
  readonly items: readonly T[];
}

/** Everything that a run of the demo leaves, read by the command line's own verbs from the data folder. */
interface Records {
  readonly windows: readonly Window[];
  readonly alerts: readonly Alert[];
  readonly actions: readonly Action[];
  readonly datasets: readonly DatasetVersion[];
  readonly versions: readonly ModelVersion[];
  readonly audit: AuditVerification;
}

async function recordsOf(place: Place): Promise<Records> {
  await using house = await up(place);
  const list = async <T>(path: string): Promise<readonly T[]> => (await house.get<Page<T>>(path)).items;
  return {
    windows: (await list<Window>('windows?environment=production&limit=100')).toSorted((left, right) =>
      left.start.localeCompare(right.start),
    ),
    alerts: await list('alerts?limit=100'),
    actions: await list('actions?limit=100'),
    datasets: await list('datasets?limit=100'),
    versions: await Promise.all([1, 2].map((version) => house.get<ModelVersion>(`models/churn/versions/${version}`))),
    audit: await house.get('audit/verification'),
  };
}

const accuracyOf = (window: Window): number => {
  const value = window.performance.find(({ name }) => name === 'accuracy')?.value;
  assert.ok(typeof value === 'number', `window ${window.start} has no accuracy`);
  return value;
};

/** Accuracy over windows, counted here from the records and not as the demo counts it. */
function over(windows: readonly Window[]): { readonly accuracy: string; readonly windows: number; readonly rows: number } {
  const rows = windows.reduce((sum, { labelled }) => sum + labelled, 0);
  const right = windows.reduce((sum, window) => sum + Math.round(accuracyOf(window) * window.labelled), 0);
  return { accuracy: (right / rows).toFixed(3), windows: windows.length, rows };
}

const spanPattern = /^accuracy ([\d.]+) over (\d+) windows, (\d+) labelled rows/;
const figuresOf = (told: Narration): readonly (readonly string[])[] =>
  ['before', 'during', 'after', 'same rows'].map((station) => told.station(station));

describe('gyre demo', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let words: readonly string[];
  let commit = '';
  let first: Narration;
  let records: Records;

  before(async () => {
    folder = await temporaryFolder();
    const example = await copyOfExample(folder.path);
    commit = example.commit;
    // The launcher's own way, with a port that may be taken by another test.
    place = { cwd: example.folder, env: { GYRE_PORT: '0' } };
    words = ['demo', '--exit', '-C', example.folder];
    first = narration(await done(words, { ...place, launcher: true }));
    records = await recordsOf(place);
  });
  after(() => folder[Symbol.asyncDispose]());

  test('takes the example through the whole loop, and the retrained version serves at its end', () => {
    for (const station of [
      'charter',
      'data',
      'features',
      'training',
      'evaluation',
      'registry',
      'gates',
      'app tests',
      'certificate',
      'approval',
    ])
      assert.notEqual(first.station(station).length, 0, station);
    assert.equal(first.station('release').length, 2, 'two releases');
    assert.equal(first.station('ALERT').length, 1, 'one alert');
    assert.match(first.text, /SYNTHETIC drift/);
    assert.match(first.text, /simulated/);
    const [, second] = records.versions;
    assert.equal(records.windows.at(-1)?.modelVersion, second.id);
    assert.deepEqual(
      new Map(records.actions.map(({ kind, state }) => [kind, state])),
      new Map([
        ['notify', 'succeeded'],
        ['retrain', 'succeeded'],
      ]),
    );
    assert.deepEqual(
      records.alerts.map(({ kind, state }) => [kind, state]),
      [['performance', 'resolved']],
      'one alert, over once the retrained version serves',
    );
  });

  test('prints accuracies before, during and after that its windows have on record', () => {
    const [v1, v2] = records.versions;
    const [alert] = records.alerts;
    const steady = records.windows.filter(({ start }) => start < alert.since);
    const during = records.windows.filter(({ start, modelVersions }) => start >= alert.since && modelVersions.includes(v1.id));
    const last = records.windows.filter(({ modelVersions }) => modelVersions.length === 1 && modelVersions[0] === v2.id);
    assert.equal(steady.length + during.length + last.length, records.windows.length);
    for (const [station, windows] of [
      ['before', steady],
      ['during', during],
      ['after', last],
    ] as const) {
      const counted = over(windows);
      assert.deepEqual(first.figures(station, spanPattern), [Number(counted.accuracy), counted.windows, counted.rows], station);
    }
    assert.ok(Number(over(during).accuracy) < 0.9 * Number(over(steady).accuracy), 'the change hurts');
    assert.ok(Number(over(last).accuracy) > Number(over(during).accuracy) + 0.2, 'the retraining helps');
    for (const [at, window] of records.windows.entries()) {
      const [told] = first.station(`day ${at + 1}`);
      assert.ok(told.startsWith(`${window.start.slice(0, 10)}: ${window.rows} predictions, `), told);
      assert.ok(told.includes(`accuracy ${accuracyOf(window).toFixed(3)}`), told);
      assert.equal(
        told.includes('BELOW THE THRESHOLD'),
        window.performance.some(({ met }) => met === false),
        told,
      );
    }
  });

  test('prints figures of data, test report and comparison that stand in their records', async () => {
    await using house = await up(place);
    const source = records.datasets.find(({ part, dataset }) => part === undefined && dataset === 'customers');
    assert.ok(source !== undefined);
    const quality = await house.get<QualityReport>(`datasets/${source.digest}/quality`);
    const [data] = first.station('data');
    assert.ok(
      data.startsWith(
        `${source.manifest.rows} rows, ${source.schema.columns.length} columns: dataset version ${source.digest.slice(0, 12)}`,
      ),
    );
    for (const { name, score } of quality.characteristics)
      assert.ok(data.includes(`${name} ${score === null ? 'not measured' : score.toFixed(2)}`), `${name} in: ${data}`);
    for (const { part, manifest } of records.datasets.filter(({ dataset, part }) => dataset === 'customers' && part !== undefined))
      assert.ok(data.includes(`${part} ${manifest.rows}`), `${part} in: ${data}`);

    const told = first.station('evaluation');
    const trained: TestReport[] = [];
    for (const [at, version] of records.versions.entries()) {
      const report = await house.get<TestReport>(`test-reports/${version.testReport}`);
      trained.push(report);
      const value = (name: string): string => report.metrics.find((metric) => metric.name === name)?.value?.toFixed(3) ?? 'none';
      assert.ok(told[at].startsWith(`ROC AUC ${value('roc_auc')} `), told[at]);
      assert.ok(told[at].includes(`accuracy ${value('accuracy')} on ${report.rows} rows`), told[at]);
      assert.ok(told[at].includes(`${report.gates.length} gates passed`), told[at]);
      assert.equal((await house.get<{ code: { commit: string } }>(`runs/${version.run}`)).code.commit, commit);
    }
    const { comparison } = trained[1];
    assert.ok(comparison !== undefined);
    const text = ({ challengerValue, championValue, difference }: Comparison): string =>
      `${challengerValue.toFixed(3)} against ${championValue.toFixed(3)} on the same ${comparison.rows} rows, +${difference.toFixed(3)}`;
    assert.ok(first.station('comparison')[0].includes(text(comparison)), first.station('comparison')[0]);

    const [v1, v2] = records.versions;
    const from = records.windows.find(({ modelVersions }) => modelVersions.length === 1 && modelVersions[0] === v2.id)?.start;
    const to = records.windows.at(-1)?.end;
    const asked = { champion: v1.id, challenger: v2.id, environment: 'production', from, to, metric: 'accuracy' };
    const { status, body } = await house.post<Comparison>('comparisons', asked);
    assert.equal(status < 300, true, JSON.stringify(body));
    const [, challenger, champion, rows, difference, low, high] =
      /^accuracy ([\d.]+) retrained against ([\d.]+) frozen, on the same (\d+) later rows.*: \+([\d.]+) \(95% ([\d.]+) to ([\d.]+)\): better$/.exec(
        first.station('same rows')[0],
      ) ?? [];
    assert.deepEqual(
      [challenger, champion, rows, difference, low, high],
      [
        body.challengerValue.toFixed(3),
        body.championValue.toFixed(3),
        String(body.rows),
        body.difference.toFixed(3),
        body.interval.low.toFixed(3),
        body.interval.high.toFixed(3),
      ],
      first.station('same rows')[0],
    );
  });

  test('told again in the same folder takes what is on record, and its figures are the same', async () => {
    const started = performance.now();
    const again = narration(await done(words, place));
    const tookMs = performance.now() - started;
    const [firstSeconds] = first.figures('time', /^([\d.]+) s/);
    const [seconds] = again.figures('time', /^([\d.]+) s/);
    console.log(`    demo: ${firstSeconds} s, again ${seconds} s (${(tookMs / 1000).toFixed(1)} s with its start)`);
    assert.ok(seconds < firstSeconds, `${seconds} s against ${firstSeconds} s`);
    for (const station of ['data', 'features', 'training', 'evaluation', 'registry', 'app tests', 'certificate', 'approval', 'release'])
      assert.match(again.station(station)[0], /^\(cached\)/, station);
    assert.deepEqual(figuresOf(again), figuresOf(first));
    const days = (told: Narration): readonly string[] => records.windows.flatMap((_, at) => told.station(`day ${at + 1}`));
    assert.deepEqual(days(again), days(first));

    const later = await recordsOf(place);
    assert.deepEqual(later.windows, records.windows);
    assert.deepEqual(later.alerts, records.alerts);
    assert.deepEqual(later.actions, records.actions);
    assert.deepEqual(later.versions, records.versions);
    assert.deepEqual(later.datasets, records.datasets);
    assert.ok(later.audit.intact, later.audit.message);
    const { items } = await facts<Page<{ readonly action: string; readonly position: number }>>(['audit', 'ls', '--limit', '200'], place);
    const added = new Set(
      items.filter(({ position }) => position > records.audit.entries).map(({ action }) => action.replace(/^dev\.gyre\.|\.v1$/g, '')),
    );
    assert.deepEqual(
      [...added].filter((action) => !/^(token|pipeline_run|step_run|step)\./.test(action)),
      [],
      'nothing but new tokens and a run whose steps are cached',
    );
  });

  test('begins again with --fresh, and another seed sends other customers', async () => {
    const other = narration(await done([...words, '--fresh', '--seed', '5'], place));
    assert.doesNotMatch(other.text, /\(cached\)/);
    assert.match(other.text, /seed 5\)/);
    assert.deepEqual(
      other.station('evaluation')[0],
      first.station('evaluation')[0],
      'the model of the first turn does not hang on the traffic',
    );
    for (const station of ['day 1', 'day 5', 'during', 'after', 'same rows'])
      assert.notDeepEqual(other.station(station), first.station(station), station);
  });

  test('does not remove a folder that is none of its own', async () => {
    const ended = await gyre([...words, '--fresh', '--data', join(place.cwd, 'data')], place);
    assert.equal(ended.code, 3);
    assert.match(ended.stderr, /is no data folder of gyre/);
  });
});
