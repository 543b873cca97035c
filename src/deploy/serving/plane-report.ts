import type { ModelFigures, ModelRef, ShadowFigures } from '#contract';
import { sumAnswers } from './answer-counts.ts';
import { titleOf } from './generation.ts';
import type { ModelTotals } from './model-statistics.ts';
import { sumTotals } from './model-statistics.ts';
import type { PlaneFigures } from './plane-figures.ts';
import { trafficFigures } from './traffic.ts';
import type { TrafficSeconds } from './traffic.ts';

/** What a plane did until now, in a form that can be put together with others' and sent to another thread. */
export interface PlaneReport {
  readonly figures: PlaneFigures;
  readonly traffic: TrafficSeconds;
  /** In the order of `figures.models`. */
  readonly models: readonly ModelReport[];
}

export interface ModelReport {
  readonly name: string;
  readonly version: string;
  readonly traffic: TrafficSeconds;
  readonly totals: ModelTotals;
}

/** What each model of the first report did in all of them. */
export function mergedModels(reports: readonly PlaneReport[]): readonly ModelReport[] {
  return reports[0].models.map((model) => ({ ...model, totals: sumTotals(of(reports, model).map(({ report: { totals } }) => totals)) }));
}

/** The figures of planes that answer together as those of one: that of the first, which leads them. */
export function mergedFigures(reports: readonly PlaneReport[]): PlaneFigures {
  const all = reports.map(({ figures }) => figures);
  const [first] = all;
  const { limitBytes } = first.memory;
  return {
    ...first,
    answeringThreads: reports.length,
    ready: all.every(({ ready }) => ready),
    inFlight: sum(all, ({ inFlight }) => inFlight),
    traffic: trafficFigures(reports.map(({ traffic }) => traffic)),
    models: first.models.map((model) => mergedModel(reports, model)),
    ...mergedWarm(all),
    memory: {
      usedBytes: sum(all, ({ memory }) => memory.usedBytes),
      ...(limitBytes === undefined ? {} : { limitBytes: sum(all, ({ memory }) => memory.limitBytes ?? 0) }),
    },
    shadows: [
      ...Map.groupBy(
        all.flatMap(({ shadows }) => shadows),
        titleOf,
      ).values(),
    ].map(mergedShadow),
    refused: {
      rate: sum(all, ({ refused }) => refused.rate),
      queue: sum(all, ({ refused }) => refused.queue),
      concurrency: sum(all, ({ refused }) => refused.concurrency),
      log: sum(all, ({ refused }) => refused.log),
      deadline: sum(all, ({ refused }) => refused.deadline),
    },
    ...mergedSpool(all),
  };
}

function sum<T>(parts: readonly T[], of: (part: T) => number): number {
  return parts.reduce((total, part) => total + of(part), 0);
}

/** A model in those reports that have it: while a manifest is replaced some may not. */
function of(reports: readonly PlaneReport[], model: ModelRef): readonly { readonly figures: ModelFigures; readonly report: ModelReport }[] {
  return reports.flatMap(({ figures, models }) => {
    const at = models.findIndex((one) => titleOf(one) === titleOf(model));
    return at < 0 ? [] : [{ figures: figures.models[at], report: models[at] }];
  });
}

