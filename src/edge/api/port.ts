import type { Access } from '#access';
import type { Batches, BatchSchedules } from '#batch';
import type { Streams } from '#streams';
import type {
  Actor,
  Backup,
  BackupList,
  BlobStorage,
  Comparison,
  ModelImage,
  ModelVersion,
  PipelineRun,
  TestReport,
  VersionTest,
} from '#contract';
import type { Clock, NewId, ResolvedSetting } from '#core';
import type { Ci } from '#ci';
import type { Data, LfsRepositories } from '#data';
import type { Evaluation } from '#evaluation';
import type { Events } from '#events';
import type { Features } from '#features';
import type { Fleet } from '#fleet';
import type { Garbage, Governance } from '#governance';
import type { Imports } from '#imports';
import type { Mails } from '#mail';
import type { Monitoring } from '#monitoring';
import type { Pipelines, Schedules } from '#pipelines';
import type { CharterBook, CheckedProject, LoadedProject } from '#project';
import type { Registry, Webhooks } from '#registry';
import type { Release } from '#release';
import type { Logger, Metrics } from '#telemetry';
import type { RunChanges, Training } from '#training';
import type { Triggers } from '#triggers';
import type { ListedVideo, VideoStream } from '#video';
import type { ServedWorkspace } from '#workspace';

/** The turns of the loop that go through several rooms, as the composition root hands them in. */
export interface LoopVerbs {
  build(request: { readonly by: Actor; readonly reason: string; readonly fresh?: boolean }): Promise<PipelineRun>;
  clone(request: RunChanges & { readonly run: string; readonly by: Actor }): Promise<PipelineRun>;
  compareOnProduction(request: {
    readonly champion: string;
    readonly challenger: string;
    readonly environment: string;
    readonly from: string;
    readonly to: string;
    readonly metric?: 'accuracy' | 'roc_auc';
    readonly by: Actor;
  }): Promise<Comparison>;
  testVersion(
    request: VersionTest & { readonly model: string; readonly version: number; readonly by: Actor },
  ): Promise<{ readonly version: ModelVersion; readonly report: TestReport }>;
  collectPredictions(environment?: string): Promise<void>;
}

/** Videos that are played to what an environment serves, as the composition root joins them. */
export interface VideoVerbs {
  /** Those in the folders of the settings. */
  list(): Promise<readonly ListedVideo[]>;
  /** @throws GyreError NOT_FOUND, PERMISSION_DENIED, FAILED_PRECONDITION, RESOURCE_EXHAUSTED */
  play(request: {
    readonly environment: string;
    readonly path: string;
    readonly fps?: number;
    readonly signal: AbortSignal;
  }): Promise<VideoStream>;
}

/** Backups of the platform, as the composition root makes them: one at a time, in the background. */
export interface BackupVerbs {
  /** Those in the folder of the settings, newest first. */
  list(): Promise<BackupList>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<Backup>;
  /**
   * Begins a backup.
   * @param request.keep so many whole ones stay, the newest; default all
   * @throws GyreError ABORTED while another is under way; FAILED_PRECONDITION, PERMISSION_DENIED when the folder cannot be used
   */
  start(request: { readonly keep?: number; readonly by: Actor }): Promise<Backup>;
  /** Begins to read all of it and to compare it with what it was. @throws GyreError NOT_FOUND, ABORTED; FAILED_PRECONDITION for one that is not whole */
  verify(request: { readonly id: string; readonly by: Actor }): Promise<Backup>;
  /** @throws GyreError NOT_FOUND, ABORTED */
  remove(request: { readonly id: string; readonly by: Actor }): Promise<void>;
}

/** Container images of model versions, as the composition root makes them. */
export interface ImageVerbs {
  /** @throws GyreError PERMISSION_DENIED for a registry that the settings do not name; FAILED_PRECONDITION, UNAVAILABLE */
  make(request: {
    readonly version: ModelVersion;
    readonly environment?: string;
    readonly push?: string;
    readonly by: Actor;
  }): Promise<ModelImage>;
  /** Newest first. */
  list(options?: { readonly model?: string; readonly limit?: number }): Promise<readonly ModelImage[]>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<ModelImage>;
  /** @throws GyreError NOT_FOUND */
  archive(id: string): Promise<{ readonly name: string; readonly body: AsyncIterable<Uint8Array> }>;
}

/** What the handlers of the routes work with: every opened room, and the verbs that join them. */
export interface Rooms {
  readonly access: Access;
  readonly backups: BackupVerbs;
  readonly batches: Batches;
  readonly batchSchedules: BatchSchedules;
  readonly streams: Streams;
  readonly blobStorage: () => Promise<BlobStorage>;
  readonly charters: CharterBook;
  readonly ci: Ci;
  readonly data: Data;
  readonly evaluation: Evaluation;
  readonly events: Events;
  readonly features: Features;
  readonly fleet: Fleet;
  readonly garbage: Garbage;
  readonly governance: Governance;
  readonly images: ImageVerbs;
  readonly imports: Imports;
  readonly lfs: LfsRepositories;
  readonly loop: LoopVerbs;
  readonly monitoring: Monitoring;
  readonly pipelines: Pipelines;
  /** The project as it stands in its file now. */
  readonly project: { current(): LoadedProject };
  readonly registry: Registry;
  readonly webhooks: Webhooks;
  readonly mails: Mails;
  readonly release: Release;
  readonly schedules: Schedules;
  readonly training: Training;
  readonly triggers: Triggers;
  readonly videos: VideoVerbs;
  /** The data files of the project's folder. */
  readonly workspace: ServedWorkspace;
}

export interface ApiDeps extends Rooms {
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Bytes that one artifact has at most. */
  readonly artifactLimitBytes: number;
  /** The version of Gyre. */
  readonly version: string;
  /** The address to bind to; beyond loopback only with TLS or behind a proxy that ends it: the caller has seen to that. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Certificate chain and key in PEM: the API then speaks HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Further host names that requests may be addressed to, such as the one that a proxy in front goes by. */
  readonly hostNames?: readonly string[];
  /** Whether callers on loopback that bring no token are the built-in identity `local`. */
  readonly allowLocal: boolean;
  /** Settled settings with their secrets masked. */
  readonly settings: readonly ResolvedSetting[];
  /** Checks the project's files as they are on disk. */
  readonly checkProject: () => Promise<CheckedProject>;
  /** How often event streams show that they are there, and recognise who listens once more. Default 15 s. */
  readonly heartbeatMs?: number;
  /** Within which time a request's body has to arrive; those of Git LFS may take longer. Default 5 minutes. */
  readonly bodyTimeoutMs?: number;
  /** The bundled web pages: `index.html` and its assets. Without it there are no pages. While it is being bundled, pages wait for it. */
  readonly uiFolder?: string | Promise<string>;
}

/** The API while it listens. Disposing stops accepting, ends event streams, and lets requests in flight finish. */
export interface Api extends AsyncDisposable {
  /** Base URL, such as `http://127.0.0.1:7070`. */
  readonly address: string;
}
