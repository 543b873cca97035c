import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Run, TestReport, Transform } from '#contract';
import { canonicalJson, hasCode, seedOf, seeded, sha256 } from '#core';
import { bootstrapMetric, chooseThreshold, computeMetrics } from '#stats';
import { appendColumn, concatRows, createFrame, filterRows, numberColumn, sliceRows, textColumn } from '#tables';
import type { Frame } from '#tables';
import type { ExplainRequest, JudgeRequest } from './port.ts';
import { ada, charterOf, churnParts, churnTransform, openRooms, trainOne, versionOf } from './testing.ts';
import type { Rooms } from './testing.ts';

const charter = charterOf(
  { roc_auc: '>= 0.80', accuracy: '>= 0.76' },
  { personalData: { columns: ['customerID', 'gender', 'SeniorCitizen'], purpose: 'calls', legalBasis: 'legitimate interest' } },
);

describe('judging models of the churn table', () => {
  let rooms: Rooms;
  let parts: Readonly<Record<string, string>>;
  let held: Frame;
  let linear: { readonly run: Run; readonly transform: Transform };
  let trees: { readonly run: Run; readonly transform: Transform };
  let report: TestReport;
  const request = (more: Partial<JudgeRequest> = {}): JudgeRequest => ({
    model: linear.run.id,
    test: parts.test,
    spec: { slices: ['Contract', 'tenure'], threshold: 'max_f1', gates: ['accuracy by Contract >= 0.65'] },
    charter,
    resamples: 200,
    repeats: 2,
    by: ada,
    ...more,
  });
  before(async () => {
    rooms = await openRooms();
    parts = await churnParts(rooms);
    const shared = { spec: churnTransform, key: 'customerID', train: parts.train, validation: parts.validation };
    linear = await trainOne(rooms, { trainer: 'logistic', ...shared });
    trees = await trainOne(rooms, { trainer: 'gbdt', params: { iterations: 60 }, ...shared });
    held = await rooms.data.open(parts.test);
    report = await rooms.evaluation.judge(request());
  });
  after(() => rooms[Symbol.asyncDispose]());

  const scoresOf = async (run: string, frame: Frame): Promise<{ truth: Float64Array; scores: Float64Array }> => {
    const model = await rooms.training.readModel(run);
    return { truth: await rooms.features.target(model.transform, frame), scores: await model.predict(frame) };
  };

  test('the figures are those of the rows, the threshold is the one that validation chose, and intervals are the seed’s', async () => {
    const validation = await scoresOf(linear.run.id, await rooms.data.open(parts.validation));
    const { threshold } = chooseThreshold(validation.truth, validation.scores, { kind: 'max_f1' });
    assert.equal(report.threshold?.value, threshold);
    assert.match(report.threshold.chosenBy, /^max_f1 on 704 validation rows/);
    const { truth, scores } = await scoresOf(linear.run.id, held);
    const wanted = computeMetrics('binary', truth, scores, threshold);
    assert.deepEqual(Object.fromEntries(report.metrics.map(({ name, value }) => [name, value])), wanted);
    const auc = report.metrics.find(({ name }) => name === 'roc_auc');
    const random = seeded(seedOf(linear.run.seed ?? 0, 'bootstrap', 'roc_auc'));
    const { low, high } = bootstrapMetric('roc_auc', 'binary', truth, scores, { random, resamples: 200, threshold });
    assert.deepEqual(auc?.interval, { low, high, level: 0.95 });
    assert.ok(low < 0.84 && high > 0.84, `the interval ${low} to ${high} is around what this table allows`);
    const counts = report.confusion?.counts ?? [];
    assert.equal((counts[0][0] + counts[1][1]) / held.rows, wanted.accuracy);
    const calibrated = report.calibration?.bins.reduce((sum, { count }) => sum + count, 0);
    assert.equal(calibrated, held.rows);
    assert.equal(report.calibration?.error, wanted.ece);
    assert.deepEqual(report.curves?.roc.at(-1), { x: 1, y: 1 });
  });

  test('train, validation and test stand side by side, and further datasets beside them', async () => {
    assert.deepEqual(
      report.parts.map(({ part, rows, datasets }) => [part, rows, datasets]),
      [
        ['train', 3098, [parts.train]],
        ['validation', 704, [parts.validation]],
        ['test', 1116, [parts.test]],
      ],
    );
    const { truth, scores } = await scoresOf(linear.run.id, await rooms.data.open(parts.train));
    assert.equal(report.parts[0].metrics.roc_auc, computeMetrics('binary', truth, scores).roc_auc);
    const wider = await rooms.evaluation.judge(request({ alsoOn: [{ name: 'later', version: parts.later }], repeats: 0 }));
    assert.deepEqual([wider.parts[3].part, wider.parts[3].rows], ['later', (await rooms.data.open(parts.later)).rows]);
  });

  test('each validation set is judged with intervals, without rows whose keys the model has learned from, and gates may speak of it', async () => {
    const strategy = { strategy: 'random' as const, columns: [] };
    const mixed = concatRows([await rooms.data.open(parts.later), sliceRows(await rooms.data.open(parts.train), 0, 50)]);
    const validationSets = [
      { set: 'later', strategy, version: parts.later },
      { set: 'mixed', strategy, version: await versionOf(rooms, 'customers', mixed) },
    ];
    const judged = await rooms.evaluation.judge(request({ validationSets, spec: { gates: ['accuracy on later >= 0.99'] }, repeats: 0 }));
    const later = await rooms.data.open(parts.later);
    const [first, second] = judged.validationSets ?? [];
    assert.deepEqual([first.set, first.rows, first.leftOut], ['later', later.rows, undefined]);
    const { truth, scores } = await scoresOf(linear.run.id, later);
    const wanted = computeMetrics('binary', truth, scores, judged.threshold?.value);
    assert.deepEqual(Object.fromEntries(first.metrics.map(({ name, value }) => [name, value])), wanted);
    const { low, high } = first.metrics.find(({ name }) => name === 'accuracy')?.interval ?? assert.fail('no interval');
    assert.ok(low < (wanted.accuracy ?? 0) && (wanted.accuracy ?? 1) < high);
    assert.deepEqual([second.rows, second.leftOut, second.metrics], [later.rows, 50, first.metrics]);
    assert.ok(
      judged.warnings.some((warning) => warning.startsWith('50 of the 2,175 rows of validation set "mixed" are left out')),
      judged.warnings.join(),
    );
    assert.ok(judged.gates.some(({ name, passed }) => name === 'accuracy on later >= 0.99' && !passed));
    assert.match(await rooms.evaluation.reportHtml(judged.id), /On each validation set.*later \(2,125\)/s);
    await assert.rejects(rooms.evaluation.judge(request({ validationSets: [{ set: 'x', strategy, version: parts.train }] })), {
      code: 'FAILED_PRECONDITION',
    });
  });

  test('slices hold every row once, personal columns are compared, and a key is no slice', async () => {
    const columns = [...new Set(report.slices.map(({ column }) => column))];
    assert.deepEqual(columns, ['Contract', 'tenure', 'gender', 'SeniorCitizen']);
    for (const column of columns) {
      const rows = report.slices.filter((slice) => slice.column === column).reduce((sum, slice) => sum + slice.rows, 0);
      assert.equal(rows, held.rows, column);
    }
    const contracts = held.texts('Contract');
    const twoYears = filterRows(held, (row) => contracts.dictionary[contracts.codes[row]] === 'Two year');
    const { truth, scores } = await scoresOf(linear.run.id, twoYears);
    const slice = report.slices.find(({ value }) => value === 'Two year');
    assert.equal(slice?.rows, twoYears.rows);
    assert.equal(slice?.metrics.accuracy, computeMetrics('binary', truth, scores, report.threshold?.value).accuracy);
    assert.deepEqual(
      report.fairness?.map(({ column }) => column),
      ['gender', 'SeniorCitizen'],
    );
  });

  test('the report is kept once, under the digest of its canonical JSON, with one event', async () => {
    const again = await rooms.evaluation.judge(request());
    assert.deepEqual(again, report);
    const { id, digest, createdAt: _, ...content } = report;
    assert.equal(sha256(canonicalJson(content)), digest);
    assert.equal(sha256(await rooms.evaluation.reportJson(id)), digest);
    assert.deepEqual(await rooms.evaluation.getReport(digest), report);
    const created = (await rooms.events.read({ subject: id, limit: 10 })).filter(({ type }) => type === 'dev.gyre.test_report.created.v1');
    assert.equal(created.length, 1);
    const other = await rooms.evaluation.judge(request({ seed: 99 }));
    assert.notEqual(other.id, id);
    assert.notDeepEqual(other.metrics[0].interval, report.metrics[0].interval);
    assert.equal(other.metrics[0].value, report.metrics[0].value);
    const { items } = await rooms.evaluation.listReports({ run: linear.run.id, limit: 1 });
    assert.equal(items[0].id, other.id);
    await assert.rejects(rooms.evaluation.getReport('nothing'), (error) => hasCode(error, 'NOT_FOUND') && error.message.includes(id));
  });

  test('a threshold of the charter that is missed fails the report, and the check says by how much', async () => {
    const failed = await rooms.evaluation.judge(request({ charter: charterOf({ roc_auc: '>= 0.95', log_loss: '<= 0.6' }), repeats: 0 }));
    assert.equal(failed.passed, false);
    assert.deepEqual(
      failed.gates.map(({ name, passed }) => [name, passed]),
      [
        ['roc_auc >= 0.95', false],
        ['log_loss <= 0.6', true],
        ['accuracy by Contract >= 0.65', true],
      ],
    );
    assert.match(failed.gates[0].message, /^roc_auc is 0\.8\d\d \(95 % interval 0\.8\d\d to 0\.8\d\d\); the charter asks for >= 0\.95$/);
  });

  test('shuffled labels are seen: figures fall to chance and the gates fail', async () => {
    const labels = held.texts('Churn');
    const codes = Int32Array.from(labels.codes);
    seeded(5).shuffle(codes);
    const shuffled = createFrame(
      held.schema.map(({ name, type }) => ({ name, type, column: name === 'Churn' ? { ...labels, codes } : held.column(name) })),
    );
    const version = await versionOf(rooms, 'shuffled', shuffled);
    const judged = await rooms.evaluation.judge(request({ test: version, repeats: 0 }));
    const auc = judged.metrics.find(({ name }) => name === 'roc_auc')?.value ?? 1;
    assert.ok(Math.abs(auc - 0.5) < 0.06, `${auc}`);
    assert.equal(judged.passed, false);
  });

  test('importance names the columns that matter, and shuffling one that the model does not use changes nothing', () => {
    const names = report.importance.map(({ feature }) => feature);
    assert.equal(names.length, 18);
    assert.ok(!names.includes('gender') && !names.includes('customerID'));
    assert.ok(names.indexOf('tenure') < 3, names.slice(0, 5).join());
    assert.ok(report.importance.every(({ drop }, i) => i === 0 || drop <= report.importance[i - 1].drop));
  });

  test('a column that leaks the outcome is named', async () => {
    const leaky = async (part: string): Promise<string> => {
      const frame = await rooms.data.open(parts[part]);
      const labels = frame.texts('Churn');
      const random = seeded(3);
      const values = Float64Array.from(labels.codes, (code) => (labels.dictionary[code] === 'Yes' ? 1 : 0) + 0.2 * random.normal());
      return versionOf(rooms, `leaky-${part}`, appendColumn(frame, 'RefundedAmount', numberColumn(values)));
    };
    const [train, validation, held] = [await leaky('train'), await leaky('validation'), await leaky('test')];
    const spec = { ...churnTransform, transform: { ...churnTransform.transform, exclude: ['gender', 'customerID'] } };
    const { run } = await trainOne(rooms, { trainer: 'logistic', spec, train, validation });
    const judged = await rooms.evaluation.judge(request({ model: run.id, test: held }));
    assert.equal(judged.importance[0].feature, 'RefundedAmount');
    assert.ok(
      judged.warnings.some((warning) => warning.startsWith('"RefundedAmount" dominates')),
      judged.warnings.join('\n'),
    );
    assert.ok(!report.warnings.some((warning) => warning.includes('dominates')), 'none without a leak');
  });

  test('a model that learned its rows by heart is warned of, with its figures', async () => {
    const small = await versionOf(rooms, 'small', sliceRows(await rooms.data.open(parts.train), 0, 300));
    const { run } = await trainOne(rooms, {
      trainer: 'gbdt',
      spec: churnTransform,
      key: 'customerID',
      train: small,
      validation: parts.validation,
      params: { iterations: 150, learning_rate: 0.3, max_leaves: 31, min_samples_leaf: 1, l2: 0, early_stopping_rounds: 0 },
    });
    const judged = await rooms.evaluation.judge(request({ model: run.id, repeats: 0 }));
    const warning = judged.warnings.find((text) => text.startsWith('overfitting: roc_auc is 1.000 on train and 0.'));
    assert.ok(warning !== undefined, judged.warnings.join('\n'));
    assert.ok(!report.warnings.some((text) => text.startsWith('overfitting')));
  });

  test('rows that a run has learned from are refused, and keys that come again are warned of', async () => {
    for (const part of ['train', 'validation']) {
      await assert.rejects(
        rooms.evaluation.judge(request({ test: parts[part] })),
        (error) => hasCode(error, 'FAILED_PRECONDITION') && error.message.includes(`as "${part}"`),
      );
    }
    const mixed = await versionOf(rooms, 'mixed', concatRows([held, sliceRows(await rooms.data.open(parts.train), 0, 50)]));
    const judged = await rooms.evaluation.judge(request({ test: mixed, repeats: 0 }));
    assert.ok(judged.warnings[0].startsWith('50 of the 1,166 test rows have a key'), judged.warnings[0]);
  });

  test('what does not fit is said: unknown metrics, absent columns, fairness without groups', async () => {
    const refused = async (gates: string[], words: RegExp): Promise<void> =>
      assert.rejects(
        rooms.evaluation.judge(request({ spec: { gates } })),
        (error) => hasCode(error, 'INVALID_ARGUMENT') && words.test(error.message),
      );
    await refused(['rmse <= 3'], /"rmse" is no metric of a binary task/);
    await refused(['accuracy by Planet >= 0.7'], /slices by "Planet" are asked for/);
    await refused(['equal_opportunity_difference <= 0.1'], /it needs a column/);
  });

  describe('champion and challenger', () => {
    test('a model against itself differs by nothing', async () => {
      const same = await rooms.evaluation.compare({
        champion: linear.run.id,
        challenger: linear.run.id,
        dataset: parts.test,
        resamples: 100,
      });
      assert.deepEqual([same.difference, same.verdict, same.rows, same.metric], [0, 'no_evidence', 1116, 'roc_auc']);
    });

    test('the report tells better from worse on the same rows', async () => {
      const spec = {
        ...churnTransform,
        transform: {
          numeric: churnTransform.transform.numeric,
          exclude: held.names.filter((name) => !['MonthlyCharges', 'Churn'].includes(name)),
        },
      };
      const poor = await trainOne(rooms, {
        trainer: 'logistic',
        spec,
        key: 'customerID',
        train: parts.train,
        validation: parts.validation,
      });
      const judged = await rooms.evaluation.judge(request({ model: trees.run.id, champion: poor.run.id, repeats: 0 }));
      assert.equal(judged.comparison?.verdict, 'better');
      const [champion, challenger] = [await scoresOf(poor.run.id, held), await scoresOf(trees.run.id, held)];
      assert.equal(judged.comparison.championValue, computeMetrics('binary', champion.truth, champion.scores).roc_auc);
      assert.equal(judged.comparison.challengerValue, computeMetrics('binary', challenger.truth, challenger.scores).roc_auc);
      const back = await rooms.evaluation.compare({
        champion: trees.run.id,
        challenger: poor.run.id,
        dataset: parts.test,
        metric: 'log_loss',
        resamples: 200,
      });
      assert.equal(back.verdict, 'worse', 'a greater log loss');
    });

    test('rows that either learned from are left out or refused', async () => {
      const onTest = await trainOne(rooms, {
        trainer: 'logistic',
        spec: churnTransform,
        key: 'customerID',
        train: parts.test,
        validation: parts.validation,
      });
      const compare = (dataset: string) =>
        rooms.evaluation.compare({ champion: onTest.run.id, challenger: linear.run.id, dataset, resamples: 100 });
      await assert.rejects(compare(parts.test), (error) => hasCode(error, 'FAILED_PRECONDITION'));
      await assert.rejects(rooms.evaluation.judge(request({ champion: onTest.run.id, repeats: 0 })), (error) =>
        hasCode(error, 'FAILED_PRECONDITION'),
      );
      const copy = await versionOf(rooms, 'copy', sliceRows(held, 0, 400));
      await assert.rejects(compare(copy), (error) => hasCode(error, 'FAILED_PRECONDITION') && error.message.includes('all 400 rows'));
      const later = await rooms.data.open(parts.later);
      const both = await versionOf(rooms, 'both', concatRows([sliceRows(held, 0, 400), later]));
      assert.equal((await compare(both)).rows, later.rows);
    });
  });

  describe('explanations', () => {
    const both = (): readonly (readonly [string, 'linear' | 'tree_shap'])[] => [
      [linear.run.id, 'linear'],
      [trees.run.id, 'tree_shap'],
    ];
    test('add up to the margin, the largest part first, features with the raw value behind them', async () => {
      for (const [run, method] of both()) {
        const explained = await rooms.evaluation.explain({ run, frame: held, rows: [0, 7, 500] });
        const { scores } = await scoresOf(run, held);
        [0, 7, 500].forEach((row, i) => {
          const { base, margin, contributions, class: about } = explained[i];
          const sum = contributions.reduce((total, { contribution }) => total + contribution, base);
          assert.ok(Math.abs(sum - margin) < 1e-6, `${method}: ${sum} and ${margin}`);
          assert.ok(Math.abs(1 / (1 + Math.exp(-margin)) - scores[row]) < 1e-9);
          assert.equal(about, 'Yes');
          assert.equal(explained[i].method, method);
          const sizes = contributions.map(({ contribution }) => Math.abs(contribution));
          assert.deepEqual(
            sizes,
            sizes.toSorted((a, b) => b - a),
          );
          assert.equal(contributions.find(({ feature }) => feature === 'tenure')?.value, held.numbers('tenure')[row]);
        });
      }
    });

    test('by raw column, the features of a column are one part, and the sum stays', async () => {
      for (const [run] of both()) {
        const [byFeature] = await rooms.evaluation.explain({ run, frame: held, rows: [3] });
        const [byColumn] = await rooms.evaluation.explain({ run, frame: held, rows: [3], groupBy: 'column', model: 'churn-1' });
        const contract = byFeature.contributions.filter(({ feature }) => feature.startsWith('Contract'));
        assert.ok(contract.length >= 2);
        const whole = byColumn.contributions.find(({ feature }) => feature === 'Contract');
        const texts = held.texts('Contract');
        assert.equal(whole?.value, texts.dictionary[texts.codes[3]]);
        assert.ok(Math.abs(contract.reduce((sum, part) => sum + part.contribution, 0) - (whole?.contribution ?? Number.NaN)) < 1e-9);
        assert.equal(byColumn.model, 'churn-1');
      }
    });

    test('of named rows are those of the same rows in a table; what does not fit is said', async () => {
      const [fromTable] = await rooms.evaluation.explain({ run: trees.run.id, frame: held, rows: [11] });
      const record = Object.fromEntries(
        trees.transform.inputs.map(({ name }) => {
          const column = held.column(name);
          return [name, column.kind === 'text' ? column.dictionary[column.codes[11]] : column.values[11]];
        }),
      );
      const [fromRecord] = await rooms.evaluation.explain({ run: trees.run.id, frame: [record] });
      assert.deepEqual(fromRecord, fromTable);
      const wrong = (frame: ExplainRequest['frame'], rows?: number[]) =>
        assert.rejects(rooms.evaluation.explain({ run: trees.run.id, frame, ...(rows === undefined ? {} : { rows }) }), (error) =>
          hasCode(error, 'INVALID_ARGUMENT'),
        );
      await wrong([{ ...record, tenure: 'long' }]);
      await wrong(held, [5000]);
    });
  });

  test('the page needs no script, shows the figures, and takes no markup from data', async () => {
    const frame = createFrame(
      held.schema.map(({ name, type }) => ({
        name,
        type,
        column:
          name === 'gender'
            ? textColumn(Array.from({ length: held.rows }, (_, row) => (row % 2 === 0 ? '<script>alert(1)</script>' : 'a & b')))
            : held.column(name),
      })),
    );
    const version = await versionOf(rooms, 'hostile', frame);
    const judged = await rooms.evaluation.judge(request({ test: version, champion: trees.run.id }));
    const html = await rooms.evaluation.reportHtml(judged.id);
    assert.ok(!/<script/i.test(html));
    assert.ok(html.includes('&lt;script&gt;alert(1)&lt;/script&gt;') && html.includes('a &amp; b'));
    for (const words of [
      'Against the champion',
      'ROC curve',
      'Precision-recall',
      'Calibration curve',
      'Confusion matrix',
      'Permutation importance',
      'prefers-color-scheme: dark',
    ])
      assert.ok(html.includes(words), words);
    assert.ok(html.includes((judged.metrics.find(({ name }) => name === 'roc_auc')?.value ?? 0).toFixed(3)));
    assert.ok(!/(src|href)="http/.test(html));
  });
});
