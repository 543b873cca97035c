import type { FailingExample } from '#contract';
import { sqlName } from '#tables';
import { askRows } from './ask-rows.ts';
import { wholeTable } from './batches.ts';
import { known } from './collector.ts';
import type { Collector } from './collector.ts';
import { coverageCollectors } from './coverage.ts';
import { never, unmeasured, warning } from './limits.ts';
import type { Finding } from './limits.ts';
import { exampleAt } from '../masking.ts';
import { examplesKept, fails, shareFinding, shownExamples } from './row-check.ts';
import { never as noRow } from './row-sql.ts';
import { markMissing, missingCheck, schemaChecks } from './schema-checks.ts';
import { judgedRows } from './subject.ts';
import type { QualitySubject } from './subject.ts';

/** A column that misses more than this share without a limit in the schema is worth a warning. */
const muchMissing = 0.05;

/** Completeness: is everything there? Missing values per column, rows without any missing value, rows that miss most; coverage of time, space, groups. */
export function completenessCollectors(subject: QualitySubject): Collector[] {
  const { batches, request } = subject;
  const limited = request.schema ? schemaChecks(batches, request.schema).filter(({ name }) => name.startsWith('missing: ')) : [];
  const names = new Set(limited.map(({ name }) => name));
  const unlimited = batches.schema.filter(({ name }) => !names.has(`missing: ${name}`));
  return [
    ...limited.map((check) => judgedRows(subject, check)),
    ...unlimited.map(({ name }) => onlyWhenFailing(judgedRows(subject, missingCheck(name, { warn: 1 - muchMissing })))),
    rowsCollector(subject),
    known(
      request.schema
        ? expectedColumns(
            subject,
            request.schema.columns.filter(({ presence }) => presence !== 'optional').map(({ name }) => name),
          )
        : unmeasured('expected columns', 'no reviewed schema was given'),
    ),
    ...coverageCollectors(subject),
  ];
}

/** Columns without a limit are only worth a line where something is missing. */
function onlyWhenFailing(collector: Collector): Collector {
  return { ...collector, findings: () => collector.findings().filter(({ failing }) => failing > 0) };
}

function rowsCollector({ batches, request, masked }: QualitySubject): Collector {
  const reads = batches.schema.map(({ name }) => name);
  const key = request.key !== undefined && reads.includes(request.key) ? request.key : undefined;
  let missing = new Uint16Array(0);
  let marks = new Uint8Array(0);
  const any = { count: 0, applied: batches.rows, examples: new Array<FailingExample>() };
  const most = { count: 0, applied: batches.rows, examples: new Array<FailingExample>() };
  return {
    reads,
    ask: async (tables) => {
      const { missing: known } = await tables.counts(wholeTable);
      const lacking = reads.filter((name) => known.get(name) !== 0);
      const each = lacking.map((name) => `${sqlName(name)} IS NULL`);
      const some = each.length === 0 ? noRow : each.join(' OR ');
      const half =
        each.length * 2 <= reads.length ? noRow : `${each.map((lacks) => `(${lacks})::INTEGER`).join(' + ')} > ${reads.length / 2}`;
      const ask = { columns: key === undefined ? [] : [key], examples: examplesKept };
      const found = await Promise.all(
        [some, half].map((fails) => askRows(tables, { ...ask, sql: { fails, present: [], scans: lacking } })),
      );
      [any, most].forEach((into, i) => {
        into.count = found[i].count;
        into.examples.push(...shownExamples(found[i], key, masked));
      });
    },
    take: (batch, firstRow) => {
      if (marks.length < batch.rows) [marks, missing] = [new Uint8Array(batch.rows), new Uint16Array(batch.rows)];
      missing.fill(0, 0, batch.rows);
      for (const name of reads) {
        markMissing(batch, name, marks);
        for (let row = 0; row < batch.rows; row++) missing[row] += marks[row] & fails;
      }
      for (let row = 0; row < batch.rows; row++) {
        if (missing[row] === 0) continue;
        any.count++;
        const isMost = missing[row] * 2 > reads.length;
        if (isMost) most.count++;
        if (any.examples.length < examplesKept) any.examples.push(exampleAt(batch, key, row, masked, firstRow));
        if (isMost && most.examples.length < examplesKept) most.examples.push(exampleAt(batch, key, row, masked, firstRow));
      }
    },
    findings: () => [
      shareFinding(
        {
          name: 'complete rows',
          limits: never,
          failed: (count) => `${count} rows miss at least one value`,
          passed: 'no row misses a value',
        },
        any,
      ),
      shareFinding(
        {
          name: 'rows with most values',
          limits: warning,
          failed: (count) => `${count} rows miss more than half of their values`,
          passed: 'every row has at least half of its values',
        },
        most,
      ),
    ],
  };
}

function expectedColumns({ batches }: QualitySubject, expected: readonly string[]): Finding {
  const present = new Set(batches.schema.map(({ name }) => name));
  const lacking = expected.filter((name) => !present.has(name));
  return {
    name: 'expected columns',
    score: expected.length === 0 ? 1 : 1 - lacking.length / expected.length,
    weight: 1,
    // the schema's own check in accuracy is the violation; here it is only a matter of the score
    limits: warning,
    message: lacking.length > 0 ? `${lacking.join(', ')} are missing` : `all ${expected.length} expected columns are there`,
    failing: lacking.length,
    applied: expected.length,
    examples: lacking.slice(0, examplesKept).map((column) => ({ column, value: null })),
  };
}
