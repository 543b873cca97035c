import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { directionMark, metricLabel, thresholdOf } from './metrics.ts';

describe('metrics', () => {
  test('have one name and one direction everywhere', () => {
    assert.equal(metricLabel('roc_auc'), 'ROC AUC');
    assert.equal(metricLabel('validation_log_loss'), 'Log loss, validation');
    assert.equal(metricLabel('accuracy by Contract >= 0.65'), 'Accuracy by Contract ≥ 0.65');
    assert.equal(metricLabel('something_else'), 'something else');
    assert.equal(directionMark('roc_auc'), '↑');
    assert.equal(directionMark('train_log_loss'), '↓');
    assert.equal(directionMark('something_else'), '');
  });

  test('have thresholds that are read from their words', () => {
    assert.deepEqual(thresholdOf('>= 0.734 (0.9 of test)'), { operator: '>=', value: 0.734 });
    assert.deepEqual(thresholdOf('< 5'), { operator: '<', value: 5 });
    assert.equal(thresholdOf('4xx'), undefined);
    assert.equal(thresholdOf(undefined), undefined);
  });
});
