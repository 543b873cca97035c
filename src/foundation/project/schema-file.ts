import { join } from 'node:path';
import { TableSchema } from '#contract';
import type { Finding, Position, Problem } from './problems.ts';
import { pathText, projectError } from './problems.ts';
import { schemaFindings } from './schema-findings.ts';
import { jsonSchema, shapeFindings } from './shape.ts';
import { readSource } from './source-text.ts';
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
