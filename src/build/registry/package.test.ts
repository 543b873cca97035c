import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import type { JudgedVersion, Run, TestReport, TransformStep } from '#contract';
import { canonicalJson, digestOf, hasCode, seeded, sha256 } from '#core';
import { feeds } from '#features';
import { encodeModel, openSession } from '#onnx';
import { createFrame, numberColumn } from '#tables';
import type { TrainedModel } from '#training';
import { learnerGraph } from './package/learner-graph.ts';
import type { RegistryDeps } from './port.ts';
import { openRegistry } from './registry.ts';
import { ada, charterOf, churnParts, churnTransform, openRooms, trainOne, versionOf } from './testing.ts';
import type { Rooms } from './testing.ts';

const charter = charterOf(
  { roc_auc: '>= 0.80' },
  {
    problem: 'The team calls 300 customers a week, and does not know whom <first>.',
    scope: { in: ['private customers'], out: ['business customers'] },
    assumptions: [{ text: 'Next quarter is like the last.', reason: 'Prices stay.', author: 'Mara', date: '2026-01-02' }],
    decisions: [{ text: 'Gender is no feature.', reason: 'It would not be lawful.', author: 'Amina', date: '2026-01-03' }],
    personalData: {
      columns: ['customerID', 'gender', 'SeniorCitizen'],
      purpose: 'To choose whom to call.',
      legalBasis: 'Legitimate interest',
      retention: '13 months',
    },
  },
);

/** What MLflow reads of `MLmodel`; its time is a text, which PyYAML must not take for an instant. */
const MlModel = Type.Object({
  flavors: Type.Record(Type.String(), Type.Unknown()),
  signature: Type.Object({ inputs: Type.String() }),
  utc_time_created: Type.String(),
});

const ExampleFile = Type.Object({
  columns: Type.Array(Type.String()),
  data: Type.Array(Type.Array(Type.Union([Type.String(), Type.Number()]))),
});

