import type { LoadedProject } from '#project';
import { personalColumns } from '../personal/personal.ts';
import { usualNearness } from '../near-duplicates/plan.ts';
import type { QualityRequest } from '../port.ts';
import { referencesOf } from './references.ts';

/** What a dataset's versions are held against: its section of the project's file, its reviewed schema, the charter's personal columns. */
export function projectQuality(project: LoadedProject, dataset: string): Omit<QualityRequest, 'by'> {
  const schema = project.schemas[dataset];
  const masked = [...personalColumns(schema ?? { columns: [] }, project.resolved.charter.personalData?.columns)];
  const found = project.resolved.datasets.find(({ name }) => name === dataset);
  const base = { masked, ...(schema === undefined ? {} : { schema }) };
  if (found === undefined) return base;
  const { key, target, asOf, maxAgeMs, quality } = found;
  return {
    ...base,
    key,
    split: found.split,
    limits: quality.limits,
    groups: quality.groups,
    places: quality.places,
    near: { ...usualNearness, ...quality.near },
    unused: unusedColumns(project, dataset),
    quarantine: quality.quarantine,
    ...(quality.productionMs === undefined ? {} : { productionMs: quality.productionMs }),
    ...(quality.population === undefined ? {} : { population: quality.population }),
    ...(target === undefined ? {} : { target }),
    ...(asOf === undefined ? {} : { asOf: Date.parse(`${asOf}T00:00:00Z`) }),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
  };
}

/** The other datasets whose newest versions the request holds rows against: the population, and those that the schema refers to. */
export function comparedDatasets({ schema, population }: Pick<QualityRequest, 'schema' | 'population'>): readonly string[] {
  const referred = schema === undefined ? [] : referencesOf(schema).map(({ dataset }) => dataset);
  return [...new Set([...referred, ...(population === undefined ? [] : [population])])].sort();
}

/** Columns that every transform step on the dataset leaves out. */
function unusedColumns(project: LoadedProject, dataset: string): readonly string[] {
  const [first, ...others] = project.resolved.steps.flatMap((step) =>
    step.kind === 'transform' && step.dataset === dataset ? [step.spec.transform.exclude ?? []] : [],
  );
  return (first ?? []).filter((column) => others.every((excluded) => excluded.includes(column)));
}
