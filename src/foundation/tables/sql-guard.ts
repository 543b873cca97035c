import { GyreError } from '#core';

/*
 * A person's SQL is read before it runs: DuckDB's own parser gives the statement as JSON (`json_serialize_sql`, which knows queries
 * only), and only what is known to be harmless goes on. So a query cannot name a file, a catalogue or a setting at all; that the engine
 * is confined as well is the second wall, not the first.
 */

/** Query nodes, sources of rows, modifiers and types that a query may be made of. Expressions have a `class` instead. */
const knownTypes: ReadonlySet<string> = new Set([
  'SELECT_NODE',
  'SET_OPERATION_NODE',
  'RECURSIVE_CTE_NODE',
  'CTE_NODE',
  'BASE_TABLE',
  'JOIN',
  'SUBQUERY',
  'TABLE_FUNCTION',
  'EXPRESSION_LIST',
  'EMPTY',
  'EMPTY_FROM',
  'SHOW_REF',
  'PIVOT',
  'ORDER_MODIFIER',
  'LIMIT_MODIFIER',
  'LIMIT_PERCENT_MODIFIER',
  'DISTINCT_MODIFIER',
  'ORDER_DEFAULT',
  'ASCENDING',
  'DESCENDING',
  'INVALID',
]);
const typeInfo = /^[A-Z_]+_TYPE_INFO$/;

/** The only functions that may stand where a table does. */
const tableFunctions: ReadonlySet<string> = new Set(['range', 'generate_series', 'unnest']);

/** Functions that tell of the engine or the machine instead of the data. */
const tellingFunctions =
  /^(current_.*|session_user|user|version|getenv|getvariable|pg_.*|duckdb_.*|pragma_.*|has_.*_privilege|.*_description|in_search_path|nextval|currval|txid_current|write_log|parse_.*_log_message|json_(de)?serialize.*|json_execute.*|query|query_table|read_.*|file_exists|glob|which_secret|sql_auto_complete)$/;

const tableName = /^[^/\\'"]+$/;

/** What a query reads. */
export interface ReadQuery {
  /** Tables as they are written, without those that the query defines itself. */
  readonly tables: readonly string[];
}

/**
 * Judges a parsed query.
 * @param parsed what `json_serialize_sql` gave
 * @throws GyreError INVALID_ARGUMENT for what is no query, with the parser's words and the position; PERMISSION_DENIED for what a query
 * may not do here
 */
export function readQuery(parsed: unknown): ReadQuery {
  if (!isRecord(parsed)) throw new GyreError('INTERNAL', 'the parser gave no answer');
  if (parsed.error === true) throw parserError(parsed);
  const statements = Array.isArray(parsed.statements) ? parsed.statements : [];
  if (statements.length !== 1)
    throw new GyreError('INVALID_ARGUMENT', `${statements.length} statements; one query is needed`, { statements: statements.length });
  const found = { tables: new Set<string>(), defined: new Set<string>() };
  walk(statements[0], found);
  return { tables: [...found.tables].filter((name) => !found.defined.has(name)) };
}

function parserError({ error_type: type, error_message: message, position }: Readonly<Record<string, unknown>>): GyreError {
  if (type === 'parser')
    return new GyreError(
      'INVALID_ARGUMENT',
      `the SQL cannot be read: ${String(message)}${typeof position === 'string' ? ` (character ${Number(position) + 1})` : ''}`,
    );
  return new GyreError(
    'PERMISSION_DENIED',
    'only a query (SELECT, FROM, WITH, VALUES, DESCRIBE, SUMMARIZE) is run: nothing is written, attached, loaded or set',
  );
}

interface Found {
  readonly tables: Set<string>;
  readonly defined: Set<string>;
}

function walk(node: unknown, found: Found): void {
  if (Array.isArray(node)) {
    for (const each of node) walk(each, found);
    return;
  }
  if (!isRecord(node)) return;
  if (typeof node.class === 'string') checkExpression(node);
  else if (typeof node.type === 'string') checkNode(node, node.type, found);
  if (isRecord(node.cte_map) && Array.isArray(node.cte_map.map)) {
    for (const entry of node.cte_map.map) if (isRecord(entry)) found.defined.add(checkedName(entry.key));
  }
  if (typeof node.cte_name === 'string') found.defined.add(checkedName(node.cte_name));
  for (const each of Object.values(node)) walk(each, found);
}

function checkNode(node: Readonly<Record<string, unknown>>, type: string, found: Found): void {
  if (!knownTypes.has(type) && !typeInfo.test(type)) throw denied(`${type.toLowerCase().replaceAll('_', ' ')} is not`);
  if (type === 'BASE_TABLE') {
    const name = checkedName(node.table_name);
    if (node.schema_name !== undefined || node.catalog_name !== undefined) throw denied(`"${name}" of a catalogue or schema is not`);
    if (node.at_clause !== undefined) throw denied(`AT is not: write "${name}@<version>"`);
    found.tables.add(name);
  }
  if (type === 'TABLE_FUNCTION') {
    const name = isRecord(node.function) ? String(node.function.function_name).toLowerCase() : '';
    if (!tableFunctions.has(name)) throw denied(`the table function ${name} is not`);
  }
  if (type === 'SHOW_REF' && node.query === undefined) throw denied('SHOW is not: `gyre data ls` lists datasets');
}

function checkExpression(node: Readonly<Record<string, unknown>>): void {
  const name = node.function_name;
  if (typeof name === 'string' && tellingFunctions.test(name.toLowerCase())) throw denied(`the function ${name} is not`);
}

/** A name that can be no path. */
function checkedName(name: unknown): string {
  if (typeof name === 'string' && tableName.test(name)) return name;
  throw denied(`a table of the name "${String(name)}" is not`);
}

const denied = (what: string): GyreError =>
  new GyreError('PERMISSION_DENIED', `${what} allowed in a query: it reads dataset versions by name and nothing else`);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
