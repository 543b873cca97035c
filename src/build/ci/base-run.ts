import type { CiRequest, PipelineRun, TestReport } from '#contract';
import { hasCode } from '#core';
import { selectCiRuns } from './ci-store.ts';
import type { CiDeps } from './port.ts';

/** How many of the newest pipeline runs are looked through for commits that were run by other ways than `gyre ci`. */
const lookedThrough = 300;
const pageSize = 100;

export interface BaseRun {
  readonly commit: string;
  readonly pipelineRun: PipelineRun;
  readonly report: TestReport;
}

/** The run to compare with, and in words which one it is and why; or why there is none. */
export interface FoundBase {
  readonly run?: BaseRun;
  readonly says: string;
}

/**
 * The newest commit of the base branch, from where the branches parted backwards along first parents, that has a run with a test report on record.
 * @param own the pipeline run that is compared, which is not its own base
 */
export async function findBase(deps: CiDeps, base: CiRequest['base'], own: string | undefined): Promise<FoundBase> {
  if (base === undefined) return { says: 'nothing was said of a base branch: there is nothing to compare with' };
  const { branch, commits } = base;
  if (commits.length === 0) return { says: `${branch} has no commit before this one: there is nothing to compare with` };
  const byPipelines = await runsOfCommits(deps, new Set(commits), own);
  for (const [distance, commit] of commits.entries()) {
    const run = (await runOfCi(deps, commit, own)) ?? byPipelines.get(commit);
    if (run === undefined) continue;
    const short = commit.slice(0, 12);
    const where = distance === 0 ? `its newest commit before this one` : `${distance} ${distance === 1 ? 'commit' : 'commits'} back: the later ones have no run on record`; // prettier-ignore
    return { run: { commit, ...run }, says: `${branch} at ${short}, ${where}` };
  }
  const none =
    commits.length === 1
      ? `commit ${commits[0].slice(0, 12)}, all of ${branch} before this one, has no`
      : `none of the ${commits.length} commits of ${branch} before this one has a`;
  return { says: `${none} run on record: there is nothing to compare with` };
}

type OfCommit = Omit<BaseRun, 'commit'>;

async function runOfCi(deps: CiDeps, commit: string, own: string | undefined): Promise<OfCommit | undefined> {
  const ran = await deps.store.read((db) => selectCiRuns(db, { commit }, 20));
  for (const { record } of ran) {
    if (record.state === 'running' || record.pipelineRun === undefined || record.pipelineRun === own) continue;
    const found = await testedRun(deps, await deps.pipelines.get(record.pipelineRun));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Runs that nobody asked `gyre ci` for, by the commit that the pipeline run or its training names; of each commit the newest. */
async function runsOfCommits(deps: CiDeps, commits: ReadonlySet<string>, own: string | undefined): Promise<ReadonlyMap<string, OfCommit>> {
  const found = new Map<string, OfCommit>();
  let after: string | undefined;
  for (let looked = 0; looked < lookedThrough; looked += pageSize) {
    const page = await deps.pipelines.list({ pipeline: 'build', limit: pageSize, ...(after === undefined ? {} : { after }) });
    for (const run of page.items) {
      if (run.id === own || run.endedAt === undefined) continue;
      const named = run.parameters['commit'];
      if (typeof named === 'string' && (!commits.has(named) || found.has(named))) continue;
      const tested = await testedRun(deps, run);
      if (tested === undefined) continue;
      const commit = typeof named === 'string' ? named : await commitOfTraining(deps, tested.report);
      if (commit !== undefined && commits.has(commit) && !found.has(commit)) found.set(commit, tested);
    }
    if (page.next === undefined) break;
    after = page.next;
  }
  return found;
}

async function commitOfTraining({ training }: CiDeps, { run }: TestReport): Promise<string | undefined> {
  if (run === undefined) return undefined;
  const { code } = await training.getRun(run);
  return code.dirty ? undefined : (code.commit ?? undefined);
}

async function testedRun({ evaluation }: CiDeps, pipelineRun: PipelineRun): Promise<OfCommit | undefined> {
  const id = reportOf(pipelineRun);
  if (id === undefined) return undefined;
  try {
    return { pipelineRun, report: await evaluation.getReport(id) };
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** The test report that a pipeline run left. */
export function reportOf({ steps }: PipelineRun): string | undefined {
  const report = steps.find(({ kind }) => kind === 'evaluation.judge')?.outputs?.['report'];
  return typeof report === 'string' ? report : undefined;
}
