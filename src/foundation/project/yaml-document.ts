import { LineCounter, isAlias, isMap, isPair, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Document, YAMLError } from 'yaml';
import type { Finding, PathStep, Position } from './problems.ts';

/** A parsed document that knows where each of its members stands. */
export interface SourceDocument {
  readonly value: unknown;
  /** Where a member stands: its value, or its name with `atKey`. A member that is not there: its nearest parent's place. */
  locate(path: readonly PathStep[], atKey?: boolean): Position | undefined;
}

export type ParsedDocument =
  | { readonly ok: true; readonly document: SourceDocument }
  | { readonly ok: false; readonly findings: readonly (Finding & { readonly position: Position })[] };

/** Parses one YAML 1.2 document; syntax errors are findings with their places. */
export function parseYaml(text: string): ParsedDocument {
  const lineCounter = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter, prettyErrors: false, uniqueKeys: true, logLevel: 'silent' });
  const at = (offset: number): Position => {
    const { line, col } = lineCounter.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const documents = 'empty' in parsed ? [] : parsed;
  const errors = documents.flatMap((document) => document.errors);
  if (errors.length > 0) {
    return { ok: false, findings: errors.slice(0, 10).map((error) => ({ ...syntaxFinding(error, text), position: at(error.pos[0]) })) };
  }
  if (documents.length > 1) {
    const offset = documents[1].range?.[0] ?? text.length;
    const finding = {
      path: [],
      message: `holds ${documents.length} documents; one is needed`,
      suggestion: 'remove the line "---" before this one',
    };
    return { ok: false, findings: [{ ...finding, position: at(offset) }] };
  }
  const document = documents[0];
  if (document === undefined || document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return { ok: false, findings: [{ path: [], message: 'is empty', position: { line: 1, column: 1 } }] };
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return { ok: true, document: { value, locate: (path, atKey = false) => locateIn(document, at, path, atKey) } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, findings: [{ path: [], message, position: { line: 1, column: 1 } }] };
  }
}

function locateIn(
  document: Document.Parsed,
  at: (offset: number) => Position,
  path: readonly PathStep[],
  atKey: boolean,
): Position | undefined {
  let node: unknown = document.contents;
  let found = startOf(node);
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === String(step));
      if (!isPair(pair)) break;
      const key = startOf(pair.key);
      const value = startOf(pair.value);
      const wantsKey = atKey && depth === path.length - 1;
      found = (wantsKey ? key : (value ?? key)) ?? found;
      if (!wantsKey && (isMap(pair.value) || isSeq(pair.value)) && !pair.value.flow) found = key ?? found;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      found = startOf(node) ?? found;
    } else break;
  }
  return found === undefined ? undefined : at(found);
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined;
  const start: unknown = node.range[0];
  return typeof start === 'number' ? start : undefined;
}

/** The parser's words, said for people who do not know YAML's. */
function syntaxFinding(error: YAMLError, text: string): Finding {
  const line = text.slice(error.pos[0], error.pos[1]).split('\n')[0].trim();
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return { path: [], message: 'a tab indents this line', suggestion: 'YAML takes spaces only' };
    case 'DUPLICATE_KEY': {
      const key = /^("[^"]*"|'[^']*'|[^:\n]+)/.exec(text.slice(error.pos[0]))?.[0].trim() ?? line;
      return { path: [], message: `the key ${quoted(key)} is given twice in this mapping`, suggestion: 'keep one of them' };
    }
    case 'BAD_INDENT':
      return {
        path: [],
        message: 'this line is indented by a wrong number of spaces',
        suggestion: 'members of one mapping start in one column',
      };
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return {
        path: [],
        message: 'a second ": " in this line, or a line that is indented too far',
        suggestion: 'quote text that holds ": " or begins with a special sign',
      };
    case 'BAD_SCALAR_START':
      return { path: [], message: `text cannot begin with ${quoted(line.slice(0, 1))}`, suggestion: 'put it in quotes' };
    case 'MISSING_CHAR':
      return { path: [], message: missingSign(error.message) };
    default:
      return { path: [], message: `not valid YAML: ${lowerFirst(error.message.split('\n')[0])}` };
  }
}

function missingSign(message: string): string {
  return /closing ["']/.test(message)
    ? 'a quote that is opened here is not closed'
    : `not valid YAML: ${lowerFirst(message.split('\n')[0])}`;
}

function quoted(text: string): string {
  return /^["']/.test(text) ? text : `"${text}"`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