describe('packaging models of the churn table', () => {
  let rooms: Rooms;
  let parts: Readonly<Record<string, string>>;
  let runs: { readonly linear: Run; readonly trees: Run };
  let reports: { readonly linear: TestReport; readonly trees: TestReport };
  let version: JudgedVersion;
  before(async () => {
    rooms = await openRooms();
    parts = await churnParts(rooms);
    const shared = { spec: churnTransform, train: parts.train, validation: parts.validation };
    runs = {
      linear: await trainOne(rooms, { trainer: 'logistic', ...shared }),
      trees: await trainOne(rooms, { trainer: 'gbdt', params: { iterations: 60 }, ...shared }),
    };
    const judge = (run: Run) =>
      rooms.evaluation.judge({
        model: run.id,
        test: parts.test,
        charter,
        spec: { slices: ['Contract'], threshold: 'max_f1' },
        resamples: 100,
        repeats: 1,
        by: ada,
      });
    reports = { linear: await judge(runs.linear), trees: await judge(runs.trees) };
    version = await rooms.registry.createVersion({
      model: 'churn',
      description: 'who leaves',
      run: runs.trees.id,
      report: reports.trees.id,
      charter,
      tags: { team: 'retention' },
      by: ada,
    });
  });
  after(() => rooms[Symbol.asyncDispose]());
  const text = async (path: string): Promise<string> => new TextDecoder().decode(await rooms.registry.readFile(version.id, path));

  /** The registry over a trainer whose model was changed on the way. */
  const tampered = (change: (model: TrainedModel) => TrainedModel): RegistryDeps => ({
    ...rooms.deps,
    training: {
      readArtifact: (run, path) => rooms.training.readArtifact(run, path),
      readModel: async (run) => change(await rooms.training.readModel(run)),
    },
  });

  test('the version names its package, whose digest is that of its list of files, each checked', async () => {
    assert.deepEqual(
      [version.model, version.version, version.run, version.testReport, version.testsPassed],
      ['churn', 1, runs.trees.id, reports.trees.id, true],
    );
    assert.equal(version.package, digestOf({ format: 'gyre.package.v1', files: version.files }));
    assert.deepEqual(version.files.map(({ path }) => path), version.files.map(({ path }) => path).toSorted()); // prettier-ignore
    for (const { path, digest, size } of version.files) {
      const bytes = await rooms.registry.readFile(version.id, path);
      assert.deepEqual([sha256(bytes), bytes.length], [digest, size], path);
    }
    assert.deepEqual([version.tags, version.createdBy], [{ team: 'retention' }, ada]);
    await assert.rejects(
      rooms.registry.readFile(version.id, 'secret'),
      (error) => hasCode(error, 'NOT_FOUND') && error.message.includes('model.onnx'),
    );
    const streamed = await rooms.registry.openFile(version.id, 'model.onnx');
    assert.equal(Buffer.concat(await Array.fromAsync(streamed.bytes)).length, streamed.file.size);
  });

  test('the same run and report packaged again is the same version; other evidence is the next one', async () => {
    const again = await rooms.registry.createVersion({
      model: 'churn',
      run: runs.trees.id,
      report: reports.trees.id,
      charter,
      by: { identity: 'bob', name: 'Bob' },
    });
    assert.deepEqual(again, version);
    const next = await rooms.registry.createVersion({ model: 'churn', run: runs.linear.id, report: reports.linear.id, charter, by: ada });
    assert.equal(next.version, 2);
    const created = (await rooms.events.read({ limit: 1000 })).filter(({ type }) => type === 'dev.gyre.model_version.created.v1');
    assert.deepEqual(created.map(({ subject }) => subject), [version.id, next.id]); // prettier-ignore
    assert.deepEqual(created[0].data, {
      id: version.id,
      model: 'churn',
      version: 1,
      source: version.source,
      package: version.package,
      run: runs.trees.id,
      description: '',
      tags: { team: 'retention' },
    });
  });

  test('the evidence names every digest, and the files in the package have them', async () => {
    const evidence = await rooms.registry.evidence(version.id);
    assert.ok('trainer' in evidence);
    assert.deepEqual(evidence.datasets, { train: parts.train, validation: parts.validation, test: parts.test });
    assert.equal(evidence.onnx, version.files.find(({ path }) => path === 'model.onnx')?.digest);
    assert.equal(evidence.onnx, (await rooms.training.findArtifact(runs.trees.id, 'model.onnx'))?.digest);
    assert.equal(evidence.testReport, sha256(await text('test-report.json')));
    assert.equal(evidence.charter, sha256(await text('charter.json')));
    assert.equal(evidence.environment, sha256(await text('environment.json')));
    assert.equal(evidence.environment, digestOf(runs.trees.environment));
    assert.deepEqual([evidence.code, evidence.seed, evidence.trainer], [{ commit: 'c0ffee', dirty: false }, runs.trees.seed, 'gbdt']);
    assert.equal(canonicalJson(JSON.parse(await text('charter.json'))), canonicalJson(charter.charter));
  });

  test('parity is measured on every test row and around every split', async () => {
    const { parity } = await rooms.registry.evidence(version.id);
    assert.ok(parity !== undefined);
    const { model } = await rooms.training.readModel(runs.trees.id);
    assert.ok(model.kind === 'gbdt');
    const splits = new Set(
      model.trees.flatMap((tree) => tree.feature.flatMap((feature, node) => (feature < 0 ? [] : [`${feature} ${tree.threshold[node]}`]))),
    );
    assert.equal(parity.rows, reports.trees.rows + 3 * splits.size + model.featureNames.length);
    assert.ok(parity.maxDifference < 1e-6, `${parity.maxDifference}`);
    assert.equal(parity.tolerance, 1e-5);
  });

  test('an ONNX model that is not the trainer’s own makes no package; the row and the difference are named', async () => {
    const other = await rooms.training.readModel(runs.linear.id);
    const registry = openRegistry(tampered((model) => ({ ...model, onnx: other.onnx })));
    await assert.rejects(
      registry.createVersion({ model: 'tampered', run: runs.trees.id, report: reports.trees.id, charter, by: ada }),
      (error) => hasCode(error, 'FAILED_PRECONDITION') && /disagree on test row \d+: .* a difference of \d/.test(error.message),
    );
    await assert.rejects(rooms.registry.getModel('tampered'), (error) => hasCode(error, 'NOT_FOUND'));
  });

  test('a threshold one float32 step away shows, although no test row lies there', async () => {
    const moved = tampered((model) => {
      assert.ok(model.model.kind === 'gbdt');
      const [first, ...rest] = model.model.trees;
      const bits = new Int32Array(Float32Array.of(first.threshold[0]).buffer);
      bits[0] += 1;
      const threshold = [new Float32Array(bits.buffer)[0], ...first.threshold.slice(1)];
      return { ...model, model: { ...model.model, trees: [{ ...first, threshold }, ...rest] } };
    });
    await assert.rejects(
      openRegistry(moved).createVersion({ model: 'moved', run: runs.trees.id, report: reports.trees.id, charter, by: ada }),
      (error) => hasCode(error, 'FAILED_PRECONDITION') && /a row with feature ".+" (exactly on|one float32 step)/.test(error.message),
    );
  });

  test('the learner that was cut out of the package gives what the whole gives', async () => {
    for (const run of [runs.linear, runs.trees]) {
      const model = await rooms.training.readModel(run.id);
      const frame = await rooms.data.open(parts.test);
      const matrix = await rooms.features.apply(model.transform, frame);
      await using learner = await openSession(encodeModel(learnerGraph(model.onnx, matrix.columns, 'probabilities')));
      await using whole = await openSession(model.onnx);
      const cut = await learner.run({ features: { type: 'FLOAT', shape: [matrix.rows, matrix.columns], data: matrix.values } });
      assert.deepEqual(cut.probabilities, (await whole.run(feeds(model.transform.inputs, frame))).probabilities);
    }
  });

  test('the signature and the example are what the graph takes, and the example is nobody’s row', async () => {
    const signature = version.signature;
    assert.equal(canonicalJson(JSON.parse(await text('signature.json'))), canonicalJson(signature));
    assert.deepEqual([signature.classes, signature.positive, signature.threshold], [['No', 'Yes'], 'Yes', reports.trees.threshold?.value]);
    const example = Value.Parse(ExampleFile, JSON.parse(await text('input_example.json')));
    assert.deepEqual(example.columns, signature.inputs.map(({ name }) => name)); // prettier-ignore
    const row = Object.fromEntries(example.columns.map((name, i) => [name, example.data[0][i]]));
    await using session = await openSession(await rooms.registry.readFile(version.id, 'model.onnx'));
    const { probabilities } = await session.run(feeds(signature.inputs, [row]));
    assert.deepEqual(probabilities.shape, [1, 2]);
    const held = await rooms.data.open(parts.train);
    assert.ok(
      !held.numbers('MonthlyCharges').includes(Number(row.MonthlyCharges)) ||
        !held.numbers('TotalCharges').includes(Number(row.TotalCharges)),
    );
  });

  test('MLflow’s files name the graph, the run and tensors of its signature', async () => {
    const mlmodel = Value.Parse(MlModel, parse(await text('MLmodel'), { version: '1.1' }));
    assert.deepEqual(Object.keys(mlmodel.flavors), ['onnx', 'python_function']);
    const [first]: unknown[] = Value.Parse(Type.Array(Type.Unknown()), JSON.parse(mlmodel.signature.inputs));
    assert.deepEqual(first, { name: 'SeniorCitizen', type: 'tensor', 'tensor-spec': { dtype: 'float64', shape: [-1, 1] } });
    for (const path of ['conda.yaml', 'python_env.yaml', 'requirements.txt'])
      assert.ok((await text(path)).includes(path === 'python_env.yaml' ? 'requirements.txt' : 'onnxruntime'));
  });

  test('the model card says what the records say, in Markdown and as a page', async () => {
    const [markdown, html] = [await text('model-card.md'), await text('model-card.html')];
    const auc = (reports.trees.metrics.find(({ name }) => name === 'roc_auc')?.value ?? 0).toFixed(3);
    for (const words of [
      auc,
      'business customers',
      'Next quarter is like the last.',
      'Gender is no feature.',
      'Legitimate interest',
      '13 months',
      parts.test,
      'gyre reproduce churn/VERSION',
      'Month-to-month',
    ]) {
      assert.ok(markdown.includes(words) && html.includes(words), words);
    }
    assert.match(markdown, /\*\*Taken by the model\*\*: SeniorCitizen/);
    assert.match(markdown, /\*\*In the data, not taken by the model\*\*: customerID, gender/);
    assert.ok(markdown.includes('whom \\<first>') && html.includes('whom &lt;first&gt;'));
    assert.ok(!/<script/i.test(html));
  });

  test('a report of another run, or by another charter, makes no package', async () => {
    const refused = (request: Partial<Parameters<Rooms['registry']['createVersion']>[0]>, words: RegExp) =>
      assert.rejects(
        rooms.registry.createVersion({ model: 'churn', run: runs.trees.id, report: reports.trees.id, charter, by: ada, ...request }),
        (error) => hasCode(error, 'FAILED_PRECONDITION') && words.test(error.message),
      );
    await refused({ run: runs.linear.id }, /holds the report of its own run/);
    await refused({ charter: charterOf({ roc_auc: '>= 0.99' }) }, /judge the run again by this one/);
  });
});

