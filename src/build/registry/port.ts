import type { BlobStore } from '#blobs';
import type {
  Actor,
  CharterVersion,
  DatasetVersion,
  EventTypes,
  Evidence,
  ModelVersion,
  PackageFile,
  RegisteredModel,
  TestReport,
  aliasNames,
} from '#contract';
import type { Clock, NewId } from '#core';
import type { Events } from '#events';
import type { Features, RowsSource } from '#features';
import type { Store } from '#store';
import type { Training } from '#training';

export type AliasName = (typeof aliasNames)[number];

/** Why a version may not have an alias; undefined when it may. */
export type AliasGuard = (version: ModelVersion, alias: AliasName) => Promise<string | undefined>;

export interface RegistryDeps {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events<EventTypes>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly data: RowsSource & {
    /** @throws GyreError NOT_FOUND */
    get(version: string): Promise<DatasetVersion>;
  };
  readonly features: Pick<Features, 'apply'>;
  readonly training: Pick<Training, 'readModel' | 'readArtifact'>;
  readonly reports: {
    /** @throws GyreError NOT_FOUND */
    getReport(id: string): Promise<TestReport>;
    /** @throws GyreError NOT_FOUND */
    reportJson(id: string): Promise<Uint8Array>;
  };
  /** Asked before an alias is set, on every path. */
  readonly guard: AliasGuard;
}

export interface CreateVersion {
  /** The registered model's name; made when there is none. */
  readonly model: string;
  /** Of the registered model; kept when absent. */
  readonly description?: string;
  readonly run: string;
  /** The test report's id. */
  readonly report: string;
  /** The version that the report was judged by. */
  readonly charter: CharterVersion;
  readonly tags?: Readonly<Record<string, string>>;
  readonly by: Actor;
}

export interface VersionQuery {
  readonly model?: string;
  readonly run?: string;
  /** Default 50, at most 1000. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Registered models, their versions, packages and aliases. */
export interface Registry {
  /**
   * Packages a run's model with its evidence and registers it as the next version. The same package again gives the version there is.
   * @throws GyreError FAILED_PRECONDITION when the ONNX model and the trainer's own differ by more than 1e-5 on a row (named), when the report
   * is another run's or was judged by another charter; NOT_FOUND
   */
  createVersion(request: CreateVersion): Promise<ModelVersion>;

  /** By name. */
  listModels(query?: {
    readonly limit?: number;
    readonly after?: string;
  }): Promise<{ readonly items: readonly RegisteredModel[]; readonly next?: string }>;
  /** @throws GyreError NOT_FOUND */
  getModel(name: string): Promise<RegisteredModel>;
  /** Newest first. */
  listVersions(query?: VersionQuery): Promise<{ readonly items: readonly ModelVersion[]; readonly next?: string }>;
  /** @param version its number (also as text), an alias, or `latest` @throws GyreError NOT_FOUND naming what there is */
  get(model: string, version: number | string): Promise<ModelVersion>;
  /** @throws GyreError NOT_FOUND */
  getById(id: string): Promise<ModelVersion>;
  /** The version that an alias names; undefined when it names none. */
  aliased(model: string, alias: AliasName): Promise<ModelVersion | undefined>;
  /** Versions whose package digest begins with these hex digits (a prediction's id carries eight). Newest first. */
  byPackagePrefix(prefix: string): Promise<readonly ModelVersion[]>;
  /** Versions made from a run. Newest first. */
  byRun(run: string): Promise<readonly ModelVersion[]>;

  /** @throws GyreError FAILED_PRECONDITION with the guard's reason; NOT_FOUND */
  setAlias(request: {
    readonly model: string;
    readonly alias: AliasName;
    readonly version: number;
    readonly by: Actor;
  }): Promise<ModelVersion>;
  /** Removing what is not set is fine. */
  removeAlias(request: { readonly model: string; readonly alias: AliasName; readonly by: Actor }): Promise<void>;
  /** Sets tags; a value of null removes one. */
  setTags(request: {
    readonly model: string;
    readonly version: number;
    readonly tags: Readonly<Record<string, string | null>>;
    readonly by: Actor;
  }): Promise<ModelVersion>;

  /** The files of a version's package, in the order of their paths. @param version the version's id */
  files(version: string): Promise<readonly PackageFile[]>;
  /** A file of a version's package, checked against its digest. @throws GyreError NOT_FOUND naming the files there are, DATA_LOSS */
  readFile(version: string, path: string): Promise<Uint8Array>;
  /** As `readFile`, streamed. */
  openFile(version: string, path: string): Promise<{ readonly file: PackageFile; readonly bytes: AsyncIterable<Uint8Array> }>;
  /** What a version was made from. */
  evidence(version: string): Promise<Evidence>;
}
