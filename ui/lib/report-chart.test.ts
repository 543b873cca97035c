import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readChart, searchOf } from './report-chart.ts';

describe('a chart in a report', () => {
  test('is read line by line, and what it does not say is as usual', () => {
    const read = readChart("metric: loss\nexperiment: vision\nfilter: params.depth = '3'\n# a remark\nx: relative\nby: lr\nlog: y");
    assert.ok(read.ok);
    const { kind, metric, limit, by, view } = read.chart;
    assert.deepEqual([kind, metric, limit, by, view.axis, view.by, view.logY], ['lines', 'loss', 20, 'lr', 'relative', 'lr', true]);
    assert.deepEqual(searchOf(read.chart, '7'), {
      experiments: ['7'],
      filter: "params.depth = '3'",
      order: [],
      limit: 20,
      columns: { metrics: ['loss'], parameters: ['lr'] },
    });
  });

  test('may name its runs, which then are what is searched for', () => {
    const read = readChart("metric: loss\nruns: a, b'c");
    assert.ok(read.ok);
    assert.deepEqual(searchOf(read.chart, undefined), {
      filter: "attributes.run_id IN ('a', 'bc')",
      order: [],
      limit: 20,
      columns: { metrics: ['loss'], parameters: [] },
    });
  });

  test('that cannot be read says what would be right, and in which line', () => {
    const faults = [
      ['', 'it needs a metric', 1],
      ['metric: loss\nmood: good', 'is none of kind, metric', 2],
      ['metric: loss\nkind: pie', 'one of lines, box', 2],
      ['metric: loss\nlimit: 500', 'from 1 to 100', 2],
      ['metric: loss\nkind: box', 'needs a parameter', 2],
      ['metric: loss\nmetric: auc', 'said twice', 2],
    ] as const;
    for (const [text, message, line] of faults) {
      const read = readChart(text);
      assert.ok(!read.ok);
      assert.ok(read.message.includes(message), read.message);
      assert.equal(read.line, line);
    }
  });
});
