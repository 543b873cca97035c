import { GyreError } from '#core';
import type { CheckLimits, QualitySpec } from '#contract';

/** A check or characteristic and the least score that it must have. */
export interface ParsedQualityCondition {
  readonly name: string;
  readonly least: number;
}

const form = /^\s*(.+?)\s*(?:>=\s*(\d*\.?\d+))?\s*$/;

/**
 * @param text a check or characteristic by its name, `*` at the end for all that begin so, and the least score; without one, 1
 * @throws GyreError INVALID_ARGUMENT
 */
export function parseQualityCondition(text: string): ParsedQualityCondition {
  const match = form.exec(text);
  const least = match?.[2] === undefined ? 1 : Number(match[2]);
  if (match !== null && !/[<>=]\s*-?[\d.]+\s*$/.test(match[1]) && least <= 1) return { name: match[1], least };
  const message = `"${text}" is no condition on quality: a name and a least score from 0 to 1 are needed, such as "duplicate rows >= 0.99"`;
  throw new GyreError('INVALID_ARGUMENT', message, { text });
}

/** The limits that a dataset's `quality` section sets, in an order in which later ones win: warnings first, then failures. */
export function qualityLimits({ fail = [], warn = [] }: QualitySpec): readonly (readonly [string, CheckLimits])[] {
  const limits = new Map<string, CheckLimits>();
  for (const { name, least } of warn.map(parseQualityCondition)) limits.set(name, { warn: least });
  for (const { name, least } of fail.map(parseQualityCondition)) limits.set(name, { ...limits.get(name), fail: least });
  return [...limits];
}
