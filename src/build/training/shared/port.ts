import type { Actor, Report, ReportChange, ReportInput, ReportSummary, ReportVersion, SavedView, SavedViewInput } from '#contract';

/** Ways to look at the table of runs, under names; a name is there once for an experiment. */
export interface SavedViews {
  /** Saves a view; one of the same name by the same person is replaced. @throws GyreError ALREADY_EXISTS when the name is somebody else's */
  save(view: SavedViewInput & { readonly by: Actor }): Promise<SavedView>;
  /** In the order of names. @param experiment only of this one */
  list(experiment?: string): Promise<readonly SavedView[]>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<SavedView>;
  /** @throws GyreError NOT_FOUND */
  delete(view: { readonly id: string; readonly by: Actor }): Promise<void>;
}

/** Pages of text with figures of runs; each version stays. */
export interface Reports {
  create(report: ReportInput & { readonly by: Actor }): Promise<Report>;
  /** @throws GyreError NOT_FOUND; ABORTED when it was changed since the version that the change is based on */
  change(report: ReportChange & { readonly id: string; readonly by: Actor }): Promise<Report>;
  /** @param version default: the newest @throws GyreError NOT_FOUND */
  get(id: string, version?: number): Promise<Report>;
  /** Changed last first. */
  list(): Promise<readonly ReportSummary[]>;
  /** Newest first. @throws GyreError NOT_FOUND */
  versions(id: string): Promise<readonly ReportVersion[]>;
  /** Takes it away with its history. @throws GyreError NOT_FOUND */
  delete(report: { readonly id: string; readonly by: Actor }): Promise<void>;
}
