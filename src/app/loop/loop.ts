import type { Clock } from '#core';
import { GyreError, isoInstant } from '#core';
import { requireJudged } from '#registry';
import type { Action, Actor, Alert, Comparison, ModelVersion, PipelineRun, TestReport } from '#contract';
import type { DueRun, Pipelines } from '#pipelines';
import type { RunChanges } from '#training';
import type { CommittedProjects } from '../commits/committed-projects.ts';
import type { LocalPlanes } from '../planes.ts';
import { comparisonText } from './judging-steps.ts';
import { buildPlan, ingestPlan, retrainPlan } from './plans.ts';
import type { LoopRooms } from './rooms.ts';
import { testBrought } from './test-brought.ts';
import type { BroughtTest } from './test-brought.ts';

export interface LoopDeps {
  readonly rooms: LoopRooms;
  readonly pipelines: Pipelines;
  readonly planes: LocalPlanes;
  readonly commits: CommittedProjects;
  readonly clock: Clock;
}

export interface ProductionComparison {
  /** Model versions' ids. */
  readonly champion: string;
  readonly challenger: string;
  readonly environment: string;
  /** ISO 8601; predictions of this time with their labels. */
  readonly from: string;
  readonly to: string;
  readonly metric?: 'accuracy' | 'roc_auc';
  readonly by: Actor;
}

export interface CommitBuild {
  /** The commit of the project; left out: its folder as it is. */
  readonly commit?: string;
  /** The folder may differ from the commit. */
  readonly dirty: boolean;
  /** What asks for it: the same for the same pipeline run. */
  readonly ci: string;
  readonly by: Actor;
  readonly reason: string;
  readonly fresh?: boolean;
}

/** The turns of the loop that go through several rooms. */
export interface Loop {
  /** Runs the project's pipeline: data to registered version. */
  build(request: { readonly by: Actor; readonly reason: string; readonly fresh?: boolean }): Promise<PipelineRun>;
  /**
   * Runs the project's pipeline as a commit has it: in the project's folder where that is at the commit, else in one of its own. The same `ci` gives the
   * same pipeline run.
   * @throws GyreError FAILED_PRECONDITION, NOT_FOUND, INVALID_ARGUMENT as `CommittedProjects.open`
   */
  buildCommit(request: CommitBuild): Promise<PipelineRun>;
  /** Trains a run once more with changes. @throws GyreError as `Training.clonePlan` */
  clone(request: RunChanges & { readonly run: string; readonly by: Actor }): Promise<PipelineRun>;
  /** Starts what a schedule says. The same due instant gives the same pipeline run. @throws GyreError as `build` */
  startDue(run: DueRun): Promise<PipelineRun>;
  /** Trains again on data with the rows since an alert. The same action gives the same pipeline run. */
  retrain(alert: Alert | undefined, action: Action, by: Actor): Promise<PipelineRun>;
  /** What a finished retraining came to, in a sentence. */
  outcomeOf(pipelineRun: string): Promise<string>;
  /** Two versions on the same labelled production rows, none of which either trained on. */
  compareOnProduction(request: ProductionComparison): Promise<Comparison>;
  /** Tests a version that was trained elsewhere as the project tests its own. @throws GyreError as `testBrought` */
  testVersion(request: BroughtTest): Promise<{ readonly version: ModelVersion; readonly report: TestReport }>;
  /** Ships what the data planes have logged until now. */
  collectPredictions(environment?: string): Promise<void>;
}

const dayMs = 86_400_000;
/** Without an alert, a retraining that a person asks for takes the labelled rows of so long. */
const usualSpanMs = 30 * dayMs;

