import type { ExplainAnswer, OcclusionMap, RowExplanation } from '#contract';
import { counted, number, percent, plain } from './format.ts';

/** What the numbers of an explanation are, for whoever has not met them. */
const scales: Readonly<Record<ExplainAnswer['scale'], (subject: string) => string>> = {
  log_odds: (subject) => `log-odds of ${subject}: each 0.7 doubles the odds`,
  log_probability: (subject) => `log probability of ${subject}: each 0.7 doubles it against the other classes`,
  probability: (subject) => `probability of ${subject}`,
  score: (subject) => `score of ${subject}`,
  value: () => 'predicted value',
};

export function scaleWords({ scale }: Pick<ExplainAnswer, 'scale'>, { class: subject }: Pick<RowExplanation, 'class'>): string {
  return scales[scale](subject ?? 'the prediction');
}

/** The two strongest pushes, in words. */
export function pushWords({ class: subject, contributions }: RowExplanation): string {
  const named = subject === undefined ? ['up', 'down'] : [`towards ${subject}`, `away from ${subject}`];
  const strongest = (sign: 1 | -1): string | undefined => {
    const [first] = contributions.filter(({ contribution }) => Math.sign(contribution) === sign);
    if (first === undefined) return undefined;
    const value = first.value === null ? '' : ` = ${plain(first.value)}`;
    return `${first.feature}${value} pushes it most ${named[sign === 1 ? 0 : 1] ?? ''}`;
  };
  const said = [strongest(1), strongest(-1)].filter((text) => text !== undefined);
  return said.length === 0 ? 'No column moved it.' : `${said.join('; ')}.`;
}

/** How the explanation was made, and how far it can be trusted. */
export function methodWords({ method, background, reason }: ExplainAnswer, row?: RowExplanation): string {
  const from = background === undefined ? '' : ` Measured from ${backgroundWords(background)}.`;
  if (method === 'linear' || method === 'tree_shap')
    return `Exact: computed from the model itself; bars and starting point add up to what it says.${from}`;
  if (method === 'occlusion') return '';
  const { fidelity } = row ?? {};
  const why = reason === undefined ? '' : ` (${reason})`;
  if (fidelity === undefined) return `Estimated by KernelSHAP${why}.${from}`;
  const missed = Math.max(0, 1 - fidelity.r2);
  const trust = missed < 0.01 ? 'good' : missed < 0.1 ? 'fair: small bars may be wrong' : 'poor: trust only the longest bars';
  return `Estimated by KernelSHAP${why}: the model was asked about ${counted(fidelity.coalitions, 'combination')} of columns out of ${number(fidelity.of)}. What the bars miss of its answers: ${percent(missed)} of their variance; the estimate is ${trust}.${from}`;
}

function backgroundWords({ kind, rows }: NonNullable<ExplainAnswer['background']>): string {
  if (kind === 'training') return 'the rows that the model learned from';
  if (kind === 'package') return `${counted(rows, 'typical row')} of the training data`;
  if (kind === 'request') return `${counted(rows, 'row')} of the request`;
  return kind === 'input_example' ? 'the one example in the package, which says little' : 'the middle of what it takes, which says little';
}

/** What an occlusion map shows, in a sentence. */
export function mapWords({ class: subject, score, values }: OcclusionMap): string {
  const all = values.flat();
  const most = Math.max(0, ...all);
  const least = Math.min(0, ...all);
  if (Math.max(most, -least) < 0.005)
    return `No square of it decides: whichever is covered, ${percent(score)} for ${subject} moves by less than half a percent.`;
  const against =
    least < -0.005 ? ` Where it is marked against, covering it makes ${subject} likelier, up to ${percent(score - least)}.` : '';
  return `Where it is marked for, the model sees ${subject}: with the strongest square covered, ${percent(score)} falls to ${percent(Math.max(0, score - most))}.${against}`;
}

/** A square of a map as it is drawn over the picture, in the model's pixels. */
export interface MapSquare {
  readonly x: number;
  readonly y: number;
  readonly side: number;
  /** -1 (against) to 1 (for), as a part of the strongest one. */
  readonly strength: number;
}

/** Squares in the middle of what was covered, so that they lie side by side. */
export function mapSquares(map: OcclusionMap, { patch, stride, height, width }: NonNullable<ExplainAnswer['maps']>): readonly MapSquare[] {
  const strongest = Math.max(...map.values.flat().map(Math.abs), Number.MIN_VALUE);
  const side = Math.min(stride, patch);
  const place = (at: number, length: number): number => Math.min(at * stride, length - patch) + (patch - side) / 2;
  return map.values.flatMap((line, y) =>
    line.map((value, x) => ({ x: place(x, width), y: place(y, height), side, strength: value / strongest })),
  );
}
