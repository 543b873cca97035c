import type { Grants, Reach } from '#access';
import type { BlobStore } from '#blobs';
import type {
  Actor,
  CharterVersion,
  DatasetVersion,
  EventTypes,
  Evidence,
  FilterCondition,
  JudgedVersion,
  ModelVersion,
  OutlierSpec,
  PackageFile,
  RegisteredModel,
  SearchOrder,
  TestReport,
  TestSpec,
  TrainedVersion,
  aliasNames,
} from '#contract';
import type { Clock, NewId } from '#core';
import type { Evaluation, JudgeRequest, ModelSource } from '#evaluation';
import type { Events } from '#events';
import type { Features, RowsSource } from '#features';
import type { Store } from '#store';
import type { Training } from '#training';
import type { PythonModels } from './brought/python-model.ts';
import type { AskedWiring } from './brought/settle-wiring.ts';
import type { Conversions } from './convert/conversions.ts';

/** What a version is named or moved to with the release's consent only; any other alias or stage is free. */
export type GuardedPlace = (typeof aliasNames)[number] | 'Production';

/** Why a version may not come to a place; undefined when it may. */
export type PlaceGuard = (version: ModelVersion, place: GuardedPlace) => Promise<string | undefined>;

/** What a client says about where a version's files are. */
export interface VersionSource {
  /** An address, such as `runs:/<run>/model`, `models:/m-<id>`, `mlflow-artifacts:/…` or one of another store. */
  readonly source: string;
  /** The run that it belongs to. */
  readonly run?: string;
  readonly loggedModel?: string;
}

/** Files that Gyre keeps itself, found by the addresses that clients use for them. */
export interface KeptSources {
  /**
   * What stands at an address at this moment, with paths relative to it, and the run that left it. There are no files when the address leads
   * elsewhere, or when nothing stands there.
   */
  filesAt(source: VersionSource): Promise<{ readonly files: readonly PackageFile[]; readonly run?: string }>;
}

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
  readonly features: Pick<Features, 'apply' | 'feeds'>;
  readonly training: Pick<Training, 'readModel' | 'readArtifact'>;
  readonly reports: Pick<Evaluation, 'getReport' | 'reportJson' | 'judge' | 'openModel'>;
  /** Asked before a guarded alias or stage is given to a version of a governed model, on every path. */
  readonly guard: PlaceGuard;
  /** Why a version cannot be deleted, such as an environment that serves it; undefined when it can. Absent: nothing uses versions. */
  readonly inUse?: (version: ModelVersion) => Promise<string | undefined>;
  /** Who may do what on models. Absent: roles alone decide. */
  readonly grants?: Pick<Grants, 'own' | 'renamed' | 'deleted'>;
  /** Absent: every source is elsewhere. */
  readonly kept?: KeptSources;
  /** Absent: models that only Python can load are registered, but not tested. */
  readonly python?: PythonModels;
  /** Names the data folder of this process, where several processes share a database; default: none does. */
  readonly owner?: string;
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
  /** How outlier scores are fitted to the training rows; default: an isolation forest, at the quantile 0.99. */
  readonly outliers?: OutlierSpec;
  readonly tags?: Readonly<Record<string, string>>;
  readonly by: Actor;
}

export interface CreateModel {
  readonly name: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly by: Actor;
}

/** A version that was trained elsewhere. */
export interface RegisterVersion extends VersionSource {
  readonly model: string;
  /** Whether a model that there is not is made. */
  readonly makesModel?: boolean;
  /** Whether reference answers among the files (`examples.json`) are held against what the package's graph gives. */
  readonly checksExamples?: boolean;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly runLink?: string;
  readonly by: Actor;
}

