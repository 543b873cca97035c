import { Type, type Static } from 'typebox';
import { Check } from 'typebox/schema';
import { digestOf, GyreError } from '#core';
import type { Sha256 } from '#core';

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** What decides what an output holds; its digest names the plan. */
export const PlanFacts = Type.Object({
  format: Type.Literal('gyre.batch-plan.v1'),
  input: Type.Object({ sha256: Digest, rows: Type.Integer({ minimum: 0 }) }),
  package: Digest,
  output: Type.String(),
  /** The choices, as they were made. */
  choices: Type.Record(Type.String(), Type.Unknown()),
  partRows: Type.Integer({ minimum: 1 }),
});
export type PlanFacts = Static<typeof PlanFacts>;

/** The first thing that is written: by it an unfinished run is known again. */
export const KeptPlan = Type.Object({
  digest: Digest,
  facts: PlanFacts,
  /** This run of the plan. */
  run: Type.String(),
  /** The input as it was read: where its Parquet file is, and how the source stood. */
  input: Type.Object({
    address: Type.String(),
    path: Type.String(),
    untyped: Type.Union([Type.Literal('all'), Type.Array(Type.String())]),
    stamp: Type.String(),
    found: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** Digest of source and reading: another source, or one read in another way, is another input. */
    source: Digest,
  }),
});
export type KeptPlan = Static<typeof KeptPlan>;

/** A part that is finished. */
export const PartRecord = Type.Object({
  start: Type.Integer({ minimum: 0 }),
  end: Type.Integer({ minimum: 0 }),
  predicted: Type.Integer({ minimum: 0 }),
  failed: Type.Integer({ minimum: 0 }),
  failures: Type.Array(Type.Tuple([Type.String(), Type.Integer()])),
});
export type PartRecord = Static<typeof PartRecord>;

export function planDigest(facts: PlanFacts): Sha256 {
  return digestOf(facts);
}

/** @returns undefined for what is no plan of this version: then the work begins anew */
export function asPlan(value: unknown): KeptPlan | undefined {
  return Check(KeptPlan, value) && planDigest(value.facts) === value.digest ? value : undefined;
}

export function asPart(value: unknown): PartRecord | undefined {
  return Check(PartRecord, value) && value.predicted + value.failed === value.end - value.start ? value : undefined;
}

/** Rows of a part hold about so many values: they are in memory once for each worker. */
const partCells = 12_000_000;
const groupRows = 2048;
const mostPartRows = 491_520;

/** Rows of a part by the number of columns. */
export function usualPartRows(columns: number): number {
  const rows = Math.floor(partCells / Math.max(1, columns) / groupRows) * groupRows;
  return Math.max(groupRows, Math.min(mostPartRows, rows));
}

/** The parts of a plan; an input without rows has one, which is empty. */
export function partsOf(rows: number, partRows: number): readonly { readonly at: number; readonly start: number; readonly end: number }[] {
  const count = Math.max(1, Math.ceil(rows / partRows));
  return Array.from({ length: count }, (_, at) => ({ at, start: at * partRows, end: Math.min(rows, (at + 1) * partRows) }));
}

/** What to do about a share of rows that failed. @throws GyreError FAILED_PRECONDITION when it is more than allowed */
export function requireFewFailed(
  {
    rows,
    failed,
    failures,
  }: { readonly rows: number; readonly failed: number; readonly failures: readonly { readonly reason: string; readonly rows: number }[] },
  maxFailed: number | undefined,
): void {
  const allowed = maxFailed === undefined ? rows - 1 : Math.floor(maxFailed * rows);
  if (rows === 0 || failed <= allowed) return;
  const why = failures
    .slice(0, 3)
    .map((failure) => `${failure.reason} (${failure.rows})`)
    .join('; ');
  const limit = maxFailed === undefined ? 'at least one row must get a prediction' : `at most ${allowed} may fail`;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${failed} of ${rows} rows failed, ${limit}, so nothing is published: ${why}. With a larger share allowed (--max-failed ${(Math.ceil((failed / rows) * 100) / 100).toString()}) the same command publishes what is done`,
    { rows, failed },
  );
}
