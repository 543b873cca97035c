import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NamedRow, TransformStep } from '#contract';
import { GyreError, canonicalJson, seeded } from '#core';
import { openSession } from '#onnx';
import { createFrame, frameFromRecords, numberColumn, sliceRows, takeRows, textColumn } from '#tables';
import type { Frame, TableSchema } from '#tables';
import { feeds } from './feeds.ts';
import { fitTransform } from './fit.ts';
import type { FittedTransform } from './recipe.ts';
import { matrixOf } from './run-graph.ts';
import { foldsOf } from './training-rows.ts';

type Spec = TransformStep['transform'];

const schema: TableSchema = [
  { name: 'id', type: 'string' },
  { name: 'age', type: 'number' },
  { name: 'senior', type: 'boolean' },
  { name: 'plan', type: 'string' },
  { name: 'since', type: 'instant' },
  { name: 'left', type: 'string' },
];
const records: readonly NamedRow[] = [
  { id: '1', age: 10, senior: true, plan: 'b', since: '2024-01-01', left: 'no' },
  { id: '2', age: 20, senior: false, plan: 'a', since: '2024-02-03', left: 'yes' },
  { id: '3', age: null, senior: false, plan: 'a', since: null, left: 'no' },
  { id: '4', age: 40, senior: null, plan: null, since: '2023-12-31', left: 'yes' },
  { id: '5', age: 50, senior: true, plan: 'c', since: '2024-01-01', left: 'no' },
];
const frame = frameFromRecords(records, schema);

const fit = (transform: Spec, rows: Frame = frame, more: Partial<TransformStep> = {}): Promise<FittedTransform> =>
  fitTransform(
    rows,
    { of: 'people', target: 'left', transform, ...more },
    { key: 'id', train: [{ version: 'v', weight: 1 }], weights: new Float64Array(rows.rows).fill(1) },
  );

/** Feature values by name, one list per feature. */
async function columns(fitted: FittedTransform, rows: Frame, forTraining = false): Promise<Record<string, number[]>> {
  const matrix = await matrixOf(fitted, rows, { forTraining });
  return Object.fromEntries(
    matrix.names.map((name, column) => [
      name,
      Array.from({ length: matrix.rows }, (_, row) => matrix.values[row * matrix.columns + column]),
    ]),
  );
}

async function problem(transform: Spec, rows?: Frame, more?: Partial<TransformStep>): Promise<string> {
  try {
    await fit(transform, rows, more);
  } catch (error) {
    assert.ok(error instanceof GyreError, String(error));
    assert.equal(error.code, 'INVALID_ARGUMENT');
    return error.message;
  }
  throw new assert.AssertionError({ message: 'the specification was accepted' });
}

const single = Math.fround;