/** How a version that was trained elsewhere is tested. */
export interface TestVersion extends VersionName, AskedWiring {
  /** The dataset version whose rows it is judged on. */
  readonly test: string;
  /** The one whose rows choose the decision threshold, where the project asks for that. */
  readonly validation?: string;
  readonly validationSets?: JudgeRequest['validationSets'];
  readonly spec?: TestSpec;
  readonly charter: CharterVersion;
  /** As for `CreateVersion`, fitted to the rows of the test. */
  readonly outliers?: OutlierSpec;
  readonly champion?: ModelSource;
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

/** A search in the grammar of MLflow's clients. */
export interface Search {
  readonly conditions: readonly FilterCondition[];
  readonly order: readonly SearchOrder[];
  readonly limit: number;
  /** Only models that whoever searches may see; absent: all. */
  readonly reach?: Reach;
  /** `next` of the page before, which was asked for with the same conditions and order. */
  readonly after?: string;
}

/** A version by its model and number. */
export interface VersionName {
  readonly model: string;
  readonly version: number;
}

/** Registered models, their versions, packages and aliases. */
export interface Registry {
  /**
   * Packages a run's model with its evidence and registers it as the next version. The same package again gives the version there is.
   * @throws GyreError FAILED_PRECONDITION when the ONNX model and the trainer's own differ by more than 1e-5 on a row (named), when the report
   * is another run's or was judged by another charter; NOT_FOUND
   */
  createVersion(request: CreateVersion): Promise<TrainedVersion>;

  /**
   * Tests a version that was trained elsewhere on rows with their truth, and packs it with what came of it, so that it can be released: its
   * graph behind named columns, its report and evidence, and all files that were brought. Aliases, tags and number stay.
   * @throws GyreError INVALID_ARGUMENT naming what does not fit the graph or the rows, or what nobody has said; FAILED_PRECONDITION when the
   * version has no graph that Gyre can run, was trained by Gyre, or is in use; ABORTED when it was tested or deleted meanwhile; NOT_FOUND
   */
  testVersion(request: TestVersion): Promise<{ readonly version: JudgedVersion; readonly report: TestReport }>;
  /** Versions that only Python can load become versions with a graph. */
  readonly conversions: Conversions;
  /** Where the model of a version comes from, for whoever lets it score rows. @throws GyreError NOT_FOUND, DATA_LOSS */
  modelSource(version: JudgedVersion): Promise<ModelSource>;

  /**
   * Registers what lies at an address as the next version of a model. Files that Gyre itself keeps there become the version's package, as
   * they stand at this moment; an address elsewhere gives a version without one.
   * @throws GyreError NOT_FOUND when there is no such model, or the source is a version that there is not; FAILED_PRECONDITION when the
   * graph does not give the reference answers
   */
  registerVersion(request: RegisterVersion): Promise<ModelVersion>;

  /** A model without versions. @throws GyreError ALREADY_EXISTS */
  createModel(request: CreateModel): Promise<RegisteredModel>;
  /** @throws GyreError NOT_FOUND */
  describeModel(request: { readonly name: string; readonly description: string; readonly by: Actor }): Promise<RegisteredModel>;
  /** Its versions, aliases and tags come along. @throws GyreError NOT_FOUND; ALREADY_EXISTS */
  renameModel(request: { readonly name: string; readonly to: string; readonly by: Actor }): Promise<RegisteredModel>;
  /** Deletes a model with its versions, as `deleteVersion` does. @throws GyreError NOT_FOUND; FAILED_PRECONDITION when a version is in use */
  deleteModel(request: { readonly name: string; readonly by: Actor }): Promise<void>;
  /** Sets tags; a value of null removes one. @throws GyreError NOT_FOUND */
  setModelTags(request: {
    readonly name: string;
    readonly tags: Readonly<Record<string, string | null>>;
    readonly by: Actor;
  }): Promise<RegisteredModel>;
  /** Whether Gyre itself has judged a version of the model: then the release decides who becomes its champion. */
  isGoverned(model: string): Promise<boolean>;

