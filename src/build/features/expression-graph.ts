import { attr, mlDomain } from '#onnx';
import type { GraphBuilder } from '#onnx';
import { parseInstant } from '#tables';
import { calendarPart, millisPerDay } from './calendar-graph.ts';
import type { CalendarPart } from './calendar-graph.ts';
import { castToDouble } from './double-math.ts';
import type { DoubleMath } from './double-math.ts';
import { literalNumber } from './expression-check.ts';
import type { BinaryOperator, Expression } from './expression.ts';

const arithmetic: Readonly<Partial<Record<BinaryOperator, string>>> = { '+': 'Add', '-': 'Sub', '*': 'Mul', '/': 'Div', '^': 'Pow' };
const comparison: Readonly<Partial<Record<BinaryOperator, string>>> = {
  '==': 'Equal',
  '!=': 'Equal',
  '<': 'Less',
  '<=': 'LessOrEqual',
  '>': 'Greater',
  '>=': 'GreaterOrEqual',
};
const plainCalls: ReadonlyMap<string, string> = new Map([
  ['log', 'Log'],
  ['exp', 'Exp'],
  ['sqrt', 'Sqrt'],
  ['abs', 'Abs'],
  ['floor', 'Floor'],
  ['ceil', 'Ceil'],
  ['min', 'Min'],
  ['max', 'Max'],
]);
const calendarCalls: readonly string[] = ['year', 'month', 'day', 'weekday', 'hour'] satisfies readonly CalendarPart[];

/**
 * Compiles a checked expression into float64 nodes.
 * @param values the graph's value for each name: float64 [N, 1] numbers and instants (NaN = missing), strings [N, 1] ('' = missing)
 * @returns the name of a float64 value [N, 1]; a missing operand makes the result missing (but for `if`'s other branch, `coalesce`, `is_missing`)
 */
export function compileExpression(
  graph: GraphBuilder,
  math: DoubleMath,
  expression: Expression,
  values: ReadonlyMap<string, string>,
): string {
  const { constant, op, asDouble, unlessMissing } = math;
  const valueOf = (name: string): string => values.get(name) ?? '';
  const isTextColumn = (part: Expression): boolean =>
    part.kind === 'column' && graph.inputs.some((input) => input.name === part.name && input.type === 'STRING');

  const compile = (part: Expression): string => {
    switch (part.kind) {
      case 'number':
        return constant(part.value);
      case 'column':
        return valueOf(part.name);
      case 'unary': {
        const operand = compile(part.operand);
        return part.operator === '-' ? op('Neg', operand) : unlessMissing([operand], asDouble(op('Equal', operand, constant(0))));
      }
      case 'binary':
        return binary(part);
      case 'call':
        return call(part.name, part.args);
      case 'text':
        return constant(NaN); // unreachable after the check: texts stand only beside a text column or in date()
    }
  };
  const binary = ({ operator, left, right }: Extract<Expression, { kind: 'binary' }>): string => {
    if (left.kind === 'text' || right.kind === 'text') return textEquality(operator, left, right);
    const operands = [compile(left), compile(right)];
    const plain = arithmetic[operator];
    if (plain !== undefined) return op(plain, ...operands);
    const compared = comparison[operator];
    if (compared === undefined) {
      const [first, second] = operands.map(isTrue);
      return unlessMissing(operands, asDouble(op(operator === 'and' ? 'And' : 'Or', first, second)));
    }
    const held = op(compared, ...operands);
    return unlessMissing(operands, asDouble(operator === '!=' ? op('Not', held) : held));
  };
  const isTrue = (value: string): string => op('Not', op('Equal', value, constant(0)));
  const textEquality = (operator: BinaryOperator, left: Expression, right: Expression): string => {
    const literal = left.kind === 'text' ? left.value : right.kind === 'text' ? right.value : '';
    const column = left.kind === 'column' ? left.name : right.kind === 'column' ? right.name : '';
    const same = operator === '==' ? 1 : 0;
    return lookup(valueOf(column), [literal, ''], [same, NaN], 1 - same);
  };
  const lookup = (text: string, keys: readonly string[], results: readonly number[], otherwise: number): string =>
    graph.op(
      'Cast',
      [
        graph.op('LabelEncoder', [text], {
          domain: mlDomain,
          attributes: { keys_strings: attr.strings(keys), values_floats: attr.floats(results), default_float: attr.float(otherwise) },
        }),
      ],
      castToDouble,
    );
  const call = (name: string, args: readonly Expression[]): string => {
    if (name === 'date') return constant((args[0].kind === 'text' ? parseInstant(args[0].value) : undefined) ?? NaN);
    if (name === 'is_missing' && isTextColumn(args[0])) return lookup(compile(args[0]), [''], [1], 0);
    if (name === 'bin') return bin(compile(args[0]), args.slice(1));
    const operands = args.map(compile);
    const plain = plainCalls.get(name);
    if (plain !== undefined) return op(plain, ...operands);
    if (calendarCalls.includes(name)) return calendarPart(math, name as CalendarPart, operands[0]);
    switch (name) {
      case 'log1p':
        return log1p(operands[0]);
      case 'if':
        return unlessMissing([operands[0]], op('Where', isTrue(operands[0]), operands[1], operands[2]));
      case 'is_missing':
        return asDouble(math.isMissing(operands[0]));
      case 'coalesce':
        return operands.reduceRight((rest, value) => op('Where', math.isMissing(value), rest, value));
      default: // days_between
        return op('Div', op('Sub', operands[1], operands[0]), constant(millisPerDay));
    }
  };
  const bin = (value: string, edges: readonly Expression[]): string => {
    const reached = edges.map((edge) => asDouble(op('GreaterOrEqual', value, constant(literalNumber(edge) ?? NaN))));
    return unlessMissing(
      [value],
      reached.reduce((left, right) => op('Add', left, right)),
    );
  };
  /** log(1 + x) without the loss of small x: with u = 1 + x rounded, log(u) x / (u - 1) (Kahan; Goldberg 1991, theorem 4). */
  const log1p = (x: string): string => {
    const u = op('Add', x, constant(1));
    const corrected = op('Mul', op('Log', u), op('Div', x, op('Sub', u, constant(1))));
    return op('Where', op('Equal', u, constant(1)), x, corrected);
  };
  return compile(expression);
}