describe('packaging a regression', () => {
  for (const trainer of ['linear', 'gbdt'] as const) {
    test(`by ${trainer}: parity is relative to the size of the target`, async () => {
      await using rooms = await openRooms();
      const table = (rows: number, seed: number) => {
        const random = seeded(seed);
        const x = Float64Array.from({ length: rows }, () => random.normal());
        const price = x.map((value) => 250_000 + 40_000 * value + 5_000 * random.normal());
        return createFrame([{ name: 'size', column: numberColumn(x) }, { name: 'price', column: numberColumn(price) }]); // prettier-ignore
      };
      const spec: TransformStep = { of: 'houses', target: 'price', transform: {} };
      const [train, validation, held] = [
        await versionOf(rooms, 'a', table(500, 1)),
        await versionOf(rooms, 'b', table(150, 2)),
        await versionOf(rooms, 'c', table(200, 3)),
      ];
      const run = await trainOne(rooms, { trainer, spec, train, validation });
      const success = charterOf({ r2: '>= 0.9' });
      const report = await rooms.evaluation.judge({ model: run.id, test: held, charter: success, resamples: 50, by: ada });
      const version = await rooms.registry.createVersion({ model: 'prices', run: run.id, report: report.id, charter: success, by: ada });
      assert.deepEqual(version.signature.outputs, [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }]);
      const { parity } = await rooms.registry.evidence(version.id);
      assert.ok(parity !== undefined);
      assert.ok(parity.tolerance > 2 && parity.tolerance < 5, `${parity.tolerance}`);
      assert.ok(parity.maxDifference <= parity.tolerance);
    });
  }
});
