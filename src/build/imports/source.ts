/*
 * Records of another tool as they are read, before anything of them is ours. Instants are UTC milliseconds; ids are the other tool's own.
 */

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

export interface SourcePoint {
  readonly key: string;
  /** May be NaN or infinite. */
  readonly value: number;
  readonly step: number;
  readonly timestamp: number;
}

export interface SourceExperiment {
  readonly id: string;
  /** The tool knows experiments by name alone: the id is of this source, and not kept. */
  readonly isNamedOnly?: boolean;
  readonly name: string;
  readonly deleted: boolean;
  readonly createdAt?: number;
  readonly tags: readonly KeyValue[];
}

export interface SourceDataset {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema?: string;
  readonly profile?: string;
  /** Tags of its use, such as `mlflow.data.context`. */
  readonly tags: readonly KeyValue[];
}

export type SourceStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED';

export interface SourceRun {
  readonly id: string;
  readonly name: string;
  readonly user?: string;
  readonly status: SourceStatus;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly deleted: boolean;
  readonly tags: readonly KeyValue[];
  readonly parameters: readonly KeyValue[];
  readonly datasets: readonly SourceDataset[];
  /** Logged models that it made or used. */
  readonly models: readonly SourceRunModel[];
  /** Where its files are, in the other tool's words. */
  readonly artifacts?: string;
  /** What of it there is to read, where the rest does not tell: another one is read again. */
  readonly revision?: string;
}

export interface SourceRunModel {
  readonly model: string;
  readonly role: 'input' | 'output';
  readonly step: number;
}

export interface SourceFile {
  /** Below the run's or model's artifacts: names joined by `/`. */
  readonly path: string;
  readonly size?: number;
  open(): AsyncIterable<Uint8Array>;
}

/** A point that was measured of a logged model. */
export interface SourceModelPoint extends SourcePoint {
  /** The run that measured it. */
  readonly run: string;
  readonly dataset?: { readonly name: string; readonly digest?: string };
}

export interface SourceLoggedModel {
  readonly id: string;
  readonly name: string;
  readonly type?: string;
  readonly run?: string;
  readonly status: 'PENDING' | 'READY' | 'FAILED';
  readonly deleted: boolean;
  readonly createdAt?: number;
  readonly tags: readonly KeyValue[];
  readonly parameters: readonly KeyValue[];
  readonly metrics: readonly SourceModelPoint[];
  readonly artifacts?: string;
}

export interface SourceVersion {
  readonly version: number;
  readonly description?: string;
  /** `None`, `Staging`, `Production` or `Archived`. */
  readonly stage: string;
  readonly deleted: boolean;
  readonly source: string;
  readonly run?: string;
  readonly loggedModel?: string;
  readonly runLink?: string;
  readonly tags: readonly KeyValue[];
}

export interface SourceModel {
  readonly name: string;
  readonly description?: string;
  readonly tags: readonly KeyValue[];
  /** In the order of their numbers. */
  readonly versions: readonly SourceVersion[];
  readonly aliases: readonly { readonly alias: string; readonly version: number }[];
}

/**
 * What is imported, read piece by piece. Whatever cannot be read is reported and left out; the rest goes on.
 */
export interface TrackingSource extends AsyncDisposable {
  /** The place as it is recorded: without passwords, and the same each time. */
  readonly place: string;
  experiments(): AsyncIterable<SourceExperiment>;
  runs(experiment: string): AsyncIterable<SourceRun>;
  /** A run's points, some thousands at a time. */
  points(experiment: string, run: string): AsyncIterable<readonly SourcePoint[]>;
  loggedModels(experiment: string): AsyncIterable<SourceLoggedModel>;
  registeredModels(): AsyncIterable<SourceModel>;
  /** Files below a place that a record of this source names. @throws GyreError NOT_FOUND when it cannot be reached from here */
  files(place: FilesPlace): AsyncIterable<SourceFile>;
}

/** Whose files are asked for. */
export interface FilesPlace {
  readonly experiment: string;
  readonly run?: string;
  readonly model?: string;
  readonly artifacts?: string;
}

/** What was left out, and why. */
export interface Complaint {
  readonly what: string;
  readonly why: string;
}

export type Complain = (complaint: Complaint) => void;