  /** By name. */
  listModels(query?: {
    readonly limit?: number;
    readonly after?: string;
  }): Promise<{ readonly items: readonly RegisteredModel[]; readonly next?: string }>;
  /** @throws GyreError NOT_FOUND */
  getModel(name: string): Promise<RegisteredModel>;
  /**
   * Models that meet every condition, by name unless another order is asked for. Prompts only when they are asked for.
   * @throws GyreError INVALID_ARGUMENT for conditions and orders that models have no column for
   */
  searchModels(search: Search): Promise<{ readonly items: readonly RegisteredModel[]; readonly next?: string }>;
  /** Versions that meet every condition, those changed last first unless another order is asked for. @throws GyreError as `searchModels` */
  searchVersions(search: Search): Promise<{ readonly items: readonly ModelVersion[]; readonly next?: string }>;
  /** Newest first. */
  listVersions(query?: VersionQuery): Promise<{ readonly items: readonly ModelVersion[]; readonly next?: string }>;
  /** @param version its number (also as text), an alias, or `latest` @throws GyreError NOT_FOUND naming what there is */
  get(model: string, version: number | string): Promise<ModelVersion>;
  /** @throws GyreError NOT_FOUND */
  getById(id: string): Promise<ModelVersion>;
  /** The version that an alias names; undefined when it names none. */
  aliased(model: string, alias: string): Promise<ModelVersion | undefined>;
  /** The newest version of each stage, for every model asked about. */
  newestOfStages(models: readonly string[]): Promise<readonly ModelVersion[]>;
  /** Where clients find the files of a version without a package. @throws GyreError NOT_FOUND */
  location(name: VersionName): Promise<string>;
  /** Versions whose package digest begins with these hex digits (a prediction's id carries eight). Newest first. */
  byPackagePrefix(prefix: string): Promise<readonly ModelVersion[]>;
  /** Versions made from a run. Newest first. */
  byRun(run: string): Promise<readonly ModelVersion[]>;
  /** Versions made from a logged model. Newest first. */
  byLoggedModel(model: string): Promise<readonly ModelVersion[]>;

  /** @throws GyreError FAILED_PRECONDITION with the guard's reason; NOT_FOUND */
  setAlias(request: VersionName & { readonly alias: string; readonly by: Actor }): Promise<ModelVersion>;
  /** Removing what is not set is fine. */
  removeAlias(request: { readonly model: string; readonly alias: string; readonly by: Actor }): Promise<void>;
  /** @throws GyreError NOT_FOUND */
  describeVersion(request: VersionName & { readonly description: string; readonly by: Actor }): Promise<ModelVersion>;
  /**
   * Moves a version to a stage of MLflow's registry.
   * @param request.archiveOthers the versions that are in it now are archived
   * @throws GyreError FAILED_PRECONDITION with the guard's reason; NOT_FOUND
   */
  moveToStage(
    request: VersionName & { readonly stage: ModelVersion['stage']; readonly archiveOthers?: boolean; readonly by: Actor },
  ): Promise<ModelVersion>;
  /**
   * Deletes a version: `getById` and a prediction's id still lead to its record, its files go with the next garbage collection, and its
   * number is not given again while the model is there.
   * @throws GyreError NOT_FOUND; FAILED_PRECONDITION when it is in use
   */
  deleteVersion(request: VersionName & { readonly by: Actor }): Promise<void>;
  /** Sets tags; a value of null removes one. */
  setTags(request: VersionName & { readonly tags: Readonly<Record<string, string | null>>; readonly by: Actor }): Promise<ModelVersion>;

  /** A file of a version's package, checked against its digest. @throws GyreError NOT_FOUND naming the files there are, DATA_LOSS */
  readFile(version: string, path: string): Promise<Uint8Array>;
  /** As `readFile`, streamed. */
  openFile(version: string, path: string): Promise<{ readonly file: PackageFile; readonly bytes: AsyncIterable<Uint8Array> }>;
  /** What a version was made from. */
  evidence(version: string): Promise<Evidence>;
}
