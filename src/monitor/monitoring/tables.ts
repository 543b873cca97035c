import type { Alert, CellValue, NamedRow, Window } from '#contract';
import type { Findings } from './findings.ts';

export interface PredictionRow {
  id: string;
  environment: string;
  endpoint: string;
  generation: number;
  package: string;
  model: string;
  version: string;
  model_version: string | null;
  event_time: number;
  /** Whether the caller said the event's time; else it is when the prediction was served. */
  event_time_given: boolean;
  served_at: number;
  key: string | null;
  predicted: string | null;
  score: number | null;
  latency_ms: number;
  inputs: NamedRow;
  outputs: Record<string, unknown>;
}

export interface LabelRow {
  prediction: string;
  value: CellValue;
  observed_at: number | null;
  received_at: number;
  received_by: string;
  revision: number;
  matched: boolean;
}

export interface WindowRow {
  environment: string;
  endpoint: string;
  start: number;
  length_ms: number;
  changes: number;
  computed: number;
  id: string | null;
  revision: number;
  judged: boolean;
  generation: number | null;
  findings: Findings | null;
  record: Window | null;
}

export interface AlertRow {
  id: string;
  environment: string;
  endpoint: string;
  state: string;
  raised_at: number;
  generation: number;
  /** The start of the newest window that crossed. */
  last_start: number;
  /** The start of the window that settled it: what happened before is over. */
  settled_from: number | null;
  findings: Findings;
  record: Alert;
}

export interface Tables {
  monitor_segments: { id: string; environment: string; rows: number; ingested_at: number };
  predictions: PredictionRow;
  prediction_labels: LabelRow;
  monitor_windows: WindowRow;
  alerts: AlertRow;
}