describe('fitting a transform', () => {
  test('imputes, scales and encodes with the statistics of the training rows', async () => {
    const fitted = await fit({ exclude: ['since'], numeric: { impute: 'mean', scale: 'standard' } });
    const { age, senior, ...categories } = await columns(fitted, frame);
    // Ages with the mean 30 in the gap: 10 20 30 40 50; population deviation sqrt(200).
    assert.deepEqual(
      age,
      [-20, -10, 0, 10, 20].map((difference) => single(difference / Math.sqrt(200))),
    );
    // 1 0 0 ? 1 with the mean 0.5: mean 0.5, deviation sqrt(1 / 5).
    assert.deepEqual(
      senior,
      [0.5, -0.5, -0.5, 0, 0.5].map((difference) => single(difference / Math.sqrt(0.2))),
    );
    assert.deepEqual(categories, {
      'plan=a': [0, 1, 1, 0, 0],
      'plan=b': [1, 0, 0, 0, 0],
      'plan=c': [0, 0, 0, 0, 1],
      'plan=(missing)': [0, 0, 0, 1, 0],
    });
    const facts = fitted.description.features.find(({ name }) => name === 'plan=a');
    assert.deepEqual(facts, { name: 'plan=a', from: ['plan'], how: 'one-hot: 1 where plan is a' });
  });

  test('offers median, most frequent, constant, missing flag and none for numbers', async () => {
    const gap = async (impute: NonNullable<Spec['numeric']>['impute']): Promise<Record<string, number[]>> =>
      columns(await fit({ exclude: ['since', 'senior', 'plan'], numeric: { impute } }), sliceRows(frame, 2, 3));
    assert.deepEqual(await gap('median'), { age: [30] });
    assert.deepEqual(await gap('most_frequent'), { age: [10] });
    assert.deepEqual(await gap({ constant: -1 }), { age: [-1] });
    assert.deepEqual(await gap('missing'), { age: [30], 'age=(missing)': [1] });
    assert.deepEqual(await gap('none'), { age: [NaN] });
  });

  test('scales to 0 … 1, also beyond the range at inference', async () => {
    const fitted = await fit({ exclude: ['since', 'senior', 'plan'], numeric: { scale: 'minmax' } });
    const later = createFrame([{ name: 'age', column: numberColumn(Float64Array.of(10, 50, 90)) }]);
    assert.deepEqual(await columns(fitted, later), { age: [0, 1, 2] });
  });

  test('clips outliers of training rows alone, at the quantiles asked for', async () => {
    const fitted = await fit({
      exclude: ['since', 'senior', 'plan'],
      derive: { double: 'age * 2' },
      numeric: { clip: { lower: 0.25, upper: 0.75 } },
    });
    // Quartiles of 10 20 40 50 are 17.5 and 42.5; the derived feature is computed from clipped ages.
    assert.deepEqual(await columns(fitted, frame, true), { age: [17.5, 20, 30, 40, 42.5], double: [35, 40, 60, 80, 85] });
    assert.deepEqual((await columns(fitted, frame)).age, [10, 20, 30, 40, 50]);
  });

  test('merges rare categories as other, and numbers can be categories', async () => {
    const fitted = await fit({
      exclude: ['since', 'age'],
      categorical: { minFrequency: 2 },
      columns: { senior: { encode: 'one_hot', minFrequency: 1 } },
    });
    assert.deepEqual(await columns(fitted, frame), {
      'senior=0': [0, 1, 1, 0, 0],
      'senior=1': [1, 0, 0, 0, 1],
      'senior=(missing)': [0, 0, 0, 1, 0],
      'plan=a': [0, 1, 1, 0, 0],
      'plan=(other)': [1, 0, 0, 0, 1],
      'plan=(missing)': [0, 0, 0, 1, 0],
    });
  });

  test('gives unknown categories zeros, the code -1 or the overall mean', async () => {
    const unseen = frameFromRecords([{ plan: 'zzz' }, { plan: 'c' }, { plan: null }], [{ name: 'plan', type: 'string' }]);
    const only = (encode: 'one_hot' | 'ordinal' | 'target'): Promise<FittedTransform> =>
      fit({ exclude: ['age', 'senior', 'since'], categorical: { encode } });
    assert.deepEqual(await columns(await only('one_hot'), unseen), {
      'plan=a': [0, 0, 0],
      'plan=b': [0, 0, 0],
      'plan=c': [0, 1, 0],
      'plan=(missing)': [0, 0, 1],
    });
    assert.deepEqual(await columns(await only('ordinal'), unseen), { plan: [-1, 2, 3] });
    // Two of five left: (0 + 10 x 0.4) / 11 for c, (1 + 4) / 11 for the missing one.
    assert.deepEqual(await columns(await only('target'), unseen), { 'target_mean(plan)': [single(0.4), single(4 / 11), single(5 / 11)] });
  });

  test('encodes the target of training rows from the other folds, so that no row sees its own', async () => {
    const rows = 200;
    const random = seeded(3);
    const group = Array.from({ length: rows }, () => `g${random.int(4)}`);
    const left = Array.from({ length: rows }, () => (random.next() < 0.4 ? 'yes' : 'no'));
    const table = createFrame([
      { name: 'plan', column: textColumn(group) },
      { name: 'left', column: textColumn(left) },
    ]);
    const fitted = await fit({ categorical: { encode: 'target' } }, table);
    const got = (await columns(fitted, table, true))['target_mean(plan)'];
    const { foldOf, count } = foldsOf(rows);
    assert.equal(count, 5);
    for (let row = 0; row < rows; row++) {
      const others = Array.from({ length: rows }, (_, other) => other).filter((other) => foldOf[other] !== foldOf[row]);
      const prior = others.filter((other) => left[other] === 'yes').length / others.length;
      const same = others.filter((other) => group[other] === group[row]);
      const sum = same.filter((other) => left[other] === 'yes').length;
      assert.ok(Math.abs(got[row] - (sum + 10 * prior) / (same.length + 10)) < 1e-7);
    }
    await assert.rejects(matrixOf(fitted, sliceRows(table, 0, 100), { forTraining: true }), /fitted on 200 rows and has target encodings/);
  });

  test('makes calendar features of instants', async () => {
    const fitted = await fit({ exclude: ['age', 'senior', 'plan'], numeric: { impute: { constant: 0 } } });
    assert.deepEqual(await columns(fitted, frame), {
      'year(since)': [2024, 2024, 0, 2023, 2024],
      'month(since)': [1, 2, 0, 12, 1],
      'weekday(since)': [1, 6, 0, 7, 1],
      'hour(since)': [0, 0, 0, 0, 0],
    });
  });

  test('replaces columns by their principal components', async () => {
    const random = seeded(5);
    const x = Float64Array.from({ length: 50 }, () => random.normal());
    const table = createFrame([
      { name: 'x', column: numberColumn(x) },
      { name: 'y', column: numberColumn(x.map((one) => 2 * one)) },
      { name: 'z', column: numberColumn(Float64Array.from(x, (_, at) => at)) },
      { name: 'left', column: textColumn(Array.from(x, (one) => (one > 0 ? 'yes' : 'no'))) },
    ]);
    const fitted = await fit({ pca: { columns: ['x', 'y'], components: 1 } }, table);
    assert.deepEqual(
      fitted.description.features.map(({ name }) => name),
      ['z', 'pca1'],
    );
    const mean = x.reduce((sum, one) => sum + one, 0) / 50;
    const { pca1 } = await columns(fitted, table);
    // y = 2 x, so the component is (x - mean) times the root of five.
    for (const [at, one] of pca1.entries()) assert.ok(Math.abs(one - (x[at] - mean) * Math.sqrt(5)) < 1e-5);
    assert.deepEqual(fitted.description.features[1].from, ['x', 'y']);
  });

  test('leaves out target, key and excluded columns, which expressions may still use', async () => {
    const fitted = await fit({ exclude: ['age', 'since', 'senior', 'plan'], derive: { root: 'sqrt(age)', twice: 'root * 2' } });
    assert.deepEqual(fitted.description.features, [
      { name: 'root', from: ['age'], how: 'sqrt(age); missing values as 5.39835' },
      { name: 'twice', from: ['age'], how: 'root * 2; missing values as 10.7967' },
    ]);
    assert.deepEqual(
      fitted.description.recipe.inputs.map(({ name }) => name),
      ['age'],
    );
  });

  test('gives the same bytes for the same rows, however the specification was ordered', async () => {
    const spec: Spec = {
      derive: { one: 'age + 1', two: 'one * age' },
      numeric: { impute: 'median', scale: 'standard' },
      categorical: { encode: 'target' },
    };
    const turned: Spec = {
      categorical: { encode: 'target' },
      numeric: { scale: 'standard', impute: 'median' },
      derive: { two: 'one * age', one: 'age + 1' },
    };
    const [first, second] = [await fit(spec), await fit(turned)];
    assert.deepEqual(second.graph, first.graph);
    assert.equal(canonicalJson(second.description), canonicalJson(first.description));
    const other = await fit(spec, takeRows(frame, Int32Array.of(0, 1, 2, 3)));
    assert.notDeepEqual(other.graph, first.graph);
  });

  test('settles the task by the target, and puts the positive class last', async () => {
    const task = async (target: string, more: Partial<TransformStep> = {}): Promise<unknown> => {
      const { description } = await fit({ exclude: ['since'] }, frame, { target, ...more });
      return [description.task, description.classes];
    };
    assert.deepEqual(await task('left'), ['binary', ['no', 'yes']]);
    assert.deepEqual(await task('left', { positive: 'no' }), ['binary', ['yes', 'no']]);
    const complete = frameFromRecords(
      records.map((row, at) => ({ ...row, age: at, plan: 'abc'[at % 3], senior: at > 2 })),
      schema,
    );
    const of = async (target: string, more: Partial<TransformStep> = {}): Promise<unknown> => {
      const { description } = await fit({ exclude: ['since'] }, complete, { target, ...more });
      return [description.task, description.classes];
    };
    assert.deepEqual(await of('age'), ['regression', []]);
    assert.deepEqual(await of('age', { task: 'multiclass' }), ['multiclass', ['0', '1', '2', '3', '4']]);
    assert.deepEqual(await of('plan'), ['multiclass', ['a', 'b', 'c']]);
    assert.deepEqual(await of('senior'), ['binary', ['false', 'true']]);
  });
});

