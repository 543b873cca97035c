import { GyreError } from '#core';

export const rowOperators = ['>=', '<=', '!=', '==', '=', '>', '<'] as const;
export type RowOperator = (typeof rowOperators)[number];

/** One side of a row condition: a column's name, or a constant. */
export type RowOperand = { readonly column: string } | { readonly value: number | string };

/** `tenure > 0`, `Contract = 'One year'`, `TotalCharges >= MonthlyCharges`. `==` reads as `=`. */
export interface RowCondition {
  readonly left: { readonly column: string };
  readonly operator: Exclude<RowOperator, '=='>;
  readonly right: RowOperand;
}

const form =
  /^\s*(?:"([^"]+)"|([^\s<>=!"']+))\s*(>=|<=|!=|==|=|>|<)\s*(?:'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|"([^"]+)"|([^\s<>=!"']+))\s*$/;

/**
 * Reads a comparison between a column and a constant or another column, as `where` and the rules of a schema hold it.
 * Names with spaces stand in double quotes, text constants in single quotes; a quote within one is written twice.
 * @throws GyreError INVALID_ARGUMENT
 */
export function parseRowCondition(text: string): RowCondition {
  const match = form.exec(text);
  if (match === null) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `"${text}" is no comparison: tenure > 0, Contract = 'One year' or TotalCharges >= MonthlyCharges are needed`,
      { text },
    );
  }
  const [, quotedLeft, left, operator, constant, number, quotedRight, right] = match;
  const found = rowOperators.find((candidate) => candidate === operator) ?? '=';
  return {
    left: { column: quotedLeft ?? left },
    operator: found === '==' ? '=' : found,
    right:
      constant !== undefined
        ? { value: constant.replaceAll("''", "'") }
        : number !== undefined
          ? { value: Number(number) }
          : { column: quotedRight ?? right },
  };
}

/** The columns that a condition speaks of. */
export function columnsOfCondition(condition: RowCondition): readonly string[] {
  return 'column' in condition.right ? [condition.left.column, condition.right.column] : [condition.left.column];
}
