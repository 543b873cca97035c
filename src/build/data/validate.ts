import type { QualityCheck, TableSchema } from '#contract';
import type { Frame } from '#tables';
import { parquetBatches } from './quality/batches.ts';
import type { Batches } from './quality/batches.ts';
import { collect, collectFrame } from './quality/collector.ts';
import { judged } from './quality/limits.ts';
import type { LimitEntry } from './quality/limits.ts';
import { nothingMasked } from './masking.ts';
import type { MaskedColumns } from './masking.ts';
import { tally } from './quality/row-check.ts';
import { columnsFinding, schemaChecks } from './quality/schema-checks.ts';

export interface ValidateOptions {
  /** Columns whose values are not shown among the examples. */
  readonly masked?: MaskedColumns;
}

/**
 * Holds a table against its reviewed schema. Each expectation is one check; one whose outcome is `fail` is a violation.
 * References to other datasets and what depends on the clock are no part of it: the quality report judges them.
 * @returns checks in the order: columns, then each column's own, keys, the rules between columns
 * @throws GyreError INVALID_ARGUMENT when a rule cannot be read
 */
export function validateFrame(frame: Frame, schema: TableSchema, { masked = nothingMasked }: ValidateOptions = {}): QualityCheck[] {
  const checks = schemaChecks(frame, schema);
  const findings = collectFrame(
    frame,
    checks.map((check) => tally(check, masked)),
  );
  const limits = limitsOfSchema(schema);
  return [columnsFinding(frame, schema), ...findings].map((finding) => judged(finding, limits));
}

/** Holds the rows of a Parquet file against a reviewed schema, batch by batch: like `validateFrame`. @param path absolute */
export async function validateParquet(
  path: string,
  schema: TableSchema,
  { masked = nothingMasked }: ValidateOptions = {},
): Promise<QualityCheck[]> {
  return validateBatches(await parquetBatches(path), schema, { masked });
}

/** As `validateFrame`, batch by batch. */
export async function validateBatches(
  batches: Batches,
  schema: TableSchema,
  { masked = nothingMasked }: ValidateOptions = {},
): Promise<QualityCheck[]> {
  const collectors = schemaChecks(batches, schema).map((check) => tally(check, masked));
  await collect(batches, collectors);
  const findings = collectors.flatMap((collector) => collector.findings());
  const limits = limitsOfSchema(schema);
  return [columnsFinding(batches, schema), ...findings].map((finding) => judged(finding, limits));
}

/** The limits that a schema sets for its checks. */
export function limitsOfSchema(schema: TableSchema | undefined): LimitEntry[] {
  return Object.entries(schema?.checks ?? {});
}

/** The violations among checks: those whose outcome is `fail`. */
export function violationsOf(checks: readonly QualityCheck[]): QualityCheck[] {
  return checks.filter(({ outcome }) => outcome === 'fail');
}