describe('what a specification gets wrong', () => {
  test('is named: columns, expressions, transforms', async () => {
    assert.match(await problem({ exclude: ['nope'] }), /exclude names "nope", which is no column; the columns are "id", "age"/);
    assert.match(await problem({ columns: { nope: {} } }), /columns names "nope", which is no feature source/);
    assert.match(await problem({ derive: { r: 'age /' } }), /derived feature "r": expression "age \/", character 6/);
    assert.match(await problem({ derive: { age: 'age + 1' } }), /"age" has the name of a column/);
    assert.match(await problem({ derive: { r: 's + 1', s: 'r + 1' } }), /go in a circle: r → s → r/);
    assert.match(await problem({ derive: { r: 'since' } }), /gives an instant; a number is needed/);
    assert.match(await problem({ derive: { r: '1 + 1' } }), /uses no column/);
    assert.match(await problem({ derive: { r: 'if(left == "yes", 1, 0)' } }), /no column "left"/);
    assert.match(await problem({ columns: { plan: { impute: 'median' } } }), /"plan" is a category: median does not apply/);
    assert.match(await problem({ columns: { age: { impute: { constant: 'x' } } } }), /"age" is a number: the constant "x"/);
    assert.match(await problem({ numeric: { clip: { lower: 0.9, upper: 0.1 } } }), /lower must be less/);
    assert.match(await problem({ pca: { columns: ['age', 'plan'], components: 1 } }), /pca names "plan", which is no number feature/);
    assert.match(await problem({ exclude: ['age', 'senior', 'plan', 'since'] }), /no column is left/);
  });

  test('is named: targets', async () => {
    assert.match(await problem({}, sliceRows(frame, 0, 1)), /all 1 training rows have the class "no"/);
    assert.match(
      await problem({}, frame, { positive: 'maybe' }),
      /positive class "maybe" is in no training row; the classes are "no", "yes"/,
    );
    assert.match(await problem({}, frame, { target: 'age' }), /1 of 5 rows have no value in the target "age", the first is row 2/);
    assert.match(await problem({}, sliceRows(frame, 0, 0)), /there are no training rows/);
    assert.match(await problem({}, frame, { target: 'since' }), /row 2|an instant cannot be predicted/);
  });

  test('is named: columns of too many categories', async () => {
    const rows = 300;
    const table = (distinct: number): Frame =>
      createFrame([
        { name: 'name', column: textColumn(Array.from({ length: rows }, (_, at) => `n${at % distinct}`)) },
        { name: 'left', column: textColumn(Array.from({ length: rows }, (_, at) => (at % 2 === 0 ? 'yes' : 'no'))) },
      ]);
    assert.match(
      await problem({}, table(300)),
      /"name" has 300 different values in 300 training rows: it names rows rather than describing them; exclude it/,
    );
    assert.match(
      await problem({}, table(150)),
      /"name" has 150 categories, too many for one-hot \(100\): exclude it, set columns.name.encode/,
    );
    const { description } = await fit({}, table(60));
    assert.match(description.warnings[0], /"name" has 60 categories/);
    assert.equal((await fit({ categorical: { encode: 'target' } }, table(150))).description.features.length, 1);
  });
});

