import type { Check, ExplainAnswer, ExplanationsFinding, InputColumn, NamedRow } from '#contract';
import { messageOf } from '#core';
import type { Random } from '#core';
import { median, spearman } from '#stats';
import type { PlaneClient } from '../plane-client.ts';
import { perturbRows } from './perturb-rows.ts';

export interface ExplanationsInput {
  readonly client: PlaneClient;
  readonly endpoint: string;
  readonly inputs: readonly InputColumn[];
  readonly rows: readonly NamedRow[];
  readonly random: Random;
  /** The least median agreement that the project asks for. */
  readonly limit: number | undefined;
}

export interface ExplanationsFound {
  /** Absent where nothing was explained. */
  readonly explanations?: ExplanationsFinding;
  readonly checks: readonly Check[];
  /** Why explanations do not apply to the model, where they do not. */
  readonly inapplicable?: string;
}

type Contributions = ReadonlyMap<string, number>;

/** Contributions of each row, or why there are none: because the model is not explained by column, or because the endpoint failed. */
type Explained = { readonly contributions: readonly Contributions[] } | { readonly why: string; readonly kind: 'inapplicable' | 'failed' };

/**
 * Whether explanations hold still: the same rows explained twice, and their neighbours (a little noise in numbers), by the rank correlation of the
 * sizes of contributions (Spearman; as Alvarez-Melis and Jaakkola 2018 ask of neighbours). Of a model that cannot be explained by column nothing is
 * asked but what the project asks for.
 */
export async function explanationStability(input: ExplanationsInput): Promise<ExplanationsFound> {
  const noise = perturbRows(input.inputs, input.rows, input.random).find(({ name }) => name === 'noise');
  if (noise === undefined) return inapplicable(input, 'it takes no column of numbers, in which neighbours would differ');
  const first = await explained(input, input.rows);
  if ('why' in first) return first.kind === 'inapplicable' ? inapplicable(input, first.why) : { checks: [unanswered(first.why)] };
  const rows = first.contributions.length;
  const again = await explained(input, input.rows);
  if ('why' in again) return { checks: [unanswered(`rows that were explained once were not explained again: ${again.why}`)] };
  const neighbours = await explained(input, noise.rows);
  if ('why' in neighbours) return { checks: [unanswered(`neighbours of rows that were explained were not explained: ${neighbours.why}`)] };
  const repeated = first.contributions.reduce((most, one, at) => Math.max(most, apart(one, again.contributions[at])), 0);
  const agreements = first.contributions
    .map((one, at) => agreement(one, neighbours.contributions[at]))
    .filter((value) => Number.isFinite(value));
  const figures = agreements.length === 0 ? undefined : { agreement: median(agreements), leastAgreement: Math.min(...agreements) };
  return {
    explanations: { rows, repeated, ...figures },
    checks: [
      {
        name: 'explanations: repeated',
        passed: repeated <= 1e-9,
        observed: repeated,
        wanted: 'the same twice',
        message: `${rows} rows explained twice: contributions are apart by ${repeated.toExponential(1)} at most`,
      },
      ...(input.limit === undefined
        ? []
        : [
            neighbourly(
              input.limit,
              figures?.agreement,
              figures === undefined
                ? 'the agreement of neighbours could not be measured'
                : `rank correlation with the explanations of neighbours: ${figures.agreement.toFixed(3)} in the middle, ${figures.leastAgreement.toFixed(3)} at least`,
            ),
          ]),
    ],
  };
}

function unanswered(message: string): Check {
  return { name: 'explanations: answered', passed: false, observed: false, wanted: 'an explanation', message };
}

function neighbourly(limit: number, observed: number | undefined, message: string): Check {
  return {
    name: 'explanations: neighbours',
    passed: observed !== undefined && observed >= limit,
    observed: observed ?? null,
    wanted: `>= ${limit}`,
    message,
  };
}

function inapplicable({ limit }: ExplanationsInput, why: string): ExplanationsFound {
  return {
    inapplicable: why,
    checks: limit === undefined ? [] : [neighbourly(limit, undefined, `the project asks for an agreement that cannot be measured: ${why}`)],
  };
}

async function explained({ client, endpoint }: ExplanationsInput, rows: readonly NamedRow[]): Promise<Explained> {
  try {
    const { status, body } = await client.post(`/explain/${encodeURIComponent(endpoint)}`, JSON.stringify({ rows }));
    if (status !== 200) {
      const said = typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string' ? `: ${body.error}` : '';
      // What a plane refuses to explain, and a plane that does not explain; everything else is a failure.
      const kind = status === 400 || status === 404 ? 'inapplicable' : 'failed';
      return { kind, why: `${rows.length} rows to explain were answered with ${status}${said}` };
    }
    // The plane is of this very version.
    const { explanations = [] } = body as ExplainAnswer;
    if (explanations.length !== rows.length)
      return { kind: 'failed', why: `${rows.length} rows were answered with ${explanations.length} explanations` };
    return {
      contributions: explanations.map(
        ({ contributions }) => new Map(contributions.map(({ feature, contribution }) => [feature, contribution])),
      ),
    };
  } catch (error) {
    return { kind: 'failed', why: messageOf(error) };
  }
}

function apart(left: Contributions, right: Contributions): number {
  return [...left].reduce((most, [feature, value]) => Math.max(most, Math.abs(value - (right.get(feature) ?? 0))), 0);
}

function agreement(left: Contributions, right: Contributions): number {
  const features = [...left.keys()];
  const of = (one: Contributions) => features.map((feature) => Math.abs(one.get(feature) ?? 0));
  return features.length < 3 ? Number.NaN : spearman(of(left), of(right));
}
