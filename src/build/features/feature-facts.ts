import type { FeatureFacts, NumberPlan, Recipe } from './recipe.ts';
import type { Treatment } from './treatments.ts';

/** The features' names, sources and making, in the order of the graph's columns. */
export function featureFacts(recipe: Recipe, treatments: readonly Treatment[]): readonly FeatureFacts[] {
  const { numbers, categories, components, derived } = recipe;
  const fromOf = (source: string): string[] => [...(treatments.find((one) => one.source === source)?.from ?? [source])];
  const expressionOf = new Map(derived.map(({ name, expression }) => [name, expression]));
  const replaced = new Set(components?.sources);
  return [
    ...numbers
      .filter(({ source }) => !replaced.has(source))
      .map((plan) => ({ name: plan.source, from: fromOf(plan.source), how: numberWords(plan, expressionOf.get(plan.source)) })),
    ...numbers
      .filter(({ flagMissing }) => flagMissing)
      .map(({ source }) => ({ name: `${source}=(missing)`, from: fromOf(source), how: `1 where ${source} is missing` })),
    ...categories.flatMap((plan) => plan.names.map((name, at) => ({ name, from: fromOf(plan.source), how: plan.how[at] }))),
    ...(components?.components ?? []).map((_, at) => ({
      name: `pca${at + 1}`,
      from: [...new Set(components?.sources.flatMap(fromOf))],
      how: `principal component ${at + 1} of ${components?.sources.join(', ')}: ${((components?.explained[at] ?? 0) * 100).toFixed(1)} % of their variance`,
    })),
  ];
}

const short = (value: number): string => String(Number(value.toPrecision(6)));

function numberWords({ fill, scale, offset, divisor }: NumberPlan, expression: string | undefined): string {
  const words = [
    expression ?? 'as it is',
    fill === null ? '' : `missing values as ${short(fill)}`,
    scale === 'standard' ? `standardised: less ${short(offset)}, divided by ${short(divisor)}` : '',
    scale === 'minmax' ? `scaled to 0 … 1 from ${short(offset)} on, divided by ${short(divisor)}` : '',
  ];
  return words.filter((word) => word !== '').join('; ');
}
