import type {
  Action,
  Alert,
  ApplicationTestReport,
  Approval,
  Certification,
  DatasetVersion,
  Deployment,
  EnvironmentState,
  ModelVersion,
  PipelineRun,
  QualityReport,
  Readiness,
  Run,
  TestReport,
  Window,
} from '#contract';
import { hasCode } from '#core';
import type { Rooms } from '../port.ts';

/** How many windows a sparkline shows. */
const shownWindows = 30;

/** The newest records of one model's loop: all that its stations are drawn from. */
export interface LoopFacts {
  readonly model: string;
  readonly champion?: ModelVersion;
  /** The version that is on its way, where it is newer than the champion and not found to be no better; else the champion, else the newest. */
  readonly version?: ModelVersion;
  readonly isChallenger: boolean;
  readonly dataset?: DatasetVersion;
  readonly quality?: QualityReport;
  /** Rows since an alert, that the run was trained on beside the dataset. */
  readonly recent?: DatasetVersion;
  readonly run?: Run;
  readonly report?: TestReport;
  readonly pipeline?: PipelineRun;
  readonly applicationTest?: ApplicationTestReport;
  readonly certification?: Certification;
  readonly approvals: readonly Approval[];
  readonly environments: readonly EnvironmentState[];
  /** Of `version`, one for each environment, in their order. */
  readonly readiness: readonly Readiness[];
  /** The newest deployment of the last environment. */
  readonly deployment?: Deployment;
  /** Of the last environment, oldest first. */
  readonly windows: readonly Window[];
  /** Open or acknowledged, newest first. */
  readonly alerts: readonly Alert[];
  /** Newest first. */
  readonly actions: readonly Action[];
}

/** Records are made one after the other: what is not there yet is simply absent from the picture. */
async function orNone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

const nothing = { items: [] };

/** @param model a registered model, or the name that the project's model will have */
export async function gatherFacts(rooms: Rooms, model: string): Promise<LoopFacts> {
  const { registry, release, monitoring, triggers, pipelines } = rooms;
  const [versions, champion, environments] = await Promise.all([
    registry.listVersions({ model, limit: 1 }),
    registry.aliased(model, 'champion'),
    release.environments(),
  ]);
  const [newest] = versions.items;
  const isChallenger = newest !== undefined && champion !== undefined && (await challenges(rooms, newest, champion));
  const version = isChallenger ? newest : (champion ?? newest);
  const last = environments.at(-1);
  const endpoint = last?.endpoint ?? model;
  const live = last?.live === undefined ? undefined : await orNone(registry.getById(last.live.modelVersion));
  // What is watched and done at an endpoint concerns the model that it is named after, and the one that answers there.
  const isServed = endpoint === model || live?.model === model;
  const inProduction = last === undefined ? {} : { environment: last.name };
  const [built, onRecord, deployments, windows, alerts, actions, runs] = await Promise.all([
    version === undefined ? datasetOf(rooms, undefined) : builtFrom(rooms, version),
    version === undefined ? undefined : signedOff(rooms, version, environments),
    isServed ? release.deployments({ ...inProduction, limit: 1 }) : [],
    isServed ? monitoring.windows({ ...inProduction, endpoint, first: 'newest', limit: shownWindows }) : nothing,
    isServed ? monitoring.alerts({ ...inProduction, endpoint, limit: 20 }) : [],
    isServed ? triggers.actions({ limit: 20 }) : [],
    isServed ? pipelines.list({ limit: 1 }) : nothing,
  ]);
  const [deployment] = deployments;
  const [pipeline] = runs.items;
  return {
    model,
    isChallenger,
    environments,
    approvals: [],
    readiness: [],
    ...(champion === undefined ? {} : { champion }),
    ...(version === undefined ? {} : { version }),
    ...built,
    ...onRecord,
    ...(deployment === undefined ? {} : { deployment }),
    ...(pipeline === undefined ? {} : { pipeline }),
    windows: [...windows.items].reverse(),
    alerts: alerts.filter(({ state }) => state !== 'resolved'),
    actions,
  };
}

async function builtFrom(rooms: Rooms, version: ModelVersion): Promise<Partial<LoopFacts>> {
  const { training, evaluation } = rooms;
  const [run, report] = await Promise.all([
    version.run === undefined ? undefined : orNone(training.getRun(version.run)),
    version.testReport === undefined ? undefined : orNone(evaluation.getReport(version.testReport)),
  ]);
  return {
    ...(await (version.brought === undefined || report === undefined ? datasetOf(rooms, run) : testedOn(rooms, report))),
    ...(run === undefined ? {} : { run }),
    ...(report === undefined ? {} : { report }),
  };
}

/** A retraining that did not help is told by its action; the loop goes on with the champion. */
async function challenges({ evaluation }: Rooms, newest: ModelVersion, champion: ModelVersion): Promise<boolean> {
  if (newest.version <= champion.version) return false;
  const report = newest.testReport === undefined ? undefined : await orNone(evaluation.getReport(newest.testReport));
  return report?.comparison === undefined || report.comparison.verdict === 'better';
}

/** The data that a run was trained on. Without a run, the newest version there is. */
async function datasetOf({ data }: Rooms, run: Run | undefined): Promise<Partial<LoopFacts>> {
  const wholeOf = async (role: string): Promise<DatasetVersion | undefined> => {
    const input = run?.inputs.find((known) => known.role === role);
    const part = input === undefined ? undefined : await orNone(data.get(input.digest));
    const [parent] = part?.manifest.derivedFrom?.parents ?? [];
    return parent === undefined ? part : ((await orNone(data.get(parent))) ?? part);
  };
  const [dataset, recent] =
    run === undefined ? (await data.list({ limit: 1 })).items : [await wholeOf('train'), await wholeOf('train.recent')];
  return dataset === undefined ? {} : withQuality(data, dataset, recent);
}

/** The data that a version from elsewhere was tested on: what it was trained on is not known. */
async function testedOn({ data }: Rooms, { dataset }: TestReport): Promise<Partial<LoopFacts>> {
  const found = await orNone(data.get(dataset));
  return found === undefined ? {} : withQuality(data, found);
}

async function withQuality(data: Rooms['data'], dataset: DatasetVersion, recent?: DatasetVersion): Promise<Partial<LoopFacts>> {
  // A version that was filtered out of another one has its quality measured there.
  const measured = [dataset.digest, ...(dataset.manifest.derivedFrom?.parents ?? [])];
  const quality = (await Promise.all(measured.map((digest) => orNone(data.getQuality(digest))))).find((report) => report !== undefined);
  return { dataset, ...(quality === undefined ? {} : { quality }), ...(recent === undefined ? {} : { recent }) };
}

async function signedOff(
  { release }: Rooms,
  version: ModelVersion,
  environments: readonly EnvironmentState[],
): Promise<Partial<LoopFacts>> {
  const [tests, certifications, approvals, readiness] = await Promise.all([
    release.applicationTests(version.id),
    release.certifications(version.id),
    release.approvals(version.id),
    Promise.all(environments.map(({ name }) => release.readiness(version.id, name))),
  ]);
  const [applicationTest] = tests;
  const [certification] = certifications;
  return {
    approvals,
    readiness,
    ...(applicationTest === undefined ? {} : { applicationTest }),
    ...(certification === undefined ? {} : { certification }),
  };
}
