import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readCsv } from '#tables';
import { contingency, independence } from './association.ts';
import { profileFrame } from './profile.ts';
import { ada, openBench } from './testing.ts';

const close = (actual: number | null | undefined, expected: number, tolerance = 1e-9): void => {
  assert.ok(
    typeof actual === 'number' && Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual} is not ${expected}`,
  );
};

describe('profiling a version', () => {
  test('gives the churn table’s figures as pandas and scipy do, and keeps them', async () => {
    await using bench = await openBench();
    const { version } = await bench.data.ingest({ dataset: 'customers', path: 'examples/churn/data/telco-churn.csv', by: ada });
    const profile = await bench.data.profile(version.digest, 'Churn');
    const column = (name: string) => profile.columns.find((each) => each.name === name);
    // references: Python's statistics and csv modules; scipy 1.x chi2_contingency with Bergsma's correction; numpy.corrcoef
    const charges = column('TotalCharges');
    assert.deepEqual([charges?.count, charges?.missing, charges?.distinct], [7032, 11, 6530]);
    close(charges?.numeric?.mean, 2283.3004408418656);
    close(charges?.numeric?.std, 2266.771361883145);
    close(charges?.numeric?.quantiles.find(({ q }) => q === 0.5)?.value, 1397.475);
    assert.equal(
      charges?.numeric?.histogram.reduce((sum, { count }) => sum + count, 0),
      7032,
    );
    assert.deepEqual(column('Contract')?.text?.top[0], { value: 'Month-to-month', count: 3875 });
    assert.equal(column('tenure')?.numeric?.zeros, 11);
    assert.equal(column('customerID')?.distinct, 7043);
    assert.equal(column('customerID')?.association, undefined, 'a key has no association');
    assert.equal(column('Churn')?.association, undefined);
    assert.equal(column('Contract')?.association?.measure, 'cramers_v');
    close(column('Contract')?.association?.value, 0.40979839182553446);
    assert.equal(column('tenure')?.association?.measure, 'correlation_ratio');
    close(column('tenure')?.association?.value, 0.352228670113078);
    assert.deepEqual(await bench.data.profile(version.digest, 'Churn'), profile);
    await assert.rejects(bench.data.profile(version.digest, 'churn'), { code: 'INVALID_ARGUMENT', message: /no column "churn"/ });
  });

  test('measures association by the kinds of the two columns', async () => {
    const { frame } = readCsv(Buffer.from('a,b,c,d,y\n1,2,p,u,10\n2,4,p,v,20\n3,6,q,u,30\n4,8,q,v,40\n'));
    const of = async (target: string, name: string) =>
      (await profileFrame(frame, 'v', target)).columns.find((each) => each.name === name)?.association;
    assert.deepEqual(await of('y', 'a'), { measure: 'pearson', value: 1 });
    assert.equal((await of('c', 'a'))?.measure, 'correlation_ratio');
    close((await of('c', 'a'))?.value, Math.sqrt(4 / 5)); // between 4, total 5 squares
    assert.deepEqual(await of('c', 'd'), { measure: 'cramers_v', value: 0 });
  });

  test('describes columns without values, with one value, and of instants', async () => {
    const { frame } = readCsv(Buffer.from('none,one,at\n,5,2026-01-01\n,5,2026-01-03\n'));
    const [none, one, at] = (await profileFrame(frame, 'v')).columns;
    assert.deepEqual(none, { name: 'none', type: 'string', count: 0, missing: 2, distinct: 0 });
    assert.deepEqual(one.numeric?.histogram, [{ low: 5, high: 5, count: 2 }]);
    assert.equal(one.numeric?.std, 0);
    assert.deepEqual(at.instants, { first: '2026-01-01T00:00:00.000Z', last: '2026-01-03T00:00:00.000Z' });
  });

  test('tests independence as scipy.stats.chi2_contingency does', () => {
    // scipy: chi2_contingency([[10, 20, 30], [6, 9, 17]]) = (0.27157465150403504, 0.873028283380073, 2)
    const rows = [
      [10, 20, 30],
      [6, 9, 17],
    ].flatMap((counts, i) => counts.flatMap((count, j) => Array.from({ length: count }, () => [i, j])));
    const table = contingency(
      rows.map(([i]) => i),
      rows.map(([, j]) => j),
    );
    assert.ok(table);
    const { statistic, pValue, degreesOfFreedom } = independence(table);
    close(statistic, 0.27157465150403504, 1e-12);
    close(pValue, 0.873028283380073, 1e-10);
    assert.equal(degreesOfFreedom, 2);
  });
});
