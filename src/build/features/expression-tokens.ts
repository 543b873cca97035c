import { GyreError } from '#core';

/** A piece of an expression; `at` is its first character, counted from 1. */
export interface Token {
  readonly kind: 'number' | 'text' | 'name' | 'column' | 'operator' | 'end';
  readonly text: string;
  readonly at: number;
}

const longestSource = 4000;
const pieces =
  /(?<space>\s+)|(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<column>`[^`]+`)|(?<name>[\p{L}_][\p{L}\p{N}_]*)|(?<operator>==|!=|>=|<=|[-+*/^(),<>])/uy;

/** An error in an expression, with its position (1-based) and the expression itself. */
export function expressionError(source: string, at: number, message: string): GyreError {
  return new GyreError('INVALID_ARGUMENT', `expression "${source.slice(0, 200)}", character ${at}: ${message}`, {
    expression: source,
    position: at,
  });
}

/**
 * Cuts an expression into pieces: numbers, texts in double or single quotes, names, columns in backticks, operators.
 * @throws GyreError INVALID_ARGUMENT with the position of a character that belongs to none of them
 */
export function tokensOf(source: string): readonly Token[] {
  if (source.length > longestSource) {
    throw new GyreError('INVALID_ARGUMENT', `an expression of ${source.length} characters is too long: ${longestSource} are allowed`);
  }
  const tokens: Token[] = [];
  const pattern = new RegExp(pieces);
  while (pattern.lastIndex < source.length) {
    const at = pattern.lastIndex + 1;
    const groups = pattern.exec(source)?.groups;
    if (groups === undefined) throw expressionError(source, at, unreadable(source.slice(at - 1)));
    if (groups.number !== undefined) tokens.push({ kind: 'number', text: groups.number, at });
    else if (groups.text !== undefined) tokens.push({ kind: 'text', text: groups.text.slice(1, -1).replaceAll(/\\(.)/gs, '$1'), at });
    else if (groups.column !== undefined) tokens.push({ kind: 'column', text: groups.column.slice(1, -1), at });
    else if (groups.name !== undefined) tokens.push({ kind: 'name', text: groups.name, at });
    else if (groups.operator !== undefined) tokens.push({ kind: 'operator', text: groups.operator, at });
  }
  tokens.push({ kind: 'end', text: '', at: source.length + 1 });
  return tokens;
}

function unreadable(rest: string): string {
  if (/^["'`]/.test(rest)) return `the quote ${rest[0]} is not closed`;
  if (rest.startsWith('=')) return 'write == to compare';
  if (rest.startsWith('&') || rest.startsWith('|')) return 'write "and" or "or" to join conditions';
  if (rest.startsWith('!')) return 'write "not" before a condition, or != to compare';
  return `"${String.fromCodePoint(rest.codePointAt(0) ?? 0)}" means nothing here`;
}
