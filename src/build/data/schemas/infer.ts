import type { ColumnSchema, SchemaInference, TableSchema } from '#contract';
import { tableSchemaText } from '#project';
import { collect } from '../quality/collector.ts';
import { frameBatches } from '../quality/batches.ts';
import type { OpenedRows } from '../quality/batches.ts';
import { tally } from '../quality/row-check.ts';
import { schemaChecks } from '../quality/schema-checks.ts';
import { nothingMasked } from '../masking.ts';
import type { MaskedColumns } from '../masking.ts';
import { profileRows } from '../profile.ts';
import { inferSchema } from '../table-schema.ts';
import type { Frame } from '#tables';
import { suggestColumn } from './suggest-columns.ts';
import { suggestKey } from './suggest-keys.ts';
import { candidatesOf, inclusionOf } from './suggest-references.ts';
import type { ReferenceTarget } from './suggest-references.ts';
import { rhythmOf, suggestFreshness, suggestTime } from './suggest-time.ts';

export interface InferenceOptions {
  /** The column that names a row. */
  readonly key?: string;
  /** Hold later rows to the ranges and lengths that were seen; false without it. */
  readonly tight?: boolean;
  /** Personal columns: none of their values is written down. */
  readonly masked?: MaskedColumns;
  /** Now, UTC milliseconds: how fresh the rows are; without it no freshness is suggested. */
  readonly now?: number;
  /** Columns of other datasets. */
  readonly targets?: readonly ReferenceTarget[];
}

export type Inferred = Pick<SchemaInference, 'rows' | 'schema' | 'reasons' | 'tableReasons'>;

/**
 * The schema that a table suggests, for a person to review: types, which columns are complete or how much they may miss, categories, patterns
 * of codes, ranges, what is unique, keys of two columns, references to other datasets, the order and rhythm of time, freshness. What looks
 * personal is tagged. Whatever is suggested holds in every row: it is held against all of them, and left out where one differs.
 */
export async function inferRows(opened: OpenedRows, options: InferenceOptions): Promise<Inferred> {
  const { batches } = opened;
  const { key, tight = false, masked = nothingMasked, targets = [] } = options;
  const frame = await opened.sample();
  const { columns: profiles } = await profileRows(batches, opened.sample, '');
  const known = key === undefined || !batches.schema.some(({ name }) => name === key) ? {} : { key };
  const base = inferSchema(frame, known).columns.map((column) => (masked.has(column.name) ? withoutValues(column) : column));
  const suggested = base.flatMap((column) => {
    const profile = profiles.find(({ name }) => name === column.name);
    return profile === undefined ? [] : [suggestColumn(column, profile, frame, { rows: batches.rows, tight, ...known })];
  });
  const draft: TableSchema = { columns: suggested.map(({ schema }) => schema) };
  const hasKey = draft.columns.some(({ unique }) => unique === true);
  const pair = hasKey ? undefined : suggestKey(frame, profiles, draft, batches.rows);
  if (pair) draft.keys = [[...pair.key]];
  const time = suggestTime(frame, profiles);
  const rhythm = time && rhythmOf(time.column);
  const references = await openReferences(profiles, draft, targets);
  const held = schemaChecks(batches, draft).map((check) => ({ check, collector: tally(check, nothingMasked) }));
  await collect(batches, [
    ...held.map(({ collector }) => collector),
    ...(rhythm ? [rhythm] : []),
    ...references.map(({ inclusion }) => inclusion),
  ]);
  for (const { check, collector } of held) {
    const [finding] = collector.findings();
    const least = check.limits.fail ?? check.limits.warn ?? 1;
    if (finding.score !== null && finding.score < least) leaveOut(draft, check.name, check.column);
  }
  const tableReasons = pair && draft.keys !== undefined ? [pair.reason] : [];
  const reasons = Object.fromEntries(suggested.map(({ schema, reasons: own }) => [schema.name, [...own]]));
  for (const { column, target, inclusion } of references) {
    const own = draft.columns.find(({ name }) => name === column);
    if (own === undefined || own.references !== undefined || !inclusion.isIncluded()) continue;
    own.references = { dataset: target.dataset, ...(target.column === column ? {} : { column: target.column }) };
    delete own.categories;
    reasons[column].push(`each value stands in ${target.column} of ${target.dataset}, once`);
  }
  if (time) {
    const every = rhythm?.every();
    draft.time = { ...time, ...(every === undefined ? {} : { every }) };
    if (every !== undefined) tableReasons.push(`from the first ${time.column} to the last there are rows in every ${every}`);
    const last = profiles.find(({ name }) => name === time.column)?.instants?.last;
    const { now } = options;
    const freshness = last === undefined || now === undefined ? undefined : suggestFreshness(Date.parse(last), now, every);
    const own = draft.columns.find(({ name }) => name === time.column);
    if (own && freshness !== undefined) own.freshness = freshness;
  }
  return { rows: batches.rows, schema: draft, reasons, tableReasons };
}

/** The schema that a table in memory suggests; see `inferRows`. */
export function inferFrame(frame: Frame, options: InferenceOptions): Promise<Inferred> {
  return inferRows({ batches: frameBatches(frame), sample: () => Promise.resolve(frame) }, options);
}

/** An inferred schema as a file to review. @param why with what was seen as comments, which change with the rows */
export function inferenceText(what: string, { schema, reasons, tableReasons }: Inferred, why: boolean): string {
  const head = [
    `What every version of ${what} has to fit; inferred from the rows: read it, and say what must hold.`,
    ...(why ? tableReasons : []),
  ];
  return tableSchemaText(schema, { head, ...(why ? { why: reasons } : {}) });
}

function withoutValues({ categories: _, min: __, max: ___, ...column }: ColumnSchema): ColumnSchema {
  return column.personal === undefined && column.sensitive === undefined ? { ...column, personal: true } : column;
}

const membersOf: Readonly<Record<string, readonly (keyof ColumnSchema)[]>> = {
  missing: ['maxMissing'],
  unique: ['unique'],
  range: ['min', 'max', 'earliest', 'latest'],
  categories: ['categories'],
  pattern: ['pattern'],
  length: ['minLength', 'maxLength'],
  order: ['order'],
};

/** Takes back what a check found not to hold. */
function leaveOut(draft: TableSchema, check: string, column: string | undefined): void {
  const kind = check.slice(0, check.indexOf(': '));
  if (kind === 'key') delete draft.keys;
  const own = draft.columns.find(({ name }) => name === column);
  for (const member of own === undefined ? [] : (membersOf[kind] ?? [])) delete own?.[member];
}

interface OpenReference {
  readonly column: string;
  readonly target: ReferenceTarget;
  readonly inclusion: ReturnType<typeof inclusionOf>;
}

async function openReferences(
  profiles: Parameters<typeof candidatesOf>[0],
  draft: TableSchema,
  targets: readonly ReferenceTarget[],
): Promise<OpenReference[]> {
  const unique = new Set(draft.columns.filter((column) => column.unique === true).map(({ name }) => name));
  const found: OpenReference[] = [];
  for (const { column, target } of candidatesOf(
    profiles.filter(({ name }) => !unique.has(name)),
    targets,
  )) {
    const values = await target.open();
    if (values !== undefined && values.size > 1) found.push({ column, target, inclusion: inclusionOf(column, values) });
  }
  return found;
}
