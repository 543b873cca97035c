import { isTrained } from '#contract';
import type { Split } from '#contract';
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
        const split = (await splitOfChampion(rooms, name)) ?? (await newestSplit(rooms, name));
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

/**
 * What the model that is to be replaced has learned from: a version that is newer may be of a commit that never came into the project.
 */
async function splitOfChampion(
  { data, registry, training, project }: Pick<LoopRooms, 'data' | 'registry' | 'training' | 'project'>,
  dataset: string,
): Promise<Split | undefined> {
  const champion = await registry.aliased(project().resolved.serve.endpoint, 'champion');
  if (champion === undefined || !isTrained(champion)) return undefined;
  const { inputs } = await training.getRun(champion.run);
  const part = inputs.find(({ role }) => role === 'train')?.digest;
  const parent = part === undefined ? undefined : (await data.get(part)).manifest.derivedFrom?.parents.at(0);
  if (part === undefined || parent === undefined || (await data.get(parent)).dataset !== dataset) return undefined;
  return (await data.splitsOf(parent)).find(({ parts }) => parts.some(({ version }) => version === part));
}

async function newestSplit({ data }: Pick<LoopRooms, 'data'>, dataset: string): Promise<Split | undefined> {
  const [newest] = (await data.list({ dataset, part: null, limit: 1 })).items;
  return newest === undefined ? undefined : (await data.splitsOf(newest.digest)).at(0);
}
