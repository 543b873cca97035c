import type { ObjectStore } from '#blobs';
import { GyreError } from '#core';
import type { Faults } from '#core';
import type { BatchTarget, ExistingOutput } from '../port.ts';

/** What is published, and where the work lies. */
export interface Publishing {
  readonly plan: string;
  /** This run of the plan, through all deaths of its process; the same plan run once more is another one. */
  readonly run: string;
  readonly rows: number;
  /** The folder of each part, in order: with `rows.parquet`, or a `tree` of folders by values. */
  readonly parts: readonly string[];
  /** Absolute: for what is made on the way, on the file system of the work. */
  readonly work: string;
  readonly memoryLimitMib: number;
  readonly faults: Faults;
  readonly signal?: AbortSignal;
  /** Told of rows that are written. */
  readonly done: (rows: number) => void;
}

/** Where predictions go. Whatever happens, there is nothing under its name, or what was there before, or the whole. */
export interface Output {
  /** What it is called, without secrets. */
  readonly address: string;
  /** Columns whose values make folders. */
  readonly partitionBy?: readonly string[];
  /** Whether parts are put together into something else; else their files are published as they are. */
  readonly isJoined: boolean;
  /** Whether every column must be one of ours (no lists, no structs). */
  readonly isPlain: boolean;
  /**
   * Looks at what is there, before any work.
   * @throws GyreError ALREADY_EXISTS for what would have to be replaced and may not be, NOT_FOUND for a place that is none
   */
  prepare(): Promise<void>;
  /** Whether this very run was published, by a process that died before it could say so. */
  isPublished(of: Pick<Publishing, 'plan' | 'run' | 'work'>): Promise<boolean>;
  /** Makes all parts visible at once. What a process that died left half done is gone on with or done again. */
  publish(publishing: Publishing): Promise<void>;
}

/** How buckets and databases are reached. */
export interface OutputDeps {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly openObjects?: (address: string) => Promise<ObjectStore>;
}

export type OpenOutput<K extends BatchTarget['kind']> = (
  target: Extract<BatchTarget, { kind: K }>,
  existing: ExistingOutput,
  deps: OutputDeps,
) => Output;

/** The columns whose values make folders, in any of these outputs. @throws GyreError INVALID_ARGUMENT when two of them differ */
export function partitionOf(outputs: readonly Output[]): readonly string[] | undefined {
  const partitioned = outputs.filter(({ partitionBy }) => partitionBy !== undefined);
  const [first] = partitioned;
  if (partitioned.some(({ partitionBy }) => partitionBy?.join('\0') !== first.partitionBy?.join('\0')))
    throw new GyreError('INVALID_ARGUMENT', 'two outputs with folders by different columns: predict once for each of them');
  return first?.partitionBy;
}
