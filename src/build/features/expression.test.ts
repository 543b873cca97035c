import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { InputColumn } from '#contract';
import { GyreError, seeded } from '#core';
import { encodeModel } from '#onnx';
import { frameFromRecords } from '#tables';
import type { TableSchema } from '#tables';
import { checkExpression } from './expression-check.ts';
import { columnsOf, parseExpression } from './expression.ts';
import { functionFacts } from './functions.ts';
import type { ValueKind } from './functions.ts';
import { rawGraph } from './recipe-graph.ts';
import { runOnce } from './run-graph.ts';

const schema: TableSchema = [
  { name: 'a', type: 'number' },
  { name: 'b', type: 'number' },
  { name: 'Monthly charges', type: 'number' },
  { name: 'Contract', type: 'string' },
  { name: 'since', type: 'instant' },
  { name: 'until', type: 'instant' },
];
const kinds = new Map<string, ValueKind>(
  schema.map(({ name, type }) => [name, type === 'string' ? 'text' : type === 'instant' ? 'instant' : 'number']),
);
const inputs: readonly InputColumn[] = schema.map(({ name, type }) => ({
  name,
  type,
  datatype: type === 'string' ? 'BYTES' : 'FP64',
  required: false,
}));

type Row = Readonly<Record<string, number | string | null>>;

/** The values of an expression on rows, as the graph gives them. */
async function evaluate(expression: string, rows: readonly Row[]): Promise<number[]> {
  checkExpression(expression, parseExpression(expression), kinds);
  const { graph, values } = rawGraph({ inputs, derived: [{ name: 'result', expression }] });
  const bytes = encodeModel(graph, { outputs: [{ name: 'result', type: 'DOUBLE', shape: ['N', 1], value: values.get('result') ?? '' }] });
  const columns = schema.map(({ name, type }) => ({ name, type }));
  return [...(await runOnce(bytes, inputs, frameFromRecords(rows, columns), 'result'))];
}

/** Of one row. */
const value = async (expression: string, row: Row = {}): Promise<number> => (await evaluate(expression, [row]))[0];

function problem(expression: string): string {
  try {
    checkExpression(expression, parseExpression(expression), kinds);
  } catch (error) {
    assert.ok(error instanceof GyreError);
    assert.equal(error.code, 'INVALID_ARGUMENT');
    return error.message;
  }
  throw new assert.AssertionError({ message: `"${expression}" was accepted` });
}

