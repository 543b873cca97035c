import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { comparisonChecks } from './checks.ts';
import { ciJunit } from './junit.ts';
import { differencePlot } from './plots.ts';
import { ciMarkdown } from './report-markdown.ts';
import { failedRun } from './testing.ts';

describe('a commit’s report as Markdown', () => {
  const text = ciMarkdown(failedRun);

  test('says the verdict, what it is compared with and what failed before everything else', () => {
    assert.match(
      text,
      /^## Gyre CI: failed\n\n\*\*shop\*\*, `a1a1a1a1a1a1` on `feature` {2}\nRegistered as \*\*shop\/2\*\* {2}\nCompared with: main at b2b2b2b2b2b2, /,
    );
    assert.ok(text.indexOf('### What failed') < text.indexOf('### Metrics'));
    assert.match(text, /\| Gates \| \*\*failed\*\* \| 0 \| 1 \| 0 \|/);
  });

  test('sets both sides beside each other, with what chance explains', () => {
    assert.match(text, /\| accuracy \| 0\.9000 \| 0\.8000 \| -0\.1000 \| \*\*worse\*\*, beyond chance \| 0\.01 \|/);
    assert.match(text, /\| log_loss \(lower is better\) \| 0\.4000 \| 0\.3900 \| -0\.0100 \| chance explains it \| {2}\|/);
    assert.match(text, /\| l2 \| 1 \| 10 \|/);
    assert.match(text, /\*\*customers\*\*: `d4d4d4d4d4d4` \(100 rows\) → `c3c3c3c3c3c3` \(90 rows\)\n- rows: 0 added, 10 removed/);
  });

  test('takes words of records as words: no markup, no mention, no column of their own', () => {
    assert.match(text, /plan = pro \\\| @\u200Bteam/);
    assert.match(text, /accuracy is 0\.8 \\\| "wanted" is more &amp; more/);
    assert.ok(text.split('\n').filter((line) => line.startsWith('| plan')).every((line) => line.replaceAll('\\|', '').split('|').length === 8)); // prettier-ignore
  });

  test('names no image and no address', () => assert.doesNotMatch(text, /!\[|https?:\/\/|<img|data:/));

  test('draws the ROC curves for Mermaid, the base’s first', () => {
    assert.match(text, /```mermaid\nxychart-beta\n.*\n.*\n.*\n {2}line \[0, 0\.9, 1\]\n {2}line \[0, 0\.7, 1\]\n```/);
  });

  test('says of a commit that could not be judged why', () => {
    const { report: _report, ...run } = failedRun;
    assert.match(ciMarkdown({ ...run, problem: 'gyre.yaml:3:1 is wrong' }), /\*\*It could not be judged:\*\* gyre\.yaml:3:1 is wrong\n$/);
  });
});

describe('intervals of differences, in characters', () => {
  test('lie on the side of 0 on which they are', () => {
    const lines = differencePlot(failedRun.report?.metrics ?? []).split('\n');
    const [accuracy, logLoss] = [lines.find((line) => line.startsWith('accuracy')) ?? '', lines.find((line) => line.startsWith('log_loss')) ?? '']; // prettier-ignore
    assert.ok(accuracy.indexOf('┤') < accuracy.indexOf('│'), accuracy);
    assert.ok(logLoss.indexOf('├') < logLoss.indexOf('│') && logLoss.indexOf('│') < logLoss.indexOf('┤'), logLoss);
  });
});

describe('a commit’s report as JUnit XML', () => {
  const xml = ciJunit(failedRun);

  test('counts what failed and what was not judged, in each suite and in all', () => {
    assert.match(xml, /<testsuites name="gyre ci: failed" tests="5" failures="2" errors="0" skipped="1" time="1\.500">/);
    assert.match(xml, /<testsuite name="data" tests="2" failures="0" errors="0" skipped="1"/);
    assert.match(xml, /<skipped message="no column says when"\/>/);
  });

  test('holds no sign that XML cannot say, and no markup of a message', () => {
    assert.match(
      xml,
      /<failure message="accuracy is 0\.8 \| &quot;wanted&quot; is">accuracy is 0\.8 \| &quot;wanted&quot; is&#10;more &amp; more\uFFFD<\/failure>/,
    );
    assert.match(xml, /name="customers: missing: &lt;age&gt;"/);
  });
});

describe('what a metric may worsen by', () => {
  const metric = { name: 'rmse', higherIsBetter: false, base: 10, here: 10.3, difference: 0.3 };
  const judged = (allowed: number, change: object = {}) => comparisonChecks([{ ...metric, ...change }], { rmse: allowed }, 'nothing to compare with')[0]; // prettier-ignore

  test('is its loss, be a higher or a lower value better', () => {
    assert.deepEqual([judged(0.3).verdict, judged(0.2).verdict], ['passed', 'failed']);
    assert.equal(judged(0, { higherIsBetter: true }).verdict, 'passed');
    assert.equal(judged(0.2).message, '10.3000 against 10.0000: worse by 0.3000');
  });

  test('is not judged without a base, and fails where the metric is not measured any more', () => {
    const { difference: _none, ...alone } = metric;
    assert.deepEqual(comparisonChecks([{ ...alone, base: null }], { rmse: 1 }, 'nothing to compare with'), [
      { part: 'comparison', name: 'rmse may worsen by 1', verdict: 'not_judged', message: 'nothing to compare with' },
    ]);
    assert.equal(comparisonChecks([], { rmse: 1 }, '')[0].verdict, 'failed');
  });
});
