import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { JudgedVersion, ModelVersion, PackageFile, TestReport } from '#contract';
import { digestOf, hasCode, sha256 } from '#core';
import { attr, encodeModel, graphBuilder, mlDomain } from '#onnx';
import { filesAsBrought } from './brought/as-brought.ts';
import type { Registry, RegistryDeps, TestVersion } from './port.ts';
import { openRegistry } from './registry.ts';
import { ada, charterOf, churnParts, churnTransform, openRooms, trainOne } from './testing.ts';
import type { Rooms } from './testing.ts';

const charter = charterOf({ roc_auc: '>= 0.6' });

/** A ranking of customers by three columns, as scikit-learn's converter writes a logistic regression; the weights are made up. */
function ranking(): Uint8Array {
  const graph = graphBuilder({ name: 'ranking' });
  const x = graph.input('X', 'FLOAT', ['N', 2]);
  const [label, scores] = graph.node('LinearClassifier', [x], {
    domain: mlDomain,
    outputs: 2,
    attributes: {
      classlabels_ints: attr.ints([0, 1]),
      coefficients: attr.floats([0.03, -0.02, -0.03, 0.02]),
      intercepts: attr.floats([0.5, -0.5]),
      post_transform: attr.string('SOFTMAX'),
      multi_class: attr.int(0),
    },
  });
  graph.output('label', 'INT64', ['N'], label);
  graph.output('probabilities', 'FLOAT', ['N', 2], scores);
  return encodeModel(graph);
}

