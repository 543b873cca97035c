import type { QualityCheck } from '#contract';
import { quantilesOfSorted, sorted } from '#stats';
import type { QualitySubject } from './quality-subject.ts';
import { unmeasured } from './quality-subject.ts';
import { collectFailures, shareCheck, validateFrame } from './validate.ts';

/** Tukey's outer fence: values beyond it are far out, whatever the distribution looks like (Tukey 1977). */
const fence = 3;

/**
 * Accuracy: do the values mean what they should? The reviewed schema's expectations and rules, and values far outside of their own column.
 */
export function accuracyChecks({ frame, request }: QualitySubject): QualityCheck[] {
  const { schema } = request;
  const expected = schema
    ? validateFrame(frame, schema).filter(({ name }) => !name.startsWith('missing: ') && !name.startsWith('unique: '))
    : [unmeasured('schema', 'no reviewed schema was given; the types are inferred ones')];
  return [...expected, ...plausibilityChecks(frame)];
}

/** One check over all number columns, so that many columns do not drown the others. */
function plausibilityChecks(frame: QualitySubject['frame']): QualityCheck[] {
  const columns = frame.schema.filter(({ type }) => type === 'number' || type === 'integer');
  const found = columns.map(({ name }) => {
    const values = frame.numbers(name);
    const [low, high] = quantilesOfSorted(sorted(values), [0.25, 0.75]);
    const reach = fence * (high - low);
    // a column that is mostly one value has no width to measure by
    if (!(reach > 0)) return { name, count: 0, applied: 0, examples: [] };
    return {
      name,
      ...collectFailures(frame, name, (row) =>
        Number.isNaN(values[row]) ? undefined : values[row] < low - reach || values[row] > high + reach,
      ),
    };
  });
  const failing = found.filter(({ count }) => count > 0);
  const total = {
    count: found.reduce((sum, { count }) => sum + count, 0),
    applied: found.reduce((sum, { applied }) => sum + applied, 0),
    examples: failing.flatMap(({ examples }) => examples.slice(0, 2)).slice(0, 5),
  };
  if (total.applied === 0) return [unmeasured('plausible values', 'there is no number column with a spread')];
  const words = (count: number): string =>
    `${count} values lie beyond three interquartile ranges, in ${failing.map(({ name }) => name).join(', ')}`;
  return [shareCheck('plausible values', 'warning', total, words, 'no number lies beyond three interquartile ranges of its column', 0.5)];
}
