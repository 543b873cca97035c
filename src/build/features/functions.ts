/** What a value of an expression is. Truth is a number: 1, 0, or missing. */
export type ValueKind = 'number' | 'text' | 'instant';

/** How a function is called: the kinds of its arguments (the last repeats up to `most`), what it gives, and what it means. */
export interface FunctionFacts {
  readonly args: readonly (ValueKind | 'any')[];
  readonly least: number;
  readonly most: number;
  readonly gives: ValueKind;
  readonly usage: string;
}

const one = (usage: string): FunctionFacts => ({ args: ['number'], least: 1, most: 1, gives: 'number', usage });
const ofInstant = (usage: string): FunctionFacts => ({ args: ['instant'], least: 1, most: 1, gives: 'number', usage });

/**
 * The functions of the expression language. A result that is no finite number (log(0), 1 / 0) is missing, and what is computed from a
 * missing value is missing.
 */
export const functionFacts: ReadonlyMap<string, FunctionFacts> = new Map([
  ['log', one('log(x): natural logarithm')],
  ['log1p', one('log1p(x): natural logarithm of 1 + x, exact for small x')],
  ['exp', one('exp(x)')],
  ['sqrt', one('sqrt(x)')],
  ['abs', one('abs(x)')],
  ['floor', one('floor(x): the greatest whole number that is not above x')],
  ['ceil', one('ceil(x): the least whole number that is not below x')],
  ['min', { args: ['number'], least: 2, most: 20, gives: 'number', usage: 'min(a, b, …)' }],
  ['max', { args: ['number'], least: 2, most: 20, gives: 'number', usage: 'max(a, b, …)' }],
  [
    'bin',
    {
      args: ['number'],
      least: 2,
      most: 50,
      gives: 'number',
      usage: 'bin(x, edge, …): how many of the edges x has reached; edges are rising numbers',
    },
  ],
  ['if', { args: ['number'], least: 3, most: 3, gives: 'number', usage: 'if(condition, then, otherwise)' }],
  ['is_missing', { args: ['any'], least: 1, most: 1, gives: 'number', usage: 'is_missing(x): 1 where x is missing, else 0' }],
  ['coalesce', { args: ['number'], least: 2, most: 20, gives: 'number', usage: 'coalesce(a, b, …): the first that is not missing' }],
  ['year', ofInstant('year(x)')],
  ['month', ofInstant('month(x): 1 to 12')],
  ['day', ofInstant('day(x): day of the month, 1 to 31')],
  ['weekday', ofInstant('weekday(x): 1 (Monday) to 7 (Sunday)')],
  ['hour', ofInstant('hour(x): 0 to 23, UTC')],
  [
    'days_between',
    { args: ['instant', 'instant'], least: 2, most: 2, gives: 'number', usage: 'days_between(from, to): days, with fractions' },
  ],
  ['date', { args: ['text'], least: 1, most: 1, gives: 'instant', usage: 'date("2024-03-01"): an instant, as a text in quotes' }],
]);
