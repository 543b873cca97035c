import { anyColumnFinding, parsed } from './check-context.ts';
import type { CheckContext } from './check-context.ts';
import { checkGateMetric } from './check-metrics.ts';
import { parseGate } from './conditions.ts';
import type { Finding } from './problems.ts';
import { suggestionFor } from './suggest.ts';

/**
 * What does not hold in `release.tests`: datasets that the project has not, and gates that cannot be judged.
 * @param task of the project's models, where all have one
 */
export function checkApplicationTests(context: CheckContext, task: Parameters<typeof checkGateMetric>[2]): Finding[] {
  const { project } = context;
  return Object.entries(project.release?.tests?.validation ?? {}).flatMap(([dataset, { gates = [] }]): Finding[] => {
    const place = ['release', 'tests', 'validation', dataset];
    if (!Object.hasOwn(project.data, dataset)) {
      const suggestion = suggestionFor(dataset, Object.keys(project.data), 'datasets');
      return [
        { path: place, atKey: true, message: `there is no dataset "${dataset}"`, ...(suggestion === undefined ? {} : { suggestion }) },
      ];
    }
    return gates.flatMap((text, index): Finding[] => {
      const path = [...place, 'gates', index];
      const gate = parsed(path, () => parseGate(text));
      if ('finding' in gate) return [gate.finding];
      const { by, on } = gate.value;
      return [
        ...checkGateMetric(gate.value, path, task),
        ...(by === undefined ? [] : anyColumnFinding(context, by, path)),
        ...(on === undefined
          ? []
          : [{ path, message: `"on ${on}" names a set; this gate speaks of "${dataset}"`, suggestion: 'leave it out' }]),
      ];
    });
  });
}