function mergedModel(reports: readonly PlaneReport[], model: ModelFigures): ModelFigures {
  const parts = of(reports, model);
  const all = parts.map(({ figures }) => figures);
  const pythons = all.flatMap(({ python }) => python ?? []);
  const coldStarts = all.flatMap(({ coldStartMs }) => coldStartMs ?? []);
  const totals = sumTotals(parts.map(({ report }) => report.totals));
  const failure = all.find(({ lastFailure }) => lastFailure !== undefined)?.lastFailure;
  return {
    ...model,
    maxRows: Math.max(...all.map(({ maxRows }) => maxRows)),
    queued: sum(all, ({ queued }) => queued),
    loadMs: Math.max(...all.map(({ loadMs }) => loadMs)),
    workers: sum(all, ({ workers }) => workers),
    wideWorker: all.some(({ wideWorker }) => wideWorker),
    workerRestarts: sum(all, ({ workerRestarts }) => workerRestarts),
    asleep: all.every(({ asleep }) => asleep),
    memoryBytes: sum(all, ({ memoryBytes }) => memoryBytes),
    coldStarts: sum(all, ({ coldStarts: times }) => times),
    ...(coldStarts.length === 0 ? {} : { coldStartMs: Math.max(...coldStarts) }),
    ...(failure === undefined ? {} : { lastFailure: failure }),
    ...(model.python === undefined
      ? {}
      : {
          python: {
            ...model.python,
            processes: sum(pythons, ({ processes }) => processes),
            restarts: sum(pythons, ({ restarts }) => restarts),
            residentBytes: sum(pythons, ({ residentBytes }) => residentBytes),
            pids: pythons.flatMap(({ pids }) => pids),
          },
        }),
    traffic: trafficFigures(parts.map(({ report }) => report.traffic)),
    answers: totals.answers,
    batches: totals.batches.map(({ rows, runs }) => ({ rows, runs })),
  };
}

function mergedShadow(parts: readonly ShadowFigures[]): ShadowFigures {
  const compared = sum(parts, ({ same, different }) => same + different);
  const answers = parts.flatMap((part) => part.answers ?? []);
  const mean = (of: (part: ShadowFigures) => number): number =>
    sum(parts, (part) => of(part) * (part.same + part.different)) / Math.max(1, compared);
  return {
    name: parts[0].name,
    version: parts[0].version,
    requests: sum(parts, ({ requests }) => requests),
    same: sum(parts, ({ same }) => same),
    different: sum(parts, ({ different }) => different),
    failed: sum(parts, ({ failed }) => failed),
    dropped: sum(parts, ({ dropped }) => dropped),
    maxDifference: Math.max(...parts.map(({ maxDifference }) => maxDifference)),
    meanDifference: mean(({ meanDifference }) => meanDifference),
    meanMs: mean(({ meanMs }) => meanMs),
    ...(answers.length === 0 ? {} : { answers: sumAnswers(answers) }),
  };
}

/** A version is warm when it is in all planes. */
function mergedWarm(all: readonly PlaneFigures[]): Pick<PlaneFigures, 'warm'> {
  const [{ warm }] = all;
  if (warm === undefined) return {};
  return {
    warm: warm.map((model) => {
      const same = all.flatMap((figures) => (figures.warm ?? []).filter((one) => titleOf(one) === titleOf(model)));
      const failure = same.find((one) => one.failure !== undefined)?.failure;
      return {
        ...model,
        loaded: same.every(({ loaded }) => loaded),
        memoryBytes: sum(same, ({ memoryBytes }) => memoryBytes),
        ...(failure === undefined ? {} : { failure }),
      };
    }),
  };
}

/** All write into one folder: what lies there is the same for each, as far as it knows; what each wrote is its own. */
function mergedSpool(all: readonly PlaneFigures[]): Pick<PlaneFigures, 'spool'> {
  const spools = all.flatMap(({ spool }) => spool ?? []);
  if (spools.length === 0) return {};
  const [{ recovered }] = spools;
  return {
    spool: {
      recovered,
      frames: sum(spools, ({ frames }) => frames),
      bytes: sum(spools, ({ bytes }) => bytes),
      failures: sum(spools, ({ failures }) => failures),
      segments: Math.max(...spools.map(({ segments }) => segments)),
      diskBytes: Math.max(...spools.map(({ diskBytes }) => diskBytes)),
      dropped: {
        segments: sum(spools, ({ dropped }) => dropped.segments),
        requests: sum(spools, ({ dropped }) => dropped.requests),
        bytes: sum(spools, ({ dropped }) => dropped.bytes),
      },
    },
  };
}
