import type { Actor, FilterCondition, LoggedModelOrder } from '#contract';
import type { KeyValue, Lifecycle, ModelDataset, Page, Point, RunModel } from '../tracking/port.ts';

/** READY and FAILED are final for clients; nothing here keeps a model from changing again, as in MLflow. */
export const loggedModelStatuses = ['UNSPECIFIED', 'PENDING', 'READY', 'FAILED'] as const;
export type LoggedModelStatus = (typeof loggedModelStatuses)[number];

/** A value that was measured of a model, perhaps on a dataset. */
export interface ModelPoint extends Point {
  /** The run that measured it. */
  readonly run: string;
  readonly dataset?: ModelDataset;
}

/** A model that a run logged, with what is known of it; it may be registered later. */
export interface LoggedModel {
  /** `m-` and 32 hex digits. */
  readonly id: string;
  /** The experiment's id. */
  readonly experiment: string;
  /** Where the experiment's clients put artifacts; absent: into Gyre. */
  readonly artifactLocation?: string;
  readonly name: string;
  readonly modelType?: string;
  readonly status: LoggedModelStatus;
  /** As the client named it. */
  readonly sourceRun?: string;
  readonly lifecycle: Lifecycle;
  /** UTC milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly tags: readonly KeyValue[];
  readonly parameters: readonly KeyValue[];
  /** Every point, in the order of name, time and step. */
  readonly metrics: readonly ModelPoint[];
}

export interface CreateLoggedModel {
  /** The experiment's id. */
  readonly experiment: string;
  /** Given by who brings models along; made when absent. */
  readonly id?: string;
  readonly name?: string;
  readonly modelType?: string;
  readonly sourceRun?: string;
  readonly parameters?: readonly KeyValue[];
  readonly tags?: readonly KeyValue[];
  readonly by: Actor;
}

export interface SearchLoggedModels {
  /** Ids of experiments; none: no models. */
  readonly experiments: readonly string[];
  readonly conditions: readonly FilterCondition[];
  readonly order: readonly LoggedModelOrder[];
  /** Only metrics on one of these meet a condition; without conditions on metrics, only models that were measured on one of them. */
  readonly datasets: readonly ModelDataset[];
  /** At least 1. */
  readonly limit: number;
  /** `next` of the page before; it belongs to one search. */
  readonly after?: string;
}

/** Models as runs log them, before anybody registers them. */
export interface LoggedModels {
  /** @throws GyreError NOT_FOUND, FAILED_PRECONDITION when the experiment is deleted, ALREADY_EXISTS for an id in use */
  create(request: CreateLoggedModel): Promise<LoggedModel>;
  /** @param options.deleted also one that is deleted @throws GyreError NOT_FOUND */
  get(id: string, options?: { readonly deleted?: boolean }): Promise<LoggedModel>;
  /** Which experiment it belongs to; undefined when there is no such model. */
  experimentOf(id: string): Promise<string | undefined>;
  /** @throws GyreError NOT_FOUND */
  setStatus(request: { readonly id: string; readonly status: LoggedModelStatus; readonly by: Actor }): Promise<LoggedModel>;
  /** @throws GyreError NOT_FOUND */
  delete(request: { readonly id: string; readonly by: Actor }): Promise<void>;
  /** @throws GyreError NOT_FOUND; FAILED_PRECONDITION when a parameter has another value already */
  logParameters(id: string, parameters: readonly KeyValue[]): Promise<void>;
  /** @throws GyreError NOT_FOUND */
  setTags(id: string, tags: readonly KeyValue[]): Promise<void>;
  /** @throws GyreError NOT_FOUND, also when there is no such tag */
  deleteTag(id: string, key: string): Promise<void>;
  /** Those that are not deleted; without an order the newest first. */
  search(query: SearchLoggedModels): Promise<Page<LoggedModel>>;
  /** Notes which models a run made or used; one that is noted already stays. @throws GyreError NOT_FOUND, FAILED_PRECONDITION when the run is deleted */
  link(run: string, models: readonly RunModel[]): Promise<void>;
}
