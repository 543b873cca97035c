import type { DialectSpec, existingOutputs, Signature } from '#contract';
import type { DatasetSource, TableDeps } from '#data';
import type { OutputDeps } from './outputs/output.ts';
import type { Faults, NewId } from '#core';

/** A model that rows are given to. */
export interface BatchModel {
  readonly name: string;
  /** Of a registered one. */
  readonly version?: string;
  /** The digest of its package. */
  readonly package: string;
  readonly signature: Signature;
  readonly graph: Uint8Array;
}

/** What the output holds, and how the input is read. All of it is part of the plan: with another choice the work begins anew. */
export interface BatchChoices {
  /** Columns of the input that go along, in this order; all without it. */
  readonly columns?: readonly string[];
  /** Columns of the input that fill a tensor of several values a row, in their order; for a graph that names no columns. */
  readonly features?: readonly string[];
  /** Each row gets a prediction id, which is the same whenever the same rows are given to the same model. */
  readonly ids?: boolean;
  /** Before the names of the columns that are added; `prediction_` without it. */
  readonly prefix?: string;
  readonly dialect?: DialectSpec;
}

/** Where the output goes. */
export type BatchTarget =
  | {
      readonly kind: 'file';
      /** Absolute. */
      readonly path: string;
      readonly format: 'parquet' | 'csv' | 'jsonl';
      /** Whether every column must have a place in a table of ours, also in Parquet; false without it. */
      readonly isPlain?: boolean;
    }
  /** A folder of Parquet files with `_SUCCESS`, perhaps a folder in it for each combination of values. */
  | { readonly kind: 'folder'; /** Absolute. */ readonly path: string; readonly partitionBy?: readonly string[] }
  /** The same below `s3://bucket/prefix`. */
  | { readonly kind: 'objects'; readonly address: string; readonly partitionBy?: readonly string[] }
  /** A table; secrets are named in the address: `${env:NAME}`. */
  | { readonly kind: 'postgres'; readonly address: string; readonly table: string }
  | { readonly kind: 'sqlite'; /** Absolute. */ readonly path: string; readonly table: string };

/** What becomes of what is there already under the output's name. */
export type ExistingOutput = (typeof existingOutputs)[number];

/** Rows to predict. */
export type BatchInput =
  | { readonly source: DatasetSource; readonly parquet?: undefined }
  /** A Parquet file that never changes, such as a dataset version's, with what it is called. */
  | { readonly parquet: string; readonly address: string; readonly source?: undefined };

export interface BatchProgress {
  readonly phase: 'reading' | 'predicting' | 'writing';
  /** Rows done, of so many; 0 of 0 while the input is read. */
  readonly rows: number;
  readonly of: number;
  readonly failed: number;
}

export interface BatchRequest {
  readonly model: BatchModel;
  readonly input: BatchInput;
  /** At least one; all of them get the same rows. */
  readonly outputs: readonly { readonly target: BatchTarget; readonly existing: ExistingOutput }[];
  readonly choices: BatchChoices;
  /** Folder for the work, absolute; beside the output, on the same file system. It is gone when the output is there. */
  readonly work: string;
  /** The largest share of rows that may fail, 0..1; without it nothing is published only when every row failed. */
  readonly maxFailed?: number;
  /** The work folder stays when the outputs are there: the same request then answers what came of it, and writes nothing again. */
  readonly keepWork?: boolean;
  /** What an earlier, unfinished run left is thrown away. */
  readonly restart?: boolean;
  /** Worker threads; as many parts are worked on at a time. */
  readonly workers: number;
  /** Rows of a part; without it by the number of columns. It is part of the plan. */
  readonly partRows?: number;
  /** What the engine of tables may take for a part, in MiB; 256 without it. */
  readonly memoryLimitMib?: number;
  readonly newId: NewId;
  readonly signal?: AbortSignal;
  readonly progress?: (progress: BatchProgress) => void;
  /** Told what is worth knowing, a line each: that an unfinished run goes on, or begins anew and why. */
  readonly say?: (line: string) => void;
  readonly faults?: Faults;
}

export interface BatchFailure {
  /** Why, without values of rows. */
  readonly reason: string;
  readonly rows: number;
}

/** What came of it. `rows` is always `predicted` + `failed`. */
export interface BatchResult {
  /** Names input, model, choices and output; also the ids are made of it. */
  readonly plan: string;
  readonly rows: number;
  readonly predicted: number;
  readonly failed: number;
  /** The commonest reasons, most rows first. */
  readonly failures: readonly BatchFailure[];
  /** SHA-256 of the Parquet file whose rows were predicted. */
  readonly input: { readonly address: string; readonly sha256: string };
  readonly model: Pick<BatchModel, 'name' | 'version' | 'package'>;
  /** What the outputs are called, without secrets. */
  readonly outputs: readonly string[];
  /** Parts that an earlier run had finished. */
  readonly resumedParts: number;
  readonly parts: number;
}

/** Beside the ways to buckets and databases, how inputs are fetched; without it nothing is. */
export interface PredictDeps extends OutputDeps, Pick<TableDeps, 'fetch'> {}

/** What the engine of tables may take for a part when nothing is said, in MiB. */
export const usualMemoryMib = 256;
