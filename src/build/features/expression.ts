import { expressionError, tokensOf } from './expression-tokens.ts';
import type { Token } from './expression-tokens.ts';

export type BinaryOperator = '+' | '-' | '*' | '/' | '^' | '==' | '!=' | '<' | '<=' | '>' | '>=' | 'and' | 'or';

/** A parsed expression; `at` is the position of its first character (of a binary operator: the operator's), from 1. */
export type Expression =
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  | { readonly kind: 'text'; readonly value: string; readonly at: number }
  | { readonly kind: 'column'; readonly name: string; readonly at: number }
  | { readonly kind: 'unary'; readonly operator: '-' | 'not'; readonly operand: Expression; readonly at: number }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly at: number;
    }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[]; readonly at: number };

const comparisons: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
const words: readonly string[] = ['and', 'or', 'not'];
const deepest = 60;

/**
 * Parses an expression of the language of derived features: + - * / ^ (right to left, before the sign: -2^2 is -4), comparisons,
 * `and`, `or`, `not`, calls, numbers, texts in quotes, columns by name or in backticks (`Monthly charges`).
 * @throws GyreError INVALID_ARGUMENT with the position (1-based) and what is expected there
 */
export function parseExpression(source: string): Expression {
  const tokens = tokensOf(source);
  let next = 0;
  let depth = 0;
  const peek = (): Token => tokens[next];
  const isOperator = (text: string): boolean => peek().kind === 'operator' && peek().text === text;
  const isWord = (text: string): boolean => peek().kind === 'name' && peek().text === text;
  const take = (): Token => tokens[next++];
  const found = (token: Token): string => (token.kind === 'end' ? 'the expression ends here' : `"${token.text}" stands here`);
  const expect = (text: string, why: string): void => {
    if (!isOperator(text)) throw expressionError(source, peek().at, `"${text}" is missing ${why}; ${found(peek())}`);
    next++;
  };
  const deeper = <T>(parse: () => T): T => {
    if (++depth > deepest) throw expressionError(source, peek().at, `more than ${deepest} levels of nesting`);
    const parsed = parse();
    depth--;
    return parsed;
  };
  const leftToRight = (operand: () => Expression, matches: () => BinaryOperator | undefined): Expression => {
    let left = operand();
    for (let operator = matches(); operator !== undefined; operator = matches()) {
      const { at } = take();
      left = { kind: 'binary', operator, left, right: operand(), at };
    }
    return left;
  };

  const disjunction = (): Expression => leftToRight(conjunction, () => (isWord('or') ? 'or' : undefined));
  const conjunction = (): Expression => leftToRight(negation, () => (isWord('and') ? 'and' : undefined));
  const negation = (): Expression => {
    if (!isWord('not')) return comparison();
    const { at } = take();
    return { kind: 'unary', operator: 'not', operand: deeper(negation), at };
  };
  const comparison = (): Expression => {
    const left = sum();
    const operator = comparisonAt(peek());
    if (operator === undefined) return left;
    const { at } = take();
    const right = sum();
    if (comparisonAt(peek()) !== undefined) {
      throw expressionError(source, peek().at, 'comparisons do not chain: write "a < b and b < c"');
    }
    return { kind: 'binary', operator, left, right, at };
  };
  const sum = (): Expression => leftToRight(product, () => (isOperator('+') ? '+' : isOperator('-') ? '-' : undefined));
  const product = (): Expression => leftToRight(signed, () => (isOperator('*') ? '*' : isOperator('/') ? '/' : undefined));
  const signed = (): Expression => {
    if (!isOperator('-')) return power();
    const { at } = take();
    return { kind: 'unary', operator: '-', operand: deeper(signed), at };
  };
  const power = (): Expression => {
    const left = atom();
    if (!isOperator('^')) return left;
    const { at } = take();
    return { kind: 'binary', operator: '^', left, right: deeper(signed), at };
  };
  const atom = (): Expression => {
    const token = take();
    if (token.kind === 'number') return { kind: 'number', value: Number(token.text), at: token.at };
    if (token.kind === 'text') return { kind: 'text', value: token.text, at: token.at };
    if (token.kind === 'column') return { kind: 'column', name: token.text, at: token.at };
    if (token.kind === 'name' && !words.includes(token.text)) {
      return isOperator('(') ? call(token) : { kind: 'column', name: token.text, at: token.at };
    }
    if (token.kind === 'operator' && token.text === '(') {
      const inner = deeper(disjunction);
      expect(')', `to close the "(" of character ${token.at}`);
      return inner;
    }
    throw expressionError(source, token.at, `a number, a text, a column or "(" is expected; ${found(token)}`);
  };
  const call = (name: Token): Expression => {
    take();
    const args: Expression[] = [];
    if (!isOperator(')')) {
      args.push(deeper(disjunction));
      while (isOperator(',')) {
        take();
        args.push(deeper(disjunction));
      }
    }
    expect(')', `to close the arguments of ${name.text}`);
    return { kind: 'call', name: name.text, args, at: name.at };
  };

  const parsed = disjunction();
  if (peek().kind !== 'end') throw expressionError(source, peek().at, `an operator is expected; ${found(peek())}`);
  return parsed;
}

function comparisonAt(token: Token): BinaryOperator | undefined {
  return token.kind === 'operator' && comparisons.includes(token.text) ? (token.text as BinaryOperator) : undefined;
}

/** The names that an expression takes values from, in the order of their first appearance. */
export function columnsOf(expression: Expression): readonly string[] {
  const names = new Set<string>();
  const visit = (part: Expression): void => {
    if (part.kind === 'column') names.add(part.name);
    else if (part.kind === 'unary') visit(part.operand);
    else if (part.kind === 'binary') {
      visit(part.left);
      visit(part.right);
    } else if (part.kind === 'call') part.args.forEach(visit);
  };
  visit(expression);
  return [...names];
}
