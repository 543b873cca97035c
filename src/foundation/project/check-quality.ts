import type { DatasetSpec } from '#contract';
import { columnFinding, parsed } from './check-context.ts';
import type { CheckContext } from './check-context.ts';
import type { Finding } from './problems.ts';
import { parseQualityCondition } from './quality-conditions.ts';
import { suggestionFor } from './suggest.ts';

/** What does not hold in a dataset's `quality` section. */
export function checkQuality(context: CheckContext, name: string, { quality }: DatasetSpec): Finding[] {
  if (quality === undefined) return [];
  const path = ['data', name, 'quality'];
  const findings: Finding[] = [];
  for (const list of ['fail', 'warn'] as const) {
    (quality[list] ?? []).forEach((text, index) => {
      const condition = parsed([...path, list, index], () => parseQualityCondition(text));
      if ('finding' in condition) findings.push(condition.finding);
    });
  }
  for (const list of ['groups', 'places'] as const)
    (quality[list] ?? []).forEach((column, index) => findings.push(...columnFinding(context, name, column, [...path, list, index])));
  const { population } = quality;
  if (population !== undefined && !Object.hasOwn(context.project.data, population)) {
    const suggestion = suggestionFor(population, Object.keys(context.project.data), 'datasets');
    const message = `there is no dataset "${population}"`;
    findings.push({ path: [...path, 'population'], message, ...(suggestion === undefined ? {} : { suggestion }) });
  }
  return findings;
}
