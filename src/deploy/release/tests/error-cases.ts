import type { ErrorCase, NamedRow, Signature } from '#contract';
import { type Prediction, saidOf, shown } from './said.ts';

const mostCases = 20;

/** The rows on which answers were wrong: the surest first; of a regression those that are the farthest off. */
export function errorCases(
  signature: Signature,
  rows: readonly NamedRow[],
  answers: readonly Prediction[],
  truth: Float64Array,
  personal: readonly string[],
): readonly ErrorCase[] {
  const wrong = answers.flatMap((answer, row): readonly (Omit<ErrorCase, 'inputs'> & { readonly by: number })[] => {
    const said = saidOf(answer);
    if (signature.task === 'regression') {
      return [{ row, said, truth: truth[row], by: Math.abs((said.score ?? Number.NaN) - truth[row]) }];
    }
    const real = signature.classes[truth[row]];
    return said.label === real ? [] : [{ row, said, truth: real, by: said.score ?? 0 }];
  });
  return wrong
    .toSorted((left, right) => right.by - left.by)
    .slice(0, mostCases)
    .map(({ row, said, truth: real }) => ({ row, said, truth: real, inputs: shown(signature, rows[row], personal) }));
}
