import type {
  ApplicationTestSpec,
  Charter,
  CheckLimits,
  CommandStep,
  DatasetSpec,
  MachineRequirements,
  OutlierSpec,
  Project,
  QualitySpec,
  RolloutPlan,
  ServeSpec,
  TableSchema,
  TestSpec,
  TrainStep,
  TransformStep,
} from '#contract';
import type { ParsedGate, ParsedMonitorThreshold, ParsedThreshold } from './conditions.ts';
import type { ResolvedJoin } from './join.ts';
import type { Problem } from './problems.ts';
import type { ResolvedBatchSchedule } from './batch-schedule.ts';
import type { ResolvedSchedule } from './schedule.ts';
import type { ResolvedSource } from './table-source.ts';
import type { ResolvedSplit } from './split.ts';

/*
 * A project with every default settled, as other rooms see it: nothing here is optional that has a default.
 */

export interface ResolvedDataset extends Omit<DatasetSpec, 'source' | 'schedule' | 'split' | 'maxAge' | 'quality'> {
  readonly name: string;
  /** The file, or the folder of images or files, relative to the project's folder; of a joined dataset, what it is joined from, in words. */
  readonly source: string;
  /** Of a table that is read: where its rows come from. */
  readonly from?: ResolvedSource;
  /** Of a folder of images: where the labels stand; absent for tables. */
  readonly images?: ResolvedImages;
  /** True of a folder of files of any kind, or of one such file. */
  readonly isFiles?: boolean;
  /** When it is ingested by itself, where it is. */
  readonly schedule?: ResolvedSchedule;
  /** How it is joined from other datasets, where it is. */
  readonly join?: ResolvedJoin;
  readonly maxAgeMs?: number;
  readonly split: ResolvedSplit;
  readonly quality: {
    /** Check or characteristic → the scores below which it warns or fails; later ones win. */
    readonly limits: readonly (readonly [string, CheckLimits])[];
    readonly quarantine: boolean;
    readonly groups: readonly string[];
    readonly places: readonly string[];
    readonly near?: NonNullable<QualitySpec['near']>;
    readonly productionMs?: number;
    readonly population?: string;
  };
}

/** Without `labels` an image's label is the folder that it lies in. */
export interface ResolvedImages {
  readonly labels?: { readonly file: string; readonly path: string; readonly label: string };
}

export interface ResolvedTransformStep {
  readonly kind: 'transform';
  readonly name: string;
  readonly dataset: string;
  readonly spec: TransformStep;
  readonly after: readonly string[];
}

export interface ResolvedTrainStep {
  readonly kind: 'train';
  readonly name: string;
  readonly dataset: string;
  /** The transform step that its features come from. */
  readonly transform: string;
  readonly spec: TrainStep & Required<Pick<TrainStep, 'params' | 'seed'>>;
  readonly after: readonly string[];
}

export interface ResolvedCommandStep {
  readonly kind: 'command';
  readonly name: string;
  readonly spec: CommandStep;
  readonly timeoutMs?: number;
  readonly after: readonly string[];
  /** Those of `after` that may write what it reads. */
  readonly writers: readonly string[];
}

export type ResolvedStep = ResolvedTransformStep | ResolvedTrainStep | ResolvedCommandStep;

export interface ResolvedEnvironment {
  readonly name: string;
  /** From 0, in the order in which a version passes through. */
  readonly position: number;
  readonly certify?: 'qa';
  readonly approve?: 'approver';
  /** How many different people approve; 0 where no approval is asked for. */
  readonly approvals: number;
  /** How many versions that were live before stay loaded. */
  readonly warm: number;
  readonly port: number;
  readonly grpcPort: number;
  /** Whether models that execute code on load may come here. */
  readonly executesCode: boolean;
  /** How a version comes here; left out: at once. */
  readonly roll?: RolloutPlan;
  /** Whether agents on other machines serve it. */
  readonly agents: boolean;
  /** How long a release waits for agents that are connected. */
  readonly agentsWaitMs: number;
  readonly requires?: MachineRequirements;
}

export interface ResolvedMonitor {
  readonly windowMs: number;
  readonly reference: string;
  readonly minRows: number;
  readonly drift: { readonly columns?: readonly string[]; readonly alpha: number; readonly psi: number };
  readonly performance: readonly (ParsedMonitorThreshold & { readonly metric: string })[];
  readonly latencyP99Ms?: number;
  readonly onAlert: readonly ('notify' | 'retrain' | 'roll_back')[];
}

export interface ResolvedProject {
  readonly project: string;
  readonly description: string;
  readonly charter: Charter & Required<Pick<Charter, 'risk'>>;
  /** The charter's thresholds, parsed. */
  readonly success: readonly (ParsedThreshold & { readonly metric: string })[];
  readonly datasets: readonly ResolvedDataset[];
  /** In an order in which each comes after those it needs. */
  readonly steps: readonly ResolvedStep[];
  readonly test: {
    /** The charter's thresholds first, then the gates of the test section. */
    readonly gates: readonly (ParsedGate & { readonly from: 'charter' | 'test' })[];
    readonly slices: readonly string[];
    readonly threshold: NonNullable<TestSpec['threshold']>;
  };
  /** What commits are held to. */
  readonly ci: { readonly base: string; readonly mayWorsen: Readonly<Record<string, number>> };
  readonly environments: readonly ResolvedEnvironment[];
  /** The release policy that the project names. */
  readonly releasePolicy?: string;
  readonly applicationTests: ApplicationTestSpec & Required<Pick<ApplicationTestSpec, 'latencyP99Ms' | 'requestsPerSecond' | 'durationMs'>>;
  readonly serve: {
    readonly endpoint: string;
    readonly maxBodyBytes: number;
    readonly explainTimeoutMs?: number;
    readonly outliers: OutlierSpec;
    readonly batch: readonly ResolvedBatchSchedule[];
  } & Pick<ServeSpec, 'timeoutMs' | 'maxConcurrent' | 'rate' | 'log' | 'execution' | 'python'>;
  readonly monitor: ResolvedMonitor;
  readonly retrain: {
    /** Labelled rows since the change that a retraining waits for. */
    readonly minRows: number;
    /** Share of the new rows that no training sees. */
    readonly testShare: number;
    readonly recentWeight: number;
  };
}

/** A project as it was loaded and found to be right. */
export interface LoadedProject {
  /** Absolute. */
  readonly folder: string;
  /** `gyre.yaml` or `gyre.ts`, relative to the folder. */
  readonly file: string;
  /** The file's text. */
  readonly text: string;
  /** SHA-256 of the project's canonical JSON: comments and layout do not count. */
  readonly digest: string;
  /** As it was written: what records keep. */
  readonly project: Project;
  /** With every default settled: what rooms work with. */
  readonly resolved: ResolvedProject;
  /** Dataset → its reviewed schema, where it has one. */
  readonly schemas: Readonly<Record<string, TableSchema>>;
  /** Platform settings with their secrets put in place: hand them to `resolveConfig`, never print or record them. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  readonly warnings: readonly Problem[];
}
