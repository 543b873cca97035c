import { parseInstant } from '#tables';
import type { Expression } from './expression.ts';
import { expressionError } from './expression-tokens.ts';
import { functionFacts } from './functions.ts';
import type { ValueKind } from './functions.ts';

/** The kinds of the columns (and derived features) that an expression may name. */
export type KindsByName = ReadonlyMap<string, ValueKind>;

const kindWords: Readonly<Record<ValueKind, string>> = { number: 'a number', text: 'a text', instant: 'an instant' };

/**
 * Checks that an expression means something over these columns.
 * @returns the kind of its value
 * @throws GyreError INVALID_ARGUMENT with the position of what does not fit, and what would
 */
export function checkExpression(source: string, expression: Expression, columns: KindsByName): ValueKind {
  const fail = (at: number, message: string): never => {
    throw expressionError(source, at, message);
  };
  const require = (part: Expression, wanted: ValueKind, where: string): void => {
    const kind = kindOf(part);
    if (kind !== wanted) fail(part.at, `${where} needs ${kindWords[wanted]}, ${describe(part)} is ${kindWords[kind]}`);
  };
  const kindOf = (part: Expression): ValueKind => {
    switch (part.kind) {
      case 'number':
        return 'number';
      case 'text':
        return 'text';
      case 'column':
        return columns.get(part.name) ?? fail(part.at, `there is no column "${part.name}"${closest(part.name, columns)}`);
      case 'unary':
        require(part.operand, 'number', part.operator);
        return 'number';
      case 'binary':
        return binaryKind(part);
      case 'call':
        return callKind(part);
    }
  };
  const binaryKind = (part: Extract<Expression, { kind: 'binary' }>): ValueKind => {
    const { operator, left, right, at } = part;
    const kinds = [kindOf(left), kindOf(right)];
    if (kinds.includes('text')) {
      if (operator !== '==' && operator !== '!=') fail(at, `texts can be compared by == and != only, not by ${operator}`);
      if (kinds[0] !== kinds[1]) fail(at, `${kindWords[kinds[0]]} is compared with ${kindWords[kinds[1]]}: both sides must be of one kind`);
      if ((left.kind === 'text') === (right.kind === 'text')) fail(at, 'a text column is compared with one text in quotes');
      const literal = left.kind === 'text' ? left : right;
      if (literal.kind === 'text' && literal.value === '') fail(literal.at, 'an empty text means missing: write is_missing(…)');
      return 'number';
    }
    if (kinds.includes('instant')) {
      if (['+', '-', '*', '/', '^', 'and', 'or'].includes(operator))
        fail(at, `${operator} does not work on instants: days_between(from, to) gives a number`);
      if (kinds[0] !== kinds[1]) fail(at, 'an instant is compared with a number: write date("2024-03-01") for a day');
    }
    return 'number';
  };
  const callKind = (part: Extract<Expression, { kind: 'call' }>): ValueKind => {
    const facts = functionFacts.get(part.name);
    if (facts === undefined) {
      return fail(part.at, `there is no function "${part.name}"; the functions are ${[...functionFacts.keys()].join(', ')}`);
    }
    const count = part.args.length;
    if (count < facts.least || count > facts.most)
      fail(part.at, `${part.name} takes ${wantedCount(facts.least, facts.most)}, not ${count}: ${facts.usage}`);
    part.args.forEach((arg, index) => {
      const wanted = facts.args[Math.min(index, facts.args.length - 1)];
      if (wanted === 'any') kindOf(arg);
      else require(arg, wanted, part.name);
    });
    if (part.name === 'bin') requireEdges(part);
    if (part.name === 'date') requireDate(part);
    return facts.gives;
  };
  const requireEdges = (part: Extract<Expression, { kind: 'call' }>): void => {
    let last = -Infinity;
    for (const edge of part.args.slice(1)) {
      const value = literalNumber(edge);
      if (value === undefined) fail(edge.at, 'an edge of bin is a number, not an expression');
      else if (value <= last) fail(edge.at, `the edges of bin must rise, ${value} follows ${last}`);
      else last = value;
    }
  };
  const requireDate = (part: Extract<Expression, { kind: 'call' }>): void => {
    const [arg] = part.args;
    if (arg.kind !== 'text') fail(arg.at, 'date takes a text in quotes; a column of instants is one already');
    else if (parseInstant(arg.value) === undefined) fail(arg.at, `"${arg.value}" is no date: YYYY-MM-DD or an ISO 8601 instant is needed`);
  };
  return kindOf(expression);
}

/** A number, also with a sign before it; undefined for anything else. */
export function literalNumber(part: Expression): number | undefined {
  if (part.kind === 'number') return part.value;
  if (part.kind !== 'unary' || part.operator !== '-') return undefined;
  const value = literalNumber(part.operand);
  return value === undefined ? undefined : -value;
}

function wantedCount(least: number, most: number): string {
  return least === most ? `${least} ${least === 1 ? 'argument' : 'arguments'}` : `${least} to ${most} arguments`;
}

function describe(part: Expression): string {
  if (part.kind === 'column') return `"${part.name}"`;
  return part.kind === 'text' ? `"${part.value}"` : part.kind === 'call' ? `${part.name}(…)` : 'this';
}

function closest(name: string, columns: KindsByName): string {
  const folded = name.toLowerCase();
  const similar = [...columns.keys()].find(
    (column) => column.toLowerCase() === folded || column.toLowerCase().replaceAll(/[\s_-]/g, '') === folded.replaceAll('_', ''),
  );
  return similar === undefined
    ? `; the columns are ${[...columns.keys()].map((column) => `"${column}"`).join(', ')}`
    : `; did you mean "${similar}"?`;
}