describe('expressions of derived features', () => {
  test('calculate as on paper: precedence, powers from the right, signs, parentheses', async () => {
    const row = { a: 3, b: 4 };
    for (const [expression, expected] of [
      ['a + b * 2', 11],
      ['(a + b) * 2', 14],
      ['a - b - 1', -2],
      ['b / 2 / a', 4 / 2 / 3],
      ['2 ^ 3 ^ 2 + 0 * a', 512],
      ['-a ^ 2', -9],
      ['2 ^ -1 * a', 1.5],
      ['--a', 3],
      ['a * .5e1', 15],
    ] as const) {
      assert.equal(await value(expression, row), expected, expression);
    }
  });

  test('know the functions of numbers, to the last digits of the JavaScript ones', async () => {
    const x = 0.37;
    for (const [expression, expected] of [
      ['log(a)', Math.log(x)],
      ['exp(a)', Math.exp(x)],
      ['sqrt(a)', Math.sqrt(x)],
      ['abs(-a)', x],
      ['floor(a * 10)', 3],
      ['ceil(a * 10)', 4],
      ['min(a, b, 0.5)', x],
      ['max(a, b, 0.5)', 4],
      ['log1p(a)', Math.log1p(x)],
    ] as const) {
      const got = await value(expression, { a: x, b: 4 });
      // Vectorised logarithms and exponentials differ from libm's by an ulp or two.
      assert.ok(Math.abs(got - expected) <= 4e-16 * Math.abs(expected), `${expression}: ${got} against ${expected}`);
    }
  });

  test('log1p keeps the digits of small numbers, where log(1 + x) loses them', async () => {
    for (const x of [1e-18, 1e-12, 3e-9, 1e-5, 0, -0.3, 12]) {
      const got = await value('log1p(a)', { a: x });
      assert.ok(Math.abs(got - Math.log1p(x)) <= 4e-16 * Math.abs(Math.log1p(x)), `${x}: ${got}`);
    }
  });

  test('compare numbers and texts, and join conditions', async () => {
    const row = { a: 3, b: 4, Contract: 'One year' };
    for (const [expression, expected] of [
      ['a < b', 1],
      ['a >= b', 0],
      ['a != b', 1],
      ['a == 3', 1],
      ['Contract == "One year"', 1],
      ["'One year' != Contract", 0],
      ['Contract == "Two year"', 0],
      ['a < b and Contract == "One year"', 1],
      ['a > b or Contract == "Two year"', 0],
      ['not a > b', 1],
      ['not (a < b or a == 3)', 0],
      ['if(Contract == "One year", a * b, 0)', 12],
      ['if(a > b, a, b)', 4],
      ['(Contract == "One year") * a', 3],
    ] as const) {
      assert.equal(await value(expression, row), expected, expression);
    }
  });

  test('count the edges that a number has reached', async () => {
    const rows = [-1, 0, 11.9, 12, 24, 1e9].map((a) => ({ a }));
    assert.deepEqual(await evaluate('bin(a, 0, 12, 24)', rows), [0, 1, 1, 2, 3, 3]);
    assert.deepEqual(await evaluate('bin(a, -5, -1)', rows.slice(0, 1)), [2]);
  });

  test('carry missing values on, but for the branch not taken, coalesce and is_missing', async () => {
    const row = { a: null, b: 4, Contract: null };
    for (const expression of [
      'a + b',
      'a > b',
      'a == a',
      'not a',
      'a or b',
      'Contract == "x"',
      'Contract != "x"',
      'if(a, 1, 2)',
      'bin(a, 1)',
      'min(a, b)',
    ]) {
      assert.ok(Number.isNaN(await value(expression, row)), expression);
    }
    assert.equal(await value('if(b > 1, b, a)', row), 4);
    assert.equal(await value('coalesce(a, b, 7)', row), 4);
    assert.equal(await value('is_missing(a) + 2 * is_missing(b)', row), 1);
    assert.equal(await value('is_missing(Contract) * b', row), 4);
    assert.equal(await value('is_missing(Contract)', { Contract: 'x' }), 0);
  });

  test('give a missing value where the result is no finite number', async () => {
    for (const expression of ['a / 0', '0 / a', '-1 / a', 'log(a)', 'log(a - 1)', 'sqrt(a - 1)', 'exp(b)', 'b ^ b']) {
      assert.ok(Number.isNaN(await value(expression, { a: 0, b: 1000 })), expression);
    }
  });

  test('take parts of dates as the calendar has them, over four thousand years', async () => {
    const random = seeded(11);
    const instants = [0, -1, Date.UTC(2000, 1, 29), Date.UTC(1900, 1, 28, 23, 59, 59, 999), Date.UTC(2100, 2, 1)];
    for (let at = 0; at < 500; at++) instants.push(Math.floor((random.next() - 0.5) * 4000 * 365.25 * 86_400_000));
    const rows = instants.map((since) => ({ since }));
    const expected: readonly [string, (date: Date) => number][] = [
      ['year(since)', (date) => date.getUTCFullYear()],
      ['month(since)', (date) => date.getUTCMonth() + 1],
      ['day(since)', (date) => date.getUTCDate()],
      ['weekday(since)', (date) => date.getUTCDay() || 7],
      ['hour(since)', (date) => date.getUTCHours()],
    ];
    for (const [expression, reference] of expected) {
      assert.deepEqual(
        await evaluate(expression, rows),
        instants.map((instant) => reference(new Date(instant))),
        expression,
      );
    }
    assert.ok(Number.isNaN(await value('year(since)', { since: null })));
  });

  test('measure days between instants, and between an instant and a date in words', async () => {
    const row = { since: Date.UTC(2024, 1, 28), until: Date.UTC(2024, 2, 1, 12) };
    assert.equal(await value('days_between(since, until)', row), 2.5);
    assert.equal(await value('days_between(since, date("2024-02-01"))', row), -27);
    assert.equal(await value('since < date("2024-03-01")', row), 1);
  });

  test('take columns of any name in backticks', async () => {
    assert.equal(await value('`Monthly charges` * 12', { 'Monthly charges': 2 }), 24);
    assert.deepEqual(columnsOf(parseExpression('a + `Monthly charges` * max(b, a)')), ['a', 'Monthly charges', 'b']);
  });

  test('say where they cannot be read, and what is expected there', () => {
    assert.match(problem('a + '), /character 5: a number, a text, a column or "\(" is expected; the expression ends here/);
    assert.match(problem('a b'), /character 3: an operator is expected; "b" stands here/);
    assert.match(problem('(a + b'), /character 7: "\)" is missing to close the "\(" of character 1/);
    assert.match(problem('log(a'), /character 6: "\)" is missing to close the arguments of log/);
    assert.match(problem('a = b'), /character 3: write == to compare/);
    assert.match(problem('a && b'), /character 3: write "and"/);
    assert.match(problem('Contract == "One'), /character 13: the quote " is not closed/);
    assert.match(problem('a # b'), /character 3: "#" means nothing here/);
    assert.match(problem('a < b < 3'), /character 7: comparisons do not chain/);
    assert.match(problem('('.repeat(80)), /more than 60 levels/);
    assert.match(problem('a+'.repeat(3000)), /too long/);
    assert.match(problem('a; process.exit()'), /character 2: ";" means nothing here/);
  });

  test('say what does not fit, where, and what would', () => {
    assert.match(problem('contract == "x"'), /character 1: there is no column "contract"; did you mean "Contract"\?/);
    assert.match(problem('zzz + 1'), /no column "zzz"; the columns are "a", "b"/);
    assert.match(problem('lg(a)'), /character 1: there is no function "lg"; the functions are log, log1p/);
    assert.match(problem('log(a, b)'), /log takes 1 argument, not 2/);
    assert.match(problem('if(a, 1)'), /if takes 3 arguments, not 2: if\(condition/);
    assert.match(problem('a + Contract'), /character 3: texts can be compared by == and != only, not by \+/);
    assert.match(problem('log(Contract)'), /character 5: log needs a number, "Contract" is a text/);
    assert.match(problem('Contract == a'), /a text is compared with a number/);
    assert.match(problem('Contract == ""'), /write is_missing/);
    assert.match(problem('since + 1'), /does not work on instants/);
    assert.match(problem('since > 5'), /write date\("2024-03-01"\)/);
    assert.match(problem('year(a)'), /year needs an instant, "a" is a number/);
    assert.match(problem('date("2024-02-30")'), /"2024-02-30" is no date/);
    assert.match(problem('bin(a, 3, 2)'), /the edges of bin must rise, 2 follows 3/);
    assert.match(problem('bin(a, b)'), /an edge of bin is a number/);
  });
});

describe('the documentation of expressions', () => {
  test('names every function that there is', async () => {
    const page = await readFile(new URL('../../../docs/features.md', import.meta.url), 'utf8');
    const named = new Set([...page.matchAll(/`([a-z_0-9]+)\(/g)].map(([, name]) => name));
    assert.deepEqual(
      [...functionFacts.keys()].filter((name) => !named.has(name)),
      [],
    );
  });
});
