import { GyreError } from '#core';
import type { StepHandler } from '#pipelines';
import { datasetOf, splitOutputs } from './data-steps.ts';
import type { LoopRooms } from './rooms.ts';
import { count, text } from './values.ts';

/** Of the new rows that training may see, this share stops it early and chooses the trial. */
const validationShare = 0.2;

/** The steps that a retraining has beside those of the first training: find the old parts, collect the new rows. */
export function retrainingSteps(rooms: LoopRooms): readonly StepHandler[] {
  const { data, monitoring } = rooms;
  return [
    {
      kind: 'data.parts',
      version: '1',
      cacheable: false,
      run: async (context) => {
        const name = text(context.parameters, 'dataset');
        const newest = (await data.list({ dataset: name, part: null, limit: 1 })).items.at(0);
        const split = newest === undefined ? undefined : (await data.splitsOf(newest.digest)).at(0);
        if (split === undefined)
          throw new GyreError('FAILED_PRECONDITION', `"${name}" has no split yet: run the pipeline (gyre run) first`);
        return {
          outputs: splitOutputs(split),
          summary: `parts of version ${split.version.slice(0, 12)}`,
        };
      },
    },
    {
      kind: 'monitoring.collect',
      version: '1',
      cacheable: false,
      run: async (context) => {
        const project = rooms.project();
        const dataset = datasetOf(project, text(context.parameters, 'dataset'));
        const { endpoint } = project.resolved.serve;
        const environment = text(context.parameters, 'environment');
        const since = text(context.parameters, 'since');
        const until = text(context.parameters, 'until');
        const { frame } = await monitoring.labelledFrame({ environment, endpoint, from: since, to: until });
        const { version } = await data.createFromRows({
          dataset: `${dataset.name}-recent`,
          frame,
          source: `predictions of "${endpoint}" in ${environment} from ${since} to ${until}, with their labels`,
          reason: context.step,
          by: context.by,
        });
        const testShare = count(context.parameters, 'testShare');
        const validation = (1 - testShare) * validationShare;
        const split = await data.split(version.digest, {
          dataset: `${dataset.name}-recent`,
          ...(dataset.key === undefined ? {} : { key: dataset.key }),
          parts: { 'recent-train': 1 - testShare - validation, 'recent-validation': validation, 'recent-test': testShare },
          // Not the first split's salt: these rows are all of one of its parts, and would fall into few of these.
          salt: `${dataset.split.salt}:recent`,
          by: context.by,
        });
        return {
          outputs: {
            version: version.digest,
            rows: frame.rows,
            ...Object.fromEntries(split.parts.map(({ part, version: digest }) => [`part.${part}`, digest])),
          },
          summary: `${frame.rows} labelled rows since ${since.slice(0, 10)}: ${split.parts.map(({ part, rows }) => `${part} ${rows}`).join(', ')}`,
        };
      },
    },
  ];
}
