import { join } from 'node:path';
import { TableSchema } from '#contract';
import type { ColumnSchema } from '#contract';
import type { Finding, Position, Problem } from './problems.ts';
import { pathText, projectError } from './problems.ts';
import { columnsOfCondition, parseRowCondition } from './row-condition.ts';
import { jsonSchema, shapeFindings } from './shape.ts';
import { readSource } from './source-text.ts';
import { suggestionFor } from './suggest.ts';
import { parseYaml } from './yaml-document.ts';

export interface SchemaFile {
  /** Undefined when the file has errors. */
  readonly schema?: TableSchema;
  readonly problems: readonly Problem[];
}

/**
 * Reads and checks a reviewed schema file.
 * @param folder the project's folder @param file relative to it; named so in problems
 */
export async function readTableSchema(folder: string, file: string): Promise<SchemaFile> {
  const source = await readSource(join(folder, file));
  if (!source.ok) return { problems: [problemIn(file, source.finding, source.position)] };
  const parsed = parseYaml(source.text);
  if (!parsed.ok) return { problems: parsed.findings.map((finding) => problemIn(file, finding, finding.position)) };
  const { document } = parsed;
  const located = (finding: Finding): Problem => problemIn(file, finding, document.locate(finding.path, finding.atKey));
  const shape = shapeFindings(jsonSchema(TableSchema), document.value);
  if (shape.length > 0) return { problems: shape.map(located) };
  // The shape holds, so the value is what its schema says.
  const schema = document.value as TableSchema;
  const problems = schemaFindings(schema).map(located);
  return problems.some(({ severity }) => severity === 'error') ? { problems } : { schema, problems };
}

/** Reads a reviewed schema file. @throws GyreError INVALID_ARGUMENT listing every problem with line and column */
export async function loadTableSchema(folder: string, file: string): Promise<TableSchema> {
  const { schema, problems } = await readTableSchema(folder, file);
  if (schema === undefined) throw projectError(problems);
  return schema;
}

/** A finding in its place. */
export function problemIn(file: string, finding: Finding, position: Position | undefined): Problem {
  return {
    file,
    ...(position === undefined ? {} : position),
    path: pathText(finding.path),
    message: finding.message,
    ...(finding.suggestion === undefined ? {} : { suggestion: finding.suggestion }),
    severity: finding.severity ?? 'error',
  };
}

function schemaFindings(schema: TableSchema): Finding[] {
  const seen = new Set<string>();
  const findings = schema.columns.flatMap((column, index): Finding[] => {
    const path = ['columns', index];
    const twice: Finding[] = seen.has(column.name)
      ? [{ path: [...path, 'name'], message: `column "${column.name}" is described twice` }]
      : [];
    seen.add(column.name);
    return [...twice, ...columnFindings(column, path)];
  });
  const names = [...seen];
  (schema.rules ?? []).forEach((rule, index) => {
    const path = ['rules', index];
    try {
      for (const column of columnsOfCondition(parseRowCondition(rule)).filter((name) => !seen.has(name))) {
        const suggestion = suggestionFor(column, names, 'columns');
        findings.push({ path, message: `there is no column "${column}"`, ...(suggestion === undefined ? {} : { suggestion }) });
      }
    } catch (error) {
      findings.push({ path, message: error instanceof Error ? error.message : String(error) });
    }
  });
  return findings;
}

function columnFindings(column: ColumnSchema, path: readonly (string | number)[]): Finding[] {
  const findings: Finding[] = [];
  const { type, min, max, categories, pattern } = column;
  const isNumeric = type === 'number' || type === 'integer';
  if (min !== undefined && max !== undefined && min > max)
    findings.push({ path: [...path, 'min'], message: `min (${min}) is greater than max (${max})` });
  for (const limit of ['min', 'max'] as const) {
    if (column[limit] !== undefined && !isNumeric) {
      findings.push({
        path: [...path, limit],
        atKey: true,
        message: `a ${type} column has no ${limit}`,
        suggestion: 'it is for number and integer',
      });
    }
  }
  if (categories !== undefined) {
    if (type !== 'string')
      findings.push({
        path: [...path, 'categories'],
        atKey: true,
        message: `a ${type} column has no categories`,
        suggestion: 'they are for string',
      });
    if (categories.length === 0) findings.push({ path: [...path, 'categories'], message: 'allows no value at all' });
    const repeated = categories.find((category, index) => categories.indexOf(category) !== index);
    if (repeated !== undefined) findings.push({ path: [...path, 'categories'], message: `"${repeated}" is listed twice` });
  }
  if (pattern !== undefined) {
    if (type !== 'string')
      findings.push({
        path: [...path, 'pattern'],
        atKey: true,
        message: `a ${type} column has no pattern`,
        suggestion: 'it is for string',
      });
    try {
      new RegExp(pattern, 'u');
    } catch (error) {
      findings.push({ path: [...path, 'pattern'], message: error instanceof Error ? error.message : String(error) });
    }
  }
  return findings;
}
