import type { Check, ExplainAnswer, ExplanationsFinding, InputColumn, NamedRow } from '#contract';
import type { Random } from '#core';
import { spearman } from '#stats';
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

type Contributions = ReadonlyMap<string, number>;

/**
 * Whether explanations hold still: the same rows explained twice, and their neighbours (a little noise in numbers), by the rank correlation of the
 * sizes of contributions (Spearman; as Alvarez-Melis and Jaakkola 2018 ask of neighbours). Nothing for a model that cannot be explained by column.
 */
export async function explanationStability(
  input: ExplanationsInput,
): Promise<{ readonly explanations: ExplanationsFinding; readonly checks: readonly Check[] } | undefined> {
  const noise = perturbRows(input.inputs, input.rows, input.random).find(({ name }) => name === 'noise');
  if (noise === undefined) return undefined;
  const first = await explained(input, input.rows);
  if (first === undefined) return undefined;
  const again = await explained(input, input.rows);
  const neighbours = await explained(input, noise.rows);
  if (again === undefined || neighbours === undefined) {
    const message = 'rows that were explained once were not explained again, or their neighbours were not';
    const failed = { name: 'explanations: answered', passed: false, observed: false, wanted: 'an explanation', message };
    return { explanations: { rows: first.length, repeated: 0 }, checks: [failed] };
  }
  const repeated = first.reduce((most, one, at) => Math.max(most, apart(one, again[at])), 0);
  const agreements = first
    .map((one, at) => agreement(one, neighbours[at]))
    .filter((value) => Number.isFinite(value))
    .toSorted((left, right) => left - right);
  const median = agreements.at(Math.floor(agreements.length / 2));
  const least = agreements.at(0);
  const figures = median === undefined || least === undefined ? {} : { agreement: median, leastAgreement: least };
  return {
    explanations: { rows: first.length, repeated, ...figures },
    checks: [
      {
        name: 'explanations: repeated',
        passed: repeated <= 1e-9,
        observed: repeated,
        wanted: 'the same twice',
        message: `${first.length} rows explained twice: contributions are apart by ${repeated.toExponential(1)} at most`,
      },
      ...(input.limit === undefined
        ? []
        : [
            {
              name: 'explanations: neighbours',
              passed: median !== undefined && median >= input.limit,
              observed: median ?? null,
              wanted: `>= ${input.limit}`,
              message:
                median === undefined
                  ? 'the agreement of neighbours could not be measured'
                  : `rank correlation with the explanations of neighbours: ${median.toFixed(3)} in the middle, ${(least ?? 0).toFixed(3)} at least`,
            },
          ]),
    ],
  };
}

async function explained(
  { client, endpoint }: ExplanationsInput,
  rows: readonly NamedRow[],
): Promise<readonly Contributions[] | undefined> {
  const answer = await client.post(`/explain/${encodeURIComponent(endpoint)}`, JSON.stringify({ rows })).catch(() => undefined);
  if (answer?.status !== 200) return undefined;
  // The plane is of this very version.
  const { explanations = [] } = answer.body as ExplainAnswer;
  const found = explanations.map(({ contributions }) => new Map(contributions.map(({ feature, contribution }) => [feature, contribution])));
  return found.length === rows.length ? found : undefined;
}

function apart(left: Contributions, right: Contributions): number {
  return [...left].reduce((most, [feature, value]) => Math.max(most, Math.abs(value - (right.get(feature) ?? 0))), 0);
}

function agreement(left: Contributions, right: Contributions): number {
  const features = [...left.keys()];
  const of = (one: Contributions) => features.map((feature) => Math.abs(one.get(feature) ?? 0));
  return features.length < 3 ? Number.NaN : spearman(of(left), of(right));
}
