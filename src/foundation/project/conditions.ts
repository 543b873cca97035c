import { GyreError } from '#core';

export const comparisonOperators = ['>=', '<=', '>', '<'] as const;
export type ComparisonOperator = (typeof comparisonOperators)[number];

/** A condition on a number. */
export interface ParsedThreshold {
  readonly operator: ComparisonOperator;
  readonly value: number;
}

/** A condition on a metric, possibly for every value of a slice column by itself, or on a validation set. */
export interface ParsedGate extends ParsedThreshold {
  /** As it was written. */
  readonly text: string;
  readonly metric: string;
  /** Every slice of this column has to meet the condition. */
  readonly by?: string;
  /** The validation set whose rows have to meet the condition; the test part without it. */
  readonly on?: string;
}

/** A condition of a monitor: absolute, or a share of what the test report found. */
export interface ParsedMonitorThreshold extends ParsedThreshold {
  readonly text: string;
  /** `test`: `value` times the metric of the test report. */
  readonly relativeTo?: 'test';
}

const number = String.raw`-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?`;
const thresholdForm = new RegExp(`^\\s*(>=|<=|>|<)\\s*(${number})\\s*$`);
const monitorForm = new RegExp(`^\\s*(>=|<=|>|<)\\s*(${number})(?:\\s+of\\s+(test))?\\s*$`);
const gateForm = new RegExp(
  `^\\s*([A-Za-z][\\w@-]*)(?:\\s+on\\s+([A-Za-z0-9][A-Za-z0-9._-]*)|\\s+by\\s+(.+?))?\\s*(>=|<=|>|<)\\s*(${number})\\s*$`,
);
const durationForm = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** @param text such as `>= 0.83` @throws GyreError INVALID_ARGUMENT */
export function parseThreshold(text: string): ParsedThreshold {
  const match = thresholdForm.exec(text);
  if (match === null) throw unreadable(text, 'threshold', 'a comparison and a number are needed, such as ">= 0.83"');
  return { operator: operatorOf(match[1]), value: Number(match[2]) };
}

/** @param text such as `>= 0.75` or `>= 0.95 of test` @throws GyreError INVALID_ARGUMENT */
export function parseMonitorThreshold(text: string): ParsedMonitorThreshold {
  const match = monitorForm.exec(text);
  if (match === null) {
    throw unreadable(text, 'threshold of a monitor', '">= 0.75", ">= 0.95 of test" (relative to the test report) or "charter" are needed');
  }
  const threshold = { text: text.trim(), operator: operatorOf(match[1]), value: Number(match[2]) };
  return match[3] === undefined ? threshold : { ...threshold, relativeTo: 'test' };
}

/** @param text such as `roc_auc >= 0.83`, `accuracy by Contract >= 0.70` or `roc_auc on newest >= 0.8` @throws GyreError INVALID_ARGUMENT */
export function parseGate(text: string): ParsedGate {
  const match = gateForm.exec(text);
  if (match === null)
    throw unreadable(text, 'gate', '"roc_auc >= 0.83", "accuracy by Contract >= 0.70" or "roc_auc on newest >= 0.8" are needed');
  const gate = { text: text.trim(), metric: match[1], operator: operatorOf(match[4]), value: Number(match[5]) };
  if (match[2] !== undefined) return { ...gate, on: match[2] };
  return match[3] === undefined ? gate : { ...gate, by: match[3].replace(/^["'](.*)["']$/, '$1') };
}

/** Whether a number meets a condition; a number that could not be measured (NaN) meets none. */
export function meets(value: number, threshold: ParsedThreshold): boolean {
  switch (threshold.operator) {
    case '>=':
      return value >= threshold.value;
    case '<=':
      return value <= threshold.value;
    case '>':
      return value > threshold.value;
    case '<':
      return value < threshold.value;
  }
}

/** @param text such as `30s`, `15m`, `6h`, `1d` @returns milliseconds @throws GyreError INVALID_ARGUMENT */
export function parseDuration(text: string): number {
  const match = durationForm.exec(text);
  if (match === null) throw unreadable(text, 'length of time', 'a number with ms, s, m, h, d or w is needed, such as "6h"');
  return Number(match[1]) * unitMs[match[2]];
}

/** `>= 0.83`, as messages and records write a condition. */
export function thresholdText(threshold: ParsedThreshold): string {
  return `${threshold.operator} ${threshold.value}`;
}

function operatorOf(text: string): ComparisonOperator {
  const operator = comparisonOperators.find((candidate) => candidate === text);
  if (operator === undefined) throw unreadable(text, 'comparison', `one of ${comparisonOperators.join(', ')} is needed`);
  return operator;
}

function unreadable(text: string, what: string, right: string): GyreError {
  return new GyreError('INVALID_ARGUMENT', `"${text}" is no ${what}: ${right}`, { text });
}