describe('applying a transform', () => {
  const spec: Spec = {
    derive: { ratio: 'age / senior', big: 'exp(age)' },
    numeric: { impute: 'median', scale: 'standard' },
    columns: { plan: { encode: 'target' }, senior: { encode: 'one_hot' } },
  };

  test('gives a row alone what it gives the row in a batch, whatever is in it', async () => {
    const fitted = await fit(spec);
    const random = seeded(17);
    const oddNumbers = [0, -0, 1, -1, NaN, Infinity, -Infinity, 1e300, -1e300, 5e-324, 1e-30, 2 ** 53];
    const oddTexts = ['a', 'b', 'never seen', '', 'ü', ' a', null];
    const rows = 120;
    const numbers = (): Float64Array => Float64Array.from({ length: rows }, () => oddNumbers[random.int(oddNumbers.length)]);
    const batch = createFrame([
      { name: 'age', column: numberColumn(numbers()) },
      { name: 'senior', column: numberColumn(numbers()), type: 'boolean' },
      { name: 'plan', column: textColumn(Array.from({ length: rows }, () => oddTexts[random.int(oddTexts.length)])) },
      { name: 'since', column: { kind: 'instant', values: Float64Array.from({ length: rows }, () => random.int(2 ** 31) * 1000) } },
    ]);
    await using session = await openSession(fitted.graph);
    const { inputs } = fitted.description.recipe;
    const whole = (await session.run(feeds(inputs, batch))).features;
    assert.ok(whole.type === 'FLOAT');
    assert.ok(whole.data.every(Number.isFinite), 'imputed features are finite, also for infinities and huge numbers');
    const width = whole.shape[1];
    for (let row = 0; row < rows; row++) {
      const alone = (await session.run(feeds(inputs, sliceRows(batch, row, row + 1)))).features;
      assert.deepEqual(alone.data, whole.data.subarray(row * width, (row + 1) * width));
    }
  });

  test('is computed without ONNX Runtime to the same values, whatever is in a row', async () => {
    const fitted = await fit({
      derive: { ratio: 'age / senior', old: 'if(age >= 40, 1, 0)', begun: 'year(since)' },
      numeric: { impute: 'median', scale: 'standard' },
      columns: { plan: { encode: 'target' }, senior: { encode: 'one_hot' } },
    });
    const random = seeded(23);
    const rows = 500;
    const odd = [0, -0, 1, -1, NaN, Infinity, -Infinity, 1e300, 5e-324, 40, 2 ** 53];
    const numbers = (): Float64Array => Float64Array.from({ length: rows }, () => odd[random.int(odd.length)]);
    const texts = ['a', 'b', 'never seen', '', null];
    const batch = createFrame([
      { name: 'age', column: numberColumn(numbers()) },
      { name: 'senior', column: numberColumn(numbers()), type: 'boolean' },
      { name: 'plan', column: textColumn(Array.from({ length: rows }, () => texts[random.int(texts.length)])) },
      { name: 'since', column: { kind: 'instant', values: Float64Array.from({ length: rows }, () => random.int(2 ** 31) * 1000) } },
    ]);
    await using runtime = await openSession(fitted.graph);
    await using direct = await openSession(fitted.graph, { direct: true });
    const { inputs } = fitted.description.recipe;
    assert.ok(direct.runNow);
    for (const part of [batch, sliceRows(batch, 0, 1), sliceRows(batch, 7, 9)]) {
      const given = feeds(inputs, part);
      assert.deepEqual(direct.runNow(given), await runtime.run(given));
    }
  });

  test('gives an empty matrix for an empty batch', async () => {
    const matrix = await matrixOf(await fit(spec), sliceRows(frame, 0, 0));
    assert.deepEqual([matrix.rows, matrix.values.length, matrix.columns > 0], [0, 0, true]);
  });

  test('treats what is not finite as missing, and keeps huge numbers in order', async () => {
    const fitted = await fit({ exclude: ['since', 'senior', 'plan'] });
    const odd = createFrame([{ name: 'age', column: numberColumn(Float64Array.of(Infinity, -Infinity, NaN, 1e300, -1e300, 1e20)) }]);
    assert.deepEqual((await columns(fitted, odd)).age, [30, 30, 30, single(1e30), single(-1e30), single(1e20)]);
  });

  test('takes named rows as it takes a table', async () => {
    const fitted = await fit(spec);
    await using session = await openSession(fitted.graph);
    const { inputs } = fitted.description.recipe;
    const fromRows = (await session.run(feeds(inputs, records, { ignore: ['id', 'left'] }))).features;
    const fromFrame = (await session.run(feeds(inputs, frame))).features;
    assert.deepEqual(fromRows.data, fromFrame.data);
    assert.throws(() => feeds(inputs, records), /row 0 has the columns "id", "left" that the model does not take/);
    assert.throws(() => feeds(inputs, createFrame([], 1)), /the table lacks "age", "senior", "plan", "since"/);
    const mistyped = createFrame(['age', 'senior', 'plan', 'since'].map((name) => ({ name, column: textColumn(['x']) })));
    assert.throws(() => feeds(inputs, mistyped), /column "age" is of type string; the model takes number here/);
  });
});