describe('testing versions that were trained elsewhere', () => {
  let rooms: Rooms;
  let registry: Registry;
  let parts: Readonly<Record<string, string>>;
  let live: string | undefined;
  /** What the next version is registered from. */
  let files: readonly PackageFile[] = [];
  let brought: ModelVersion;
  let version: JudgedVersion;
  let report: TestReport;
  before(async () => {
    rooms = await openRooms();
    parts = await churnParts(rooms);
    const deps: RegistryDeps = { ...rooms.deps, kept: { filesAt: async () => ({ files }) }, inUse: async () => live };
    registry = openRegistry(deps);
    brought = await bring('churn', { 'model.onnx': ranking(), 'notes/how.txt': new TextEncoder().encode('by hand') });
    ({ version, report } = await registry.testVersion(asked()));
  });
  after(() => rooms[Symbol.asyncDispose]());

  const bring = async (model: string, contents: Readonly<Record<string, Uint8Array>>): Promise<ModelVersion> => {
    files = await Promise.all(
      Object.entries(contents).map(async ([path, bytes]) => {
        const { digest, size } = await rooms.deps.blobs.put(bytes);
        return { path, digest, size };
      }),
    );
    return registry.registerVersion({ model, makesModel: true, source: 'mlflow-artifacts:/somewhere', by: ada });
  };
  const asked = (more: Partial<TestVersion> = {}): TestVersion => ({
    model: 'churn',
    version: brought.version,
    test: parts['test'],
    validation: parts['validation'],
    target: 'Churn',
    key: 'customerID',
    columns: { '': ['tenure', 'MonthlyCharges'] },
    classes: ['No', 'Yes'],
    spec: { slices: ['Contract'], threshold: 'max_f1' },
    charter,
    by: ada,
    ...more,
  });
  const refused = (wanted: Promise<unknown>, code: 'FAILED_PRECONDITION' | 'INVALID_ARGUMENT' | 'ABORTED', words: RegExp) =>
    assert.rejects(wanted, (error) => hasCode(error, code) && words.test(error.message));

  test('leaves a report like those of models of ours, which says that nobody knows what it has learned from', () => {
    assert.deepEqual([report.run, report.modelVersion, report.passed], [undefined, brought.id, true]);
    assert.ok(report.metrics.every(({ name, interval, value }) => interval !== undefined || value === null || name === 'ece'));
    assert.equal(report.slices.filter(({ column }) => column === 'Contract').length, 3);
    assert.deepEqual(report.parts.map(({ part }) => part), ['validation', 'test']); // prettier-ignore
    assert.match(report.threshold?.chosenBy ?? '', /max_f1 on \d+ validation rows/);
    assert.match(report.warnings[0], /trained elsewhere: nobody here can tell/);
    assert.deepEqual(report.importance.map(({ feature }) => feature).toSorted(), ['MonthlyCharges', 'tenure']); // prettier-ignore
  });

  test('scores the rows as the graph itself does', async () => {
    const frame = await rooms.data.open(parts['test']);
    await using model = await rooms.evaluation.openModel(await registry.modelSource(version));
    const scores = await model.predict(frame);
    const [tenure, bill] = [frame.numbers('tenure'), frame.numbers('MonthlyCharges')];
    const wanted = (row: number): number => 1 / (1 + Math.exp(2 * (0.5 + 0.03 * tenure[row] - 0.02 * bill[row])));
    scores.forEach((score, row) => assert.ok(Math.abs(score - wanted(row)) < 1e-5, `row ${row}: ${score}`));
    assert.deepEqual(await model.truth(frame), Float64Array.from(toYes(frame), Number));
  });

  test('packs the wired graph, its report and evidence with the files that were brought, which stay what clients load', async () => {
    assert.equal(version.package, digestOf({ format: 'gyre.package.v1', files: version.files }));
    assert.deepEqual([version.id, version.version, version.testsPassed], [brought.id, brought.version, true]);
    assert.deepEqual(
      filesAsBrought(version).map(({ path, digest }) => [path, digest]),
      brought.files.map(({ path, digest }) => [path, digest]),
    );
    const evidence = await registry.evidence(version.id);
    assert.ok('brought' in evidence);
    assert.deepEqual(evidence.brought, {
      package: brought.package,
      graph: 'model.onnx',
      tensors: [{ name: 'X', columns: ['tenure', 'MonthlyCharges'] }],
      output: 'probabilities',
      target: 'Churn',
      key: 'customerID',
    });
    assert.deepEqual([evidence.graph, evidence.datasets], [brought.files.find(({ path }) => path === 'model.onnx')?.digest, { test: parts['test'], validation: parts['validation'] }]); // prettier-ignore
    assert.ok(evidence.parity !== undefined);
    assert.ok(evidence.parity.maxDifference <= evidence.parity.tolerance);
    assert.equal(evidence.onnx, sha256(await registry.readFile(version.id, 'model.onnx')));
    assert.equal(evidence.testReport, sha256(await registry.readFile(version.id, 'test-report.json')));
    assert.deepEqual(version.signature.inputs.map(({ name }) => name), ['tenure', 'MonthlyCharges']); // prettier-ignore
    assert.deepEqual([version.signature.positive, version.signature.threshold], ['Yes', report.threshold?.value]);
    const card = new TextDecoder().decode(await registry.readFile(version.id, 'model-card.md'));
    assert.match(card, /It was trained outside of Gyre/);
    assert.match(card, /Ada/);
  });

  test('makes its model one that Gyre answers for', async () => {
    assert.equal(await registry.isGoverned('churn'), true);
    const events = await rooms.events.read({ subject: version.id, limit: 10 });
    assert.ok(events.some(({ type, data }) => type === 'dev.gyre.model_version.tested.v1' && data['report'] === report.id));
  });

  test('again, the same test changes nothing; another one makes another package, and the earlier one is still found', async () => {
    const same = await registry.testVersion(asked());
    assert.deepEqual([same.version.package, same.report.id], [version.package, report.id]);
    const strict = await registry.testVersion(asked({ charter: charterOf({ roc_auc: '>= 0.99' }) }));
    assert.deepEqual([strict.version.testsPassed, strict.report.passed], [false, false]);
    assert.notEqual(strict.version.package, version.package);
    assert.deepEqual((await registry.byPackagePrefix(version.package.slice(0, 8))).map(({ id }) => id), [version.id]); // prettier-ignore
    live = 'is live in "production"';
    await refused(registry.testVersion(asked()), 'FAILED_PRECONDITION', /cannot be tested anew: it is live/);
    live = undefined;
    assert.equal((await registry.testVersion(asked())).version.package, version.package);
  });

  test('a copy of a tested version is what was brought, for whoever has it to test', async () => {
    const copy = await registry.registerVersion({ model: 'copies', makesModel: true, source: 'models:/churn/1', by: ada });
    assert.deepEqual([copy.package, copy.testReport], [brought.package, undefined]);
  });

  test('without a graph says how to make one; no pickle is opened', async () => {
    const said = new TextEncoder().encode('flavors: {sklearn: {pickled_model: model.pkl}, python_function: {}}');
    const { version: number } = await bring('pickled', { MLmodel: said, 'model.pkl': new TextEncoder().encode('cos\nsystem\n') });
    await refused(registry.testVersion(asked({ model: 'pickled', version: number })), 'FAILED_PRECONDITION', /no ONNX graph \(it can be loaded as sklearn, python_function\), and Gyre opens no pickle: convert.*skl2onnx/); // prettier-ignore
    const { version: beside } = await bring('pickled', { MLmodel: said, 'model.pkl': new Uint8Array(3), 'onnx/model.onnx': ranking() });
    assert.equal((await registry.testVersion(asked({ model: 'pickled', version: beside }))).version.brought?.graph, 'onnx/model.onnx');
    const { version: several } = await bring('pickled', { 'a.onnx': ranking(), 'b.onnx': ranking() });
    await refused(
      registry.testVersion(asked({ model: 'pickled', version: several })),
      'FAILED_PRECONDITION',
      /several graphs.*a\.onnx, b\.onnx/,
    );
  });

  test('is for versions from elsewhere: one of ours was tested before it was registered', async () => {
    const run = await trainOne(rooms, {
      trainer: 'logistic',
      spec: churnTransform,
      train: parts['train'],
      validation: parts['validation'],
    });
    const own = await rooms.evaluation.judge({ model: run.id, test: parts['test'], charter, repeats: 0, resamples: 20, by: ada });
    const made = await registry.createVersion({ model: 'ours', run: run.id, report: own.id, charter, by: ada });
    await refused(registry.testVersion(asked({ model: 'ours', version: made.version })), 'FAILED_PRECONDITION', /was trained by Gyre/);
    const challenged = await registry.testVersion(asked({ champion: await registry.modelSource(made) }));
    assert.deepEqual([challenged.report.comparison?.champion, challenged.report.comparison?.verdict], [run.id, 'worse']);
  });
});

/** Whether each row's customer left. */
function toYes(frame: Awaited<ReturnType<Rooms['data']['open']>>): boolean[] {
  const column = frame.column('Churn');
  assert.ok(column.kind === 'text');
  return Array.from(column.codes, (code) => column.dictionary[code] === 'Yes');
}
