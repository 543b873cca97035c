import type { SchemaComparison, TableSchema } from '#contract';
import type { Frame } from '#tables';
import { nothingMasked } from '../masking.ts';
import { collect } from '../quality/collector.ts';
import { frameBatches } from '../quality/batches.ts';
import type { OpenedRows } from '../quality/batches.ts';
import { valueCounts } from '../quality/value-counts.ts';
import { validateBatches } from '../validate.ts';
import { schemaDifferences } from './differences.ts';
import { inferRows } from './infer.ts';
import type { InferenceOptions } from './infer.ts';

/** Holds rows against a reviewed schema, and the schema against what the rows suggest. @throws GyreError INVALID_ARGUMENT for a rule that cannot be read */
export async function compareRows(
  opened: OpenedRows,
  reviewed: TableSchema,
  options: InferenceOptions,
): Promise<Pick<SchemaComparison, 'rows' | 'fits' | 'differences'>> {
  const { batches } = opened;
  const { masked = nothingMasked } = options;
  const checks = await validateBatches(batches, reviewed, { masked });
  const { schema } = await inferRows(opened, options);
  const types = new Map(batches.schema.map(({ name, type }) => [name, type]));
  const counted = reviewed.columns
    .filter(({ name, categories }) => categories !== undefined && types.get(name) === 'string')
    .map(({ name, categories = [] }) => ({ name, values: valueCounts(name, categories.length + 1000) }));
  await collect(
    batches,
    counted.map(({ name, values }) => ({ reads: [name], take: (batch) => values.take(batch), findings: () => [] })),
  );
  const used = new Map(
    counted.flatMap(({ name, values }) => {
      const counts = values.counts();
      return counts === undefined ? [] : [[name, new Set(counts.keys())] as const];
    }),
  );
  return {
    rows: batches.rows,
    fits: checks.every(({ outcome }) => outcome !== 'fail'),
    differences: schemaDifferences(reviewed, checks, schema, used, masked),
  };
}

/** As `compareRows`, for a table in memory. */
export function compareFrame(
  frame: Frame,
  reviewed: TableSchema,
  options: InferenceOptions,
): Promise<Pick<SchemaComparison, 'rows' | 'fits' | 'differences'>> {
  return compareRows({ batches: frameBatches(frame), sample: () => Promise.resolve(frame) }, reviewed, options);
}
