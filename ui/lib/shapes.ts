import type { DatasetIngestion, Prediction, Project } from '#contract';

/*
 * What routes answer that is no record of the contract; described in /api/docs.
 */
type Cell = string | number | boolean | null;
export type ColumnType = 'string' | 'integer' | 'number' | 'boolean' | 'instant';

export interface ProjectView {
  readonly name: string;
  readonly file: string;
  readonly digest: string;
  readonly project: Omit<Project, 'settings'>;
  readonly charter?: number;
  readonly environments: readonly {
    readonly name: string;
    readonly position: number;
    readonly certify?: string;
    readonly approve?: string;
    readonly approvals: number;
  }[];
  readonly endpoint: string;
  readonly warnings: readonly { readonly message: string; readonly path: string }[];
}

export interface RowsAnswer {
  readonly columns: readonly { readonly name: string; readonly type: ColumnType; readonly masked?: boolean }[];
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  readonly offset: number;
  readonly total: number;
}

/** A prediction as it was logged, with what became of it. */
export interface PredictionRecord extends Prediction {
  readonly eventTime: string;
  readonly modelVersion?: string;
  /** The predicted class. */
  readonly predicted?: string;
  /** Probability of the positive class, or the predicted number. */
  readonly score?: number;
  readonly label?: { readonly value: Cell; readonly observedAt?: string; readonly receivedAt: string; readonly revision: number };
}

/** Tells of a step that is under way; comes with the event stream and is kept nowhere. */
export interface StepProgress {
  readonly kind: 'progress';
  readonly pipelineRun: string;
  readonly step: string;
  /** 0 when it is not known. */
  readonly total: number;
  readonly done: number;
  readonly message: string;
}

/** Tells of an ingestion that begins, goes on or has ended; comes with the event stream. */
export interface IngestionTold {
  readonly kind: 'ingestion';
  readonly ingestion: DatasetIngestion;
}

/** What a query gave. */
export interface SqlAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly Cell[])[];
  /** There are more rows. */
  readonly truncated: boolean;
  readonly tables: readonly { readonly name: string; readonly version: string; readonly masked: readonly string[] }[];
}
