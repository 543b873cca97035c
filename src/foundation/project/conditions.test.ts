import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { meets, parseDuration, parseGate, parseMonitorThreshold, parseRowCondition, parseThreshold, thresholdText } from './index.ts';
import { headerFields } from './dataset-columns.ts';
import { closest } from './suggest.ts';

const invalid = (error: unknown): boolean => hasCode(error, 'INVALID_ARGUMENT');

describe('conditions as people write them', () => {
  test('a threshold is a comparison and a number', () => {
    assert.deepEqual(parseThreshold(' >=0.83 '), { operator: '>=', value: 0.83 });
    assert.deepEqual(parseThreshold('< -1.5e-3'), { operator: '<', value: -0.0015 });
    assert.equal(thresholdText(parseThreshold('<= .5')), '<= 0.5');
    for (const text of ['0.83', '=> 0.8', '>= ', '>= 0,8', '>= 0.8 of train']) assert.throws(() => parseThreshold(text), invalid, text);
  });
  test('a limit is met on itself only where the comparison includes it, and never by what was not measured', () => {
    const verdicts = ['>= 1', '<= 1', '> 1', '< 1'].map((text) => [
      meets(1, parseThreshold(text)),
      meets(Number.NaN, parseThreshold(text)),
    ]);
    assert.deepEqual(verdicts, [
      [true, false],
      [true, false],
      [false, false],
      [false, false],
    ]);
  });
  test('a monitor may refer to the test report', () => {
    assert.deepEqual(parseMonitorThreshold('>= 0.90 of test'), { text: '>= 0.90 of test', operator: '>=', value: 0.9, relativeTo: 'test' });
    assert.deepEqual(parseMonitorThreshold('<= 2'), { text: '<= 2', operator: '<=', value: 2 });
    assert.throws(() => parseMonitorThreshold('>= 0.9 of train'), invalid);
  });
  test('a gate may hold for every value of a column, whose name may have spaces', () => {
    assert.deepEqual(parseGate('accuracy by Contract >= 0.70'), {
      text: 'accuracy by Contract >= 0.70',
      metric: 'accuracy',
      by: 'Contract',
      operator: '>=',
      value: 0.7,
    });
    assert.equal(parseGate('accuracy by "Kind of contract" >= 0.7').by, 'Kind of contract');
    assert.equal(parseGate('accuracy by Kind of contract >= 0.7').by, 'Kind of contract');
    assert.equal(parseGate('log_loss<0.5').by, undefined);
    assert.deepEqual([parseGate('roc_auc on newest >= 0.8').on, parseGate('roc_auc on newest >= 0.8').by], ['newest', undefined]);
    for (const text of ['accuracy', 'accuracy by >= 0.7', '>= 0.7', 'accuracy >= good'])
      assert.throws(() => parseGate(text), invalid, text);
  });
  test('a length of time has a unit', () => {
    assert.deepEqual(
      ['250ms', '30s', '15m', '6h', '1d', '2w', '1.5h'].map(parseDuration),
      [250, 30_000, 900_000, 21_600_000, 86_400_000, 1_209_600_000, 5_400_000],
    );
    for (const text of ['1', '1 d', '-1d', 'd', '1y']) assert.throws(() => parseDuration(text), invalid, text);
  });
  test('a condition on rows compares a column with a constant or a column', () => {
    assert.deepEqual(parseRowCondition('tenure > 0'), { left: { column: 'tenure' }, operator: '>', right: { value: 0 } });
    assert.deepEqual(parseRowCondition("town = 'L''Aquila'").right, { value: "L'Aquila" });
    assert.deepEqual(parseRowCondition("Contract == 'One year'"), {
      left: { column: 'Contract' },
      operator: '=',
      right: { value: 'One year' },
    });
    assert.deepEqual(parseRowCondition('"Total charges" >= MonthlyCharges'), {
      left: { column: 'Total charges' },
      operator: '>=',
      right: { column: 'MonthlyCharges' },
    });
    for (const text of ['tenure', 'tenure >', '> 0', 'a > 0; drop table x', 'a > b > c'])
      assert.throws(() => parseRowCondition(text), invalid, text);
  });
});

describe('guessing what was meant', () => {
  test('finds the nearest word, and none where nothing is near', () => {
    assert.equal(closest('spilt', ['source', 'split', 'key']), 'split');
    assert.equal(closest('maxage', ['maxAge', 'asOf']), 'maxAge');
    assert.equal(closest('zebra', ['split', 'key']), undefined);
  });
  test('reads the header of a CSV with quotes, other separators and a line break in a name', () => {
    assert.deepEqual(headerFields('a,"b, c","d ""e"""\n1,2,3\n'), ['a', 'b, c', 'd "e"']);
    assert.deepEqual(headerFields('a;b;c\r\n1;2;3'), ['a', 'b', 'c']);
    assert.deepEqual(headerFields('a,"b\nc"\n1,2'), ['a', 'b\nc']);
    assert.equal(headerFields('\n1,2'), undefined);
  });
});
