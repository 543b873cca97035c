import { GyreError } from '#core';
import { columnsOfCondition, parseRowCondition } from '#project';
import type { RowCondition, RowOperand } from '#project';
import { parseInstant } from '#tables';
import type { Frame } from '#tables';

/** A comparison that speaks of columns that a table has. */
export interface Rule {
  readonly text: string;
  readonly condition: RowCondition;
  /** The columns that it looks at. */
  readonly columns: readonly string[];
}

type TableShape = Pick<Frame, 'names' | 'has' | 'typeOf'>;

/**
 * Reads a rule (`TotalCharges >= MonthlyCharges`, `Contract = 'One year'`) for a table.
 * @param mayLack columns that the table may go without: a rule on one of them is not checked further
 * @throws GyreError INVALID_ARGUMENT when it is no comparison, names a column that is not there, or compares what cannot be compared
 */
export function parseRule(text: string, table: TableShape, mayLack: (column: string) => boolean = () => false): Rule {
  const condition = parseRowCondition(text);
  const columns = columnsOfCondition(condition);
  if (columns.some(mayLack)) return { text, condition, columns };
  const unknown = columns.find((name) => !table.has(name));
  if (unknown !== undefined) {
    const message = `rule "${text}": no column "${unknown}"; the columns are ${table.names.join(', ')}, and a text constant stands in single quotes`;
    throw new GyreError('INVALID_ARGUMENT', message, { rule: text, column: unknown });
  }
  const [left, right] = [condition.left, condition.right].map((side) => meaningOf(side, table));
  const isInstant = left === 'instant' && 'value' in condition.right && parseInstant(String(condition.right.value)) !== undefined;
  if (left !== right && !isInstant)
    throw new GyreError('INVALID_ARGUMENT', `rule "${text}": a ${left} cannot be compared with a ${right}`, { rule: text });
  if (left === 'text' && condition.operator !== '=' && condition.operator !== '!=') {
    throw new GyreError('INVALID_ARGUMENT', `rule "${text}": texts are compared with = and != only`, { rule: text });
  }
  return { text, condition, columns };
}

function meaningOf(side: RowOperand, table: TableShape): 'number' | 'text' | 'instant' {
  if ('value' in side) return typeof side.value === 'number' ? 'number' : 'text';
  const type = table.typeOf(side.column);
  return type === 'string' ? 'text' : type === 'instant' ? 'instant' : 'number';
}

/**
 * Prepares a rule for the rows of a frame.
 * @returns for a row: whether the rule holds; undefined where a value that it needs is missing
 */
export function ruleOn(frame: Frame, { condition }: Rule): (row: number) => boolean | undefined {
  const instants = frame.typeOf(condition.left.column) === 'instant';
  const left = valuesOf(frame, condition.left, instants);
  const right = valuesOf(frame, condition.right, instants);
  const holds = comparers[condition.operator];
  return (row) => {
    const [x, y] = [left(row), right(row)];
    return x === undefined || y === undefined ? undefined : holds(x, y);
  };
}

type Value = number | string;

function valuesOf(frame: Frame, side: RowOperand, instants: boolean): (row: number) => Value | undefined {
  if ('value' in side) {
    const value = instants ? (parseInstant(String(side.value)) ?? side.value) : side.value;
    return () => value;
  }
  const column = frame.column(side.column);
  if (column.kind === 'text') return (row) => (column.codes[row] < 0 ? undefined : column.dictionary[column.codes[row]]);
  return (row) => (Number.isNaN(column.values[row]) ? undefined : column.values[row]);
}

const comparers: Record<RowCondition['operator'], (x: Value, y: Value) => boolean> = {
  '>=': (x, y) => x >= y,
  '<=': (x, y) => x <= y,
  '>': (x, y) => x > y,
  '<': (x, y) => x < y,
  '=': (x, y) => x === y,
  '!=': (x, y) => x !== y,
};
