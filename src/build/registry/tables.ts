import type { Actor, Brought, ModelVersion, PackageFile, Signature } from '#contract';

/** So many names or ids at most stand in one query. */
export const keysPerQuery = 500;

export interface ModelRow {
  readonly name: string;
  readonly description: string;
  readonly created_at: number;
  readonly updated_at: number;
  /** The highest number given to a version; 0 before the first. Numbers are not given again. */
  readonly latest: number;
}

export interface VersionRow {
  readonly position?: number;
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly source: string;
  /** Where its files are, when the source only leads there. */
  readonly location: string | null;
  readonly package: string | null;
  readonly files: PackageFile[];
  readonly signature: Signature | null;
  readonly flavors: string[] | null;
  readonly run: string | null;
  readonly logged_model: string | null;
  readonly test_report: string | null;
  readonly tests_passed: boolean;
  readonly charter: string | null;
  readonly brought: Brought | null;
  readonly description: string;
  readonly stage: ModelVersion['stage'];
  readonly run_link: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly created_by: Actor;
}

/** A package that a version had before it was tested anew: ids of predictions may begin with its digest. */
export interface EarlierPackageRow {
  readonly package: string;
  readonly version: string;
}

/** What is left of a version that was deleted. */
export interface DeletedRow {
  readonly id: string;
  readonly package: string | null;
  readonly record: ModelVersion;
  readonly deleted_at: number;
}

export interface VersionTagRow {
  readonly version: string;
  readonly key: string;
  readonly value: string;
}

export interface AliasRow {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
}

export interface Tables {
  registered_models: ModelRow;
  registered_model_tags: { readonly model: string; readonly key: string; readonly value: string };
  model_versions: VersionRow;
  model_version_tags: VersionTagRow;
  model_aliases: AliasRow;
  deleted_model_versions: DeletedRow;
  earlier_packages: EarlierPackageRow;
}
