import type { FailingExample } from '#contract';
import { quantilesOfSorted, sorted } from '#stats';
import { askRows } from './ask-rows.ts';
import { collectReferences } from './references.ts';
import { known } from './collector.ts';
import type { Collector } from './collector.ts';
import { unmeasured, warning } from './limits.ts';
import { exampleAt } from '../masking.ts';
import { populationCollectors, representativenessFindings } from './representativeness.ts';
import { examplesKept, rowsWord, shareFinding, shownExamples } from './row-check.ts';
import { rangeSql } from './row-sql.ts';
import { columnsFinding, schemaChecks } from './schema-checks.ts';
import { judgedRows } from './subject.ts';
import type { QualitySubject } from './subject.ts';

/** Tukey's outer fence: values beyond it are far out, whatever the distribution looks like (Tukey 1977). */
const fence = 3;
const examplesOfColumn = 2;

/**
 * Accuracy: do the values mean what they should? The reviewed schema's expectations and rules, values that another dataset must know,
 * values far outside of their own column, labels that a model contradicts, and whether the rows stand for the population that they are meant to.
 */
export function accuracyCollectors(subject: QualitySubject): Collector[] {
  const { batches, request } = subject;
  const { schema } = request;
  const expected = schema
    ? [
        known(columnsFinding(batches, schema)),
        ...schemaChecks(batches, schema)
          .filter(({ name }) => /^(type|range|categories|pattern|length|rule): /.test(name))
          .map((check) => judgedRows(subject, check)),
        ...collectReferences(subject, schema),
      ]
    : [known(unmeasured('schema', 'no reviewed schema was given; the types are inferred ones'))];
  return [
    ...expected,
    plausibility(subject),
    known(...subject.labels),
    ...populationCollectors(subject),
    known(...representativenessFindings(subject)),
  ];
}

/** One check over all number columns, so that many columns do not drown the others. The fences come from the sample. */
function plausibility(subject: QualitySubject): Collector {
  const { sample, batches, masked, request } = subject;
  const fences = sample.schema.flatMap(({ name, type }) => {
    if ((type !== 'number' && type !== 'integer') || name === request.key) return [];
    const [low, high] = quantilesOfSorted(sorted(sample.numbers(name)), [0.25, 0.75]);
    const reach = fence * (high - low);
    // a column that is mostly one value has no width to measure by
    return reach > 0 ? [{ name, low: low - reach, high: high + reach, count: 0, examples: new Array<FailingExample>() }] : [];
  });
  let applied = 0;
  return {
    reads: fences.map(({ name }) => name),
    ask: async (tables) => {
      await Promise.all(
        fences.map(async (each) => {
          const { name, low, high } = each;
          const sql = rangeSql(name, 'number', low, high);
          if (sql === undefined) return;
          const found = await askRows(tables, { sql, columns: [name], examples: examplesOfColumn });
          each.count = found.count;
          each.examples.push(...shownExamples(found, name, masked));
          applied += found.applied;
        }),
      );
    },
    take: (batch, firstRow) => {
      for (const each of fences) {
        const values = batch.numbers(each.name);
        for (let row = 0; row < values.length; row++) {
          const value = values[row];
          if (value < each.low || value > each.high) {
            each.count++;
            if (each.examples.length < examplesOfColumn) each.examples.push(exampleAt(batch, each.name, row, masked, firstRow));
          } else if (value !== value) continue;
          applied++;
        }
      }
    },
    findings: () => {
      if (applied === 0) return [unmeasured('plausible values', 'there is no number column with a spread')];
      const failing = fences.filter(({ count }) => count > 0);
      const count = failing.reduce((sum, each) => sum + each.count, 0);
      const examples = failing.flatMap((each) => each.examples).slice(0, examplesKept);
      const finding = shareFinding(
        {
          name: 'plausible values',
          limits: warning,
          weight: 0.5,
          failed: (values) => `${values} values lie beyond three interquartile ranges, in ${failing.map(({ name }) => name).join(', ')}`,
          passed: 'no number lies beyond three interquartile ranges of its column',
        },
        { count, applied, examples },
      );
      return [
        sample.rows === batches.rows ? finding : { ...finding, message: `${finding.message} (ranges of ${rowsWord(sample.rows)} drawn)` },
      ];
    },
  };
}
