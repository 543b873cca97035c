import { maskedText } from '#contract';
import type { ColumnSchema, QualityCheck, SchemaDifference, TableSchema } from '#contract';
import type { MaskedColumns } from '../masking.ts';

/** Members of a column that a person may take over from what the rows suggest. */
const members = [
  'maxMissing',
  'unique',
  'references',
  'min',
  'max',
  'categories',
  'pattern',
  'order',
  'freshness',
] as const satisfies readonly (keyof ColumnSchema)[];

/**
 * How rows and their reviewed schema differ: what they break, what they suggest beyond it, and what it allows that no row has.
 * @param checks the rows held against the schema @param inferred what the rows suggest @param used column → the values that occur
 */
export function schemaDifferences(
  reviewed: TableSchema,
  checks: readonly QualityCheck[],
  inferred: TableSchema,
  used: ReadonlyMap<string, ReadonlySet<string>>,
  masked: MaskedColumns,
): SchemaDifference[] {
  return [
    ...columnDifferences(reviewed, inferred),
    ...checks.filter(({ name, outcome, failing }) => name !== 'columns' && failing > 0 && outcome !== 'pass').map(broken),
    ...inferred.columns.flatMap((column) => {
      const own = reviewed.columns.find(({ name }) => name === column.name);
      return own === undefined || own.type !== column.type
        ? []
        : [...suggestedMembers(own, column), ...unusedValues(own, used.get(column.name), masked.has(column.name))];
    }),
    ...tableDifferences(reviewed, inferred),
  ];
}

function columnDifferences(reviewed: TableSchema, inferred: TableSchema): SchemaDifference[] {
  const there = new Set(inferred.columns.map(({ name }) => name));
  const known = new Set(reviewed.columns.map(({ name }) => name));
  return [
    ...inferred.columns
      .filter(({ name }) => !known.has(name))
      .map(({ name, type }): SchemaDifference => {
        const message = `the table has a column ${name} of type ${type}, the schema has none`;
        return { kind: 'broken', column: name, member: 'columns', severity: 'error', message };
      }),
    ...reviewed.columns
      .filter(({ name }) => !there.has(name))
      .map(({ name, presence }): SchemaDifference => {
        const message = `the schema has a column ${name}, the table has none`;
        return presence === 'optional'
          ? { kind: 'unused', column: name, member: 'columns', message: `${message}; it is optional` }
          : { kind: 'broken', column: name, member: 'columns', severity: 'error', message };
      }),
  ];
}

const broken = ({ name, column, outcome, message, failing, applied, examples }: QualityCheck): SchemaDifference => ({
  kind: 'broken',
  ...(column === undefined ? {} : { column }),
  member: name,
  severity: outcome === 'warn' ? 'warning' : 'error',
  message,
  // of a wrong type every row is one, and none of them is an example
  ...(failing === applied && name.startsWith('type: ') ? { rows: failing } : { rows: failing, examples }),
});

function suggestedMembers(own: ColumnSchema, inferred: ColumnSchema): SchemaDifference[] {
  const found: SchemaDifference[] = [];
  const suggest = (member: keyof ColumnSchema, message: string): void => {
    found.push({ kind: 'suggested', column: own.name, member, message });
  };
  if (inferred.nullable === false && own.nullable !== false && own.maxMissing === undefined)
    suggest('nullable', 'no value is missing: nullable: false');
  for (const member of members) {
    if (own[member] !== undefined || inferred[member] === undefined || isSaid(own, member)) continue;
    suggest(member, `${member}: ${wordsOf(inferred[member])}`);
  }
  for (const tag of ['personal', 'sensitive'] as const)
    if (inferred[tag] === true && own.personal === undefined && own.sensitive === undefined)
      suggest(tag, `it looks so: say ${tag}: true, or ${tag}: false`);
  return found;
}

/** Whether the schema says as much by another member. */
function isSaid(own: ColumnSchema, member: keyof ColumnSchema): boolean {
  if (member === 'maxMissing') return own.nullable === false;
  if (member === 'pattern' || member === 'references') return own.categories !== undefined;
  return member === 'categories' && (own.pattern !== undefined || own.references !== undefined || own.unique === true);
}

function unusedValues(own: ColumnSchema, used: ReadonlySet<string> | undefined, isMasked: boolean): SchemaDifference[] {
  if (own.categories === undefined || used === undefined) return [];
  const unused = own.categories.filter((value) => !used.has(value));
  if (unused.length === 0) return [];
  const shown = isMasked ? maskedText : unused.slice(0, 12).join(', ') + (unused.length > 12 ? ', …' : '');
  return [{ kind: 'unused', column: own.name, member: 'categories', message: `no row has ${shown}` }];
}

function tableDifferences(reviewed: TableSchema, inferred: TableSchema): SchemaDifference[] {
  const found: SchemaDifference[] = [];
  const hasKey = (reviewed.keys ?? []).length > 0 || reviewed.columns.some(({ unique }) => unique === true);
  if (inferred.keys !== undefined && !hasKey)
    found.push({ kind: 'suggested', member: 'keys', message: `together they name a row: ${inferred.keys[0].join(' + ')}` });
  if (inferred.time !== undefined && reviewed.time === undefined)
    found.push({ kind: 'suggested', member: 'time', message: `time: ${wordsOf(inferred.time)}` });
  return found;
}

function wordsOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([name, own]) => `${name}: ${wordsOf(own)}`)
    .join(', ')} }`;
}
