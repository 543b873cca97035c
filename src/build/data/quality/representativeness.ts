import { benjaminiHochberg, chiSquaredSurvival, driftTest, populationStabilityIndex, quantileBinEdges, histogramOf, sorted } from '#stats';
import type { DriftSample } from '#stats';
import type { Frame } from '#tables';
import type { Collector } from './collector.ts';
import { never, unmeasured } from './limits.ts';
import type { Finding } from './limits.ts';
import { onSample } from './subject.ts';
import type { QualitySubject } from './subject.ts';
import { countsCollector, groupName, valueCounts } from './value-counts.ts';

/** Chance of calling rows unrepresentative that are a fair draw. */
const alpha = 0.01;
/** The population stability index from which a shift counts (Siddiqi 2006: below 0.1 there is none to speak of). */
const leastPsi = 0.1;
/** A share that is off by a tenth in all is worth a word. */
const declaredLimits = { warn: 0.9 };

/** The shares that the schema declares for the population, held against the rows: one check per column that has them. */
export function populationCollectors({ batches, request }: QualitySubject): Collector[] {
  const present = new Set(batches.schema.map(({ name }) => name));
  return (request.schema?.columns ?? []).flatMap(({ name, population }): Collector[] => {
    if (population === undefined || !present.has(name)) return [];
    const values = valueCounts(name);
    return [{ ...countsCollector(values), findings: () => [declaredFinding(name, population, values.counts())] }];
  });
}

/**
 * Pearson's chi-squared goodness of fit to declared shares. Score: 1 - total variation distance; limits count only where the difference
 * is more than chance explains (1 %).
 */
export function declaredFinding(
  column: string,
  population: Readonly<Record<string, number>>,
  counts: ReadonlyMap<string, number> | undefined,
): Finding {
  const name = `population: ${column}`;
  if (!counts) return unmeasured(name, `${column} has too many different values to be held against shares`);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return unmeasured(name, `${column} has no value`);
  const declared = Object.entries(population);
  const undeclared = [...counts].filter(([value]) => !Object.hasOwn(population, value));
  let [statistic, distance] = [0, 0];
  for (const [value, share] of declared) {
    const observed = counts.get(value) ?? 0;
    distance += Math.abs(observed / total - share) / 2;
    if (share > 0) statistic += (observed - share * total) ** 2 / (share * total);
    else if (observed > 0) statistic = Infinity;
  }
  for (const [, count] of undeclared) {
    distance += count / total / 2;
    statistic = Infinity;
  }
  const degrees = Math.max(1, declared.length - 1);
  const pValue = Number.isFinite(statistic) ? chiSquaredSurvival(statistic, degrees) : 0;
  const isOff = pValue < alpha;
  const off = [
    ...declared.map(([value, share]) => ({ value, share, has: (counts.get(value) ?? 0) / total })),
    ...undeclared.map(([value, count]) => ({ value, share: 0, has: count / total })),
  ]
    .sort((left, right) => Math.abs(right.has - right.share) - Math.abs(left.has - left.share))
    .slice(0, 5);
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const furthest = `${off[0].value} is ${percent(off[0].has)}, declared ${percent(off[0].share)}`;
  return {
    name,
    column,
    score: 1 - distance,
    weight: 1,
    limits: isOff ? declaredLimits : never,
    message: isOff
      ? `the shares of ${column} are not those of the population (chi-squared ${Number.isFinite(statistic) ? statistic.toFixed(1) : 'infinite: a value that has no share'}, p ${pValue < 0.001 ? '< 0.001' : `= ${pValue.toFixed(3)}`}): ${furthest}`
      : `the shares of ${column} are those of the population, as far as chance goes (p = ${pValue.toFixed(3)})`,
    failing: isOff ? off.filter(({ has, share }) => Math.abs(has - share) > 0.01).length : 0,
    applied: declared.length,
    examples: isOff ? off.map(({ value, share, has }) => ({ column, value, note: `${percent(has)}, declared ${percent(share)}` })) : [],
  };
}

/** The rows held against a dataset that shows the population, and against rows from production. */
export function representativenessFindings(subject: QualitySubject): Finding[] {
  const { request, sample, populations } = subject;
  return populations.map((population) => {
    const name = `representative of ${population.name}`;
    if ('missing' in population) return unmeasured(name, population.missing);
    return onSample(subject, comparedFinding(name, sample, population.frame, [request.key, request.target]));
  });
}

/**
 * Which columns follow another law than in the reference: Kolmogorov and Smirnov's test for numbers, chi-squared for texts, false
 * discoveries held at 1 % (Benjamini and Hochberg 1995), and a population stability index of at least 0.1. Score: the share of columns that do not.
 */
export function comparedFinding(name: string, current: Frame, reference: Frame, without: readonly (string | undefined)[]): Finding {
  const tested = current.names.flatMap((column) => {
    if (without.includes(column) || !reference.has(column) || reference.column(column).kind !== current.column(column).kind) return [];
    const [from, to] = [sampleOf(reference, column), sampleOf(current, column)];
    if (!from || !to) return [];
    return [{ column, pValue: driftTest(from, to, { alpha }).pValue, psi: psiOf(from, to) }];
  });
  if (tested.length === 0) return unmeasured(name, 'the two tables have no column in common whose values can be compared');
  const adjusted = benjaminiHochberg(tested.map(({ pValue }) => pValue));
  const off = tested.filter(({ psi }, i) => adjusted[i] < alpha && psi >= leastPsi).sort((left, right) => right.psi - left.psi);
  return {
    name,
    score: 1 - off.length / tested.length,
    weight: 1,
    limits: { warn: 1 },
    message:
      off.length > 0
        ? `${off.length} of ${tested.length} columns follow another law than there: ${off
            .slice(0, 5)
            .map(({ column, psi }) => `${column} (PSI ${psi.toFixed(2)})`)
            .join(', ')}`
        : `${tested.length} columns follow the same laws as there, as far as can be told`,
    failing: off.length,
    applied: tested.length,
    examples: off.slice(0, 5).map(({ column, psi }) => ({ column, value: Number(psi.toFixed(4)), note: 'population stability index' })),
  };
}

/** A text column with so many different values is a key or free text. */
const mostValues = 200;

function sampleOf(frame: Frame, name: string): DriftSample | undefined {
  const column = frame.column(name);
  if (column.kind === 'instant') return undefined;
  if (column.kind === 'number') {
    const values = column.values.filter((value) => !Number.isNaN(value));
    return values.length === 0 ? undefined : { kind: 'numeric', values };
  }
  const counts = new Map<string, number>();
  let missing = 0;
  for (const code of column.codes) {
    if (code < 0) missing++;
    else counts.set(groupName(frame, name, code), (counts.get(groupName(frame, name, code)) ?? 0) + 1);
    if (counts.size > mostValues) return undefined;
  }
  return counts.size === 0 ? undefined : { kind: 'categorical', counts, missing };
}

function psiOf(reference: DriftSample, current: DriftSample): number {
  if (reference.kind === 'numeric' && current.kind === 'numeric') {
    const edges = quantileBinEdges(sorted(reference.values), 10);
    return populationStabilityIndex(histogramOf(reference.values, edges), histogramOf(current.values, edges));
  }
  if (reference.kind !== 'categorical' || current.kind !== 'categorical') return NaN;
  const names = [...new Set([...reference.counts.keys(), ...current.counts.keys()])];
  const counted = (counts: ReadonlyMap<string, number>): number[] => names.map((value) => counts.get(value) ?? 0);
  return populationStabilityIndex(counted(reference.counts), counted(current.counts));
}
