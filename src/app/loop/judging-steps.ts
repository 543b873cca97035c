import { isJudged, isTrained } from '#contract';
import type { Comparison, TestReport } from '#contract';
import type { ModelSource } from '#evaluation';
import type { StepHandler } from '#pipelines';
import type { LoopRooms } from './rooms.ts';
import { optionalText, text } from './values.ts';

/** The steps that judge a model and give it a version. */
export function judgingSteps(rooms: LoopRooms): readonly StepHandler[] {
  const { evaluation, registry, charters } = rooms;
  return [
    {
      kind: 'evaluation.judge',
      version: '1',
      cacheable: true,
      stillThere: async (outputs) => (await evaluation.getReport(text(outputs, 'report'))).id === text(outputs, 'report'),
      run: async (context) => {
        const project = rooms.project();
        const { charter, test } = project.project;
        const run = text(context.inputs, 'run');
        const dataset = text(context.inputs, 'test');
        const earlier = optionalText(context.inputs, 'earlier');
        const split = optionalText(context.inputs, 'split');
        const sets = split === undefined ? [] : ((await rooms.data.getSplit(split)).sets ?? []);
        const champion = await championModel(rooms, { run, dataset });
        const report = await evaluation.judge({
          model: run,
          test: dataset,
          parts: { validation: text(context.inputs, 'validation') },
          spec: test ?? {},
          charter: await charters.record(project.resolved.project, charter, context.by),
          ...(champion === undefined ? {} : { champion }),
          ...(earlier === undefined ? {} : { alsoOn: [{ name: 'test before the change', version: earlier }] }),
          ...(sets.length === 0 ? {} : { validationSets: sets }),
          by: context.by,
        });
        return {
          outputs: { report: report.id, passed: report.passed, verdict: report.comparison?.verdict ?? null },
          summary: reportText(report),
        };
      },
    },
    {
      kind: 'registry.register',
      version: '1',
      cacheable: true,
      stillThere: async (outputs) => (await registry.getById(text(outputs, 'modelVersion'))).id === text(outputs, 'modelVersion'),
      run: async (context) => {
        const project = rooms.project();
        const report = await evaluation.getReport(text(context.inputs, 'report'));
        const model = project.resolved.serve.endpoint;
        const version = await registry.createVersion({
          model,
          description: project.resolved.description,
          run: text(context.inputs, 'run'),
          report: report.id,
          charter: await charters.get(project.resolved.project, report.charter),
          outliers: project.resolved.serve.outliers,
          tags: { pipelineRun: context.pipelineRun },
          by: context.by,
        });
        const isCandidate = report.passed && !rooms.isCi();
        if (isCandidate) await registry.setAlias({ model, alias: 'candidate', version: version.version, by: context.by });
        return {
          outputs: { modelVersion: version.id, version: version.version, package: version.package },
          summary: `${model} version ${version.version}, package ${version.package.slice(0, 12)}${isCandidate ? ', candidate' : report.passed ? '' : '; its gates are not passed'}`,
        };
      },
    },
  ];
}

/**
 * The champion's model, where there is one to compare with: not the very model that is judged, and none that has learned from these rows.
 * @param judged the run or the model version that is judged
 */
export async function championModel(
  rooms: LoopRooms,
  judged: { readonly run?: string; readonly modelVersion?: string; readonly dataset: string },
): Promise<ModelSource | undefined> {
  const champion = await rooms.registry.aliased(rooms.project().resolved.serve.endpoint, 'champion');
  if (champion === undefined || !isJudged(champion) || champion.id === judged.modelVersion) return undefined;
  if (!isTrained(champion)) return rooms.registry.modelSource(champion);
  if (champion.run === judged.run) return undefined;
  const { inputs } = await rooms.training.getRun(champion.run);
  const hasLearned = inputs.some(({ role, digest }) => digest === judged.dataset && role !== 'transform');
  return hasLearned ? undefined : champion.run;
}

function reportText(report: TestReport): string {
  const failed = report.gates.filter((gate) => !gate.passed);
  const gates = failed.length === 0 ? `${report.gates.length} gates passed` : `failed: ${failed.map(({ message }) => message).join('; ')}`;
  const figures = ['roc_auc', 'accuracy', 'rmse'].flatMap((name) => {
    const value = report.metrics.find((metric) => metric.name === name)?.value;
    return value === undefined || value === null ? [] : [`${name} ${value.toFixed(3)}`];
  });
  const sets = setsText(report);
  const compared = report.comparison === undefined ? '' : `; ${comparisonText(report.comparison)}`;
  return `${figures.join(', ')} on ${report.rows} rows${sets}; ${gates}${compared}`;
}

/** The primary metric on each validation set. */
function setsText({ validationSets = [], primary }: TestReport): string {
  const figures = validationSets.flatMap(({ set, metrics }) => {
    const value = metrics.find(({ name }) => name === primary)?.value;
    return value === undefined || value === null ? [] : [`${value.toFixed(3)} on ${set}`];
  });
  return figures.length === 0 ? '' : ` (${primary} ${figures.join(', ')})`;
}

/** A comparison in a sentence's part, with its interval. */
export function comparisonText(comparison: Comparison): string {
  const { metric, championValue, challengerValue, difference, interval, rows } = comparison;
  const figures = `${metric} ${challengerValue.toFixed(3)} against ${championValue.toFixed(3)} on the same ${rows} rows`;
  const by = `${difference >= 0 ? '+' : ''}${difference.toFixed(3)} (${Math.round(interval.level * 100)}% ${interval.low.toFixed(3)} to ${interval.high.toFixed(3)})`;
  switch (comparison.verdict) {
    case 'better':
      return `the challenger is better: ${figures}, ${by}`;
    case 'worse':
      return `the challenger is worse: ${figures}, ${by}`;
    case 'no_evidence':
      return `no evidence that the challenger is better: ${figures}, ${by}`;
  }
}