export function openLoop({ rooms, pipelines, planes, commits, clock }: LoopDeps): Loop {
  const production = (): string => {
    const last = rooms.project().resolved.environments.at(-1);
    if (last === undefined) throw new GyreError('FAILED_PRECONDITION', 'the project has no environment');
    return last.name;
  };
  return {
    build: async ({ by, reason, fresh }) => {
      const project = rooms.project();
      await rooms.charters.record(project.resolved.project, project.project.charter, by);
      return pipelines.submit({
        pipeline: 'build',
        reason,
        by,
        parameters: { project: project.digest, ...(await cleanCommit(commits)) },
        steps: await buildPlan(project),
        ...(fresh === undefined ? {} : { fresh }),
      });
    },

    buildCommit: async ({ commit, dirty, ci, by, reason, fresh }) => {
      const submitted = await pipelines.list({ limit: 100, pipeline: 'build' });
      const before = submitted.items.find(({ parameters }) => parameters['ci'] === ci);
      if (before !== undefined) return before;
      const isHere = commit === undefined || (dirty ? (await commits.head()) === commit : await commits.isHere(commit));
      if (!isHere && dirty)
        throw new GyreError(
          'FAILED_PRECONDITION',
          'files that differ from their commit can be checked in their own folder alone: commit them',
        );
      const project = isHere ? rooms.project() : await commits.open(commit);
      const here = rooms.project().resolved.project;
      if (project.resolved.project !== here)
        throw new GyreError('FAILED_PRECONDITION', `the commit is of the project "${project.resolved.project}", this one is "${here}"`);
      await rooms.charters.record(here, project.project.charter, by);
      return pipelines.submit({
        pipeline: 'build',
        reason,
        by,
        parameters: {
          project: project.digest,
          ci,
          mayWorsen: { ...project.resolved.ci.mayWorsen },
          ...(commit === undefined || dirty ? {} : { commit }),
          ...(isHere ? {} : { at: commit }),
        },
        steps: await buildPlan(project),
        ...(fresh === undefined ? {} : { fresh }),
      });
    },

    clone: async ({ run, by, ...changes }) => {
      const { name, seed, parameters } = await rooms.training.clonePlan(run, changes);
      return pipelines.submit({
        pipeline: 'clone',
        reason: `a clone of run ${run}`,
        by,
        parameters: { run },
        steps: [
          { name: 'train', kind: 'training.clone', after: [], parameters: { run, name, seed, changes: { ...parameters } }, inputs: {} },
        ],
      });
    },

    startDue: async ({ definition, due, reason, by }) => {
      const project = rooms.project();
      const { name, run } = definition;
      const instant = due === undefined ? {} : { due: isoInstant(due) };
      if (due !== undefined) {
        // Whoever was to start it may have died when it had, before that was on record.
        const submitted = await pipelines.list({ limit: 100, pipeline: run });
        const before = submitted.items.find(({ parameters }) => parameters['schedule'] === name && parameters['due'] === instant.due);
        if (before !== undefined) return before;
      }
      const ingest = await ingestPlan(project, name);
      const build = run === 'build' ? await buildPlan(project) : [];
      if (run === 'build') await rooms.charters.record(project.resolved.project, project.project.charter, by);
      return pipelines.submit({
        pipeline: run,
        reason,
        by,
        parameters: { project: project.digest, schedule: name, ...instant },
        steps: [...build, ...ingest.filter((step) => !build.some((other) => other.name === step.name))],
      });
    },

    retrain: async (alert, action, by) => {
      const submitted = await pipelines.list({ limit: 100, pipeline: 'retrain' });
      const before = submitted.items.find((run) => run.parameters['action'] === action.id);
      if (before !== undefined) return before;
      const { endpoint } = rooms.project().resolved.serve;
      const environment = alert?.environment ?? production();
      const newest = await rooms.monitoring.windows({ environment, endpoint, limit: 1 });
      const until = newest.items.at(0)?.end ?? isoInstant(clock.now());
      const since = alert?.since ?? isoInstant(Date.parse(until) - usualSpanMs);
      return pipelines.submit({
        pipeline: 'retrain',
        reason: action.reason,
        by,
        parameters: { action: action.id, ...(alert === undefined ? {} : { alert: alert.id }), since, until, environment },
        steps: retrainPlan(rooms.project(), { since, until, environment }),
      });
    },

    outcomeOf: async (id) => {
      const run = await pipelines.get(id);
      const failed = run.steps.find((step) => step.state === 'failed');
      if (failed !== undefined) return `step "${failed.step}" failed: ${failed.error ?? 'no reason was given'}`;
      const report = run.steps.find((step) => step.step === 'evaluate')?.outputs?.['report'];
      const version = run.steps.find((step) => step.step === 'register')?.outputs?.['version'];
      if (typeof report !== 'string') return `the pipeline ended ${run.state}`;
      const { comparison, passed } = await rooms.evaluation.getReport(report);
      const verdict = comparison === undefined ? 'there is no champion to compare with' : comparisonText(comparison);
      const advice =
        comparison?.verdict === 'better'
          ? passed
            ? `version ${String(version)} waits for its tests, certification and approval`
            : `version ${String(version)} does not pass its gates and cannot be released`
          : 'retraining does not help: the champion stays';
      return `${verdict}; ${advice}`;
    },

    compareOnProduction: async ({ champion, challenger, environment, from, to, metric, by }) => {
      const { endpoint } = rooms.project().resolved.serve;
      const { frame } = await rooms.monitoring.labelledFrame({ environment, endpoint, from, to });
      const { version } = await rooms.data.createFromRows({
        dataset: `${endpoint}-production`,
        frame,
        source: `predictions of "${endpoint}" in ${environment} from ${from} to ${to}, with their labels`,
        reason: 'comparison',
        by,
      });
      const what = 'a comparison';
      const old = requireJudged(await rooms.registry.getById(champion), what);
      const fresh = requireJudged(await rooms.registry.getById(challenger), what);
      return rooms.evaluation.compare({
        champion: await rooms.registry.modelSource(old),
        challenger: await rooms.registry.modelSource(fresh),
        dataset: version.digest,
        metric: metric ?? 'accuracy',
        ...(old.signature.threshold === undefined ? {} : { championThreshold: old.signature.threshold }),
        ...(fresh.signature.threshold === undefined ? {} : { challengerThreshold: fresh.signature.threshold }),
      });
    },

    testVersion: (request) => testBrought(rooms, request),
    collectPredictions: (environment) => planes.flush(environment),
  };
}

/** The commit that a run of the project's folder is of; none where files differ from it. */
async function cleanCommit(commits: CommittedProjects): Promise<{ readonly commit?: string }> {
  const commit = await commits.head();
  return commit !== undefined && (await commits.isHere(commit)) ? { commit } : {};
}
