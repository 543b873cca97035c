import type { CiReport, CiRequest, PipelineRun } from '#contract';
import { hasCode } from '#core';
import { findBase, reportOf } from './base-run.ts';
import { comparisonChecks, dataChecks, gateChecks, stepChecks } from './checks.ts';
import { changedParameters, compareData, comparedCurve, comparedSteps, compareMetrics, worseSlices } from './differences.ts';
import type { CiDeps } from './port.ts';

/** What the pipeline run of a commit came to, beside the run of the base branch. @param pipelineRun one that has ended */
export async function judgeCommit(deps: CiDeps, pipelineRun: PipelineRun, base: CiRequest['base']): Promise<CiReport> {
  const mayWorsen = allowedOf(pipelineRun);
  const found = await findBase(deps, base, pipelineRun.id);
  const before = found.run?.report;
  const id = reportOf(pipelineRun);
  const report = id === undefined ? undefined : await deps.evaluation.getReport(id);
  const compared = report === undefined ? { metrics: [] } : await compareMetrics(deps, report, found.run, mayWorsen);
  const unjudged = compared.unjudged === undefined ? '' : `; whether differences are chance was not judged: ${compared.unjudged}`;
  const { run } = found;
  return {
    checks: [
      ...(await dataChecks(deps, pipelineRun)),
      ...stepChecks(pipelineRun),
      ...gateChecks(report),
      ...(report === undefined ? [] : comparisonChecks(compared.metrics, mayWorsen, found.says)),
    ],
    base: {
      says: `${found.says}${unjudged}`,
      ...(run === undefined ? {} : { commit: run.commit, pipelineRun: run.pipelineRun.id, testReport: run.report.id }),
      ...(before === undefined || report === undefined
        ? {}
        : { sameReport: before.id === report.id, sameRows: before.dataset === report.dataset }),
    },
    metrics: [...compared.metrics],
    slices: report === undefined ? [] : worseSlices(report, before),
    data: await compareData(deps, pipelineRun, run?.pipelineRun),
    parameters: report === undefined ? [] : await changedParameters(deps, report, before),
    steps: comparedSteps(pipelineRun, run?.pipelineRun),
    ...(report === undefined ? {} : { ...comparedCurve(report, before), testReport: report.id, rows: report.rows }),
    ...(await registeredBy(deps, pipelineRun)),
  };
}

function allowedOf({ parameters }: PipelineRun): Readonly<Record<string, number>> {
  const allowed = parameters['mayWorsen'];
  if (typeof allowed !== 'object' || allowed === null) return {};
  return Object.fromEntries(Object.entries(allowed).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}

async function registeredBy({ registry }: CiDeps, { steps }: PipelineRun): Promise<Pick<CiReport, 'modelVersion'>> {
  const id = steps.find(({ kind }) => kind === 'registry.register')?.outputs?.['modelVersion'];
  if (typeof id !== 'string') return {};
  try {
    const { model, version, package: digest } = await registry.getById(id);
    return { modelVersion: { id, model, version, ...(digest === undefined ? {} : { package: digest }) } };
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return {};
    throw error;
  }
}
