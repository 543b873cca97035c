import { Type, type Static } from 'typebox';
import { Instant } from './common.ts';
import type { ReleaseEventData } from './release-events.ts';

/*
 * What happened, as any room may hear of it without knowing who said it. Data carry ids and digests, never row values.
 * The full type of an event is `dev.gyre.<key>.v1`.
 */
export interface EventData extends ReleaseEventData {
  'project.loaded': { project: string; charter: string; charterVersion: number };
  'charter.confirmed': { charter: string };
  'charter.recorded': { digest: string; version: number };
  'dataset.versioned': { digest: string; dataset: string; part?: string; rows: number };
  'quality_report.created': { id: string; dataset: string; violations: number; scores: Record<string, number | null> };
  'personal_data.seen': {
    dataset: string;
    digest: string;
    columns: string[];
    how: 'rows' | 'sql' | 'file' | 'comparison' | 'profile' | 'images' | 'files' | 'predictions';
  };
  'split.created': { id: string; version: string; parts: Record<string, string>; sets?: Record<string, string> };
  'lfs_repository.created': { repository: string };
  'lfs_lock.taken': { id: string; repository: string; path: string };
  'lfs_lock.released': { id: string; repository: string; path: string; owner: string };
  'transform.fitted': { id: string; digest: string; dataset: string; features: number };
  'study.created': { id: string; trainer: string; trials: number };
  'study.finished': { id: string; bestRun: string; metric: string; value: number };
  'run.started': { id: string; experiment: string; trainer?: string };
  'run.finished': { id: string; status: string; metrics: Record<string, number> };
  'run.commented': { id: string; comment: string; mentions: string[] };
  'run.comment_deleted': { id: string; comment: string };
  'run.deleted': { id: string };
  'run.restored': { id: string };
  'experiment.created': { id: string; name: string };
  'experiment.renamed': { id: string; name: string; previous: string };
  'experiment.deleted': { id: string; name: string };
  'experiment.restored': { id: string; name: string };
  'logged_model.created': { id: string; name: string; experiment: string };
  'logged_model.status_set': { id: string; name: string; status: string; previous: string };
  'logged_model.deleted': { id: string; name: string };
  'view.saved': { id: string; name: string };
  'view.deleted': { id: string; name: string };
  'report.written': { id: string; title: string; version: number };
  'report.deleted': { id: string; title: string };
  'test_report.created': {
    id: string;
    digest: string;
    run?: string;
    modelVersion?: string;
    passed: boolean;
    metrics: Record<string, number | null>;
  };
  'registered_model.created': { model: string; description: string; tags: Record<string, string> };
  'registered_model.described': { model: string };
  'registered_model.renamed': { model: string; previous: string };
  'registered_model.deleted': { model: string; versions: number };
  'registered_model.tagged': { model: string; tags: Record<string, string>; removed?: string[]; prompt?: true };
  'model_version.created': {
    id: string;
    model: string;
    version: number;
    source: string;
    package?: string;
    run?: string;
    description: string;
    tags: Record<string, string>;
  };
  'model_version.tested': { id: string; model: string; version: number; package: string; report: string; passed: boolean };
  'model_image.made': { id: string; model: string; version: number; modelVersion: string; digest: string; image?: string };
  'model_conversion.started': { id: string; model: string; version: number; modelVersion: string };
  'model_conversion.finished': {
    id: string;
    model: string;
    version: number;
    modelVersion: string;
    state: string;
    made?: number;
    error?: string;
  };
  'model_version.described': { id: string; model: string; version: number };
  'model_version.staged': { id: string; model: string; version: number; stage: string; previous: string };
  'model_version.deleted': { id: string; model: string; version: number };
  'model_version.alias_set': { id: string; model: string; version: number; alias: string; previous?: number; prompt?: true };
  'model_version.alias_removed': { id: string; model: string; version: number; alias: string; prompt?: true };
  'model_version.tagged': {
    id: string;
    model: string;
    version: number;
    tags: Record<string, string>;
    removed?: string[];
    prompt?: true;
  };
  'mail_address.set': { identity: string; topics: string[] };
  'mail_address.removed': { identity: string };
  'webhook.created': { id: string; name: string; host: string; topics: string[] };
  'webhook.changed': { id: string; name: string; host: string; topics: string[]; active: boolean };
  'webhook.deleted': { id: string };
  'batch_prediction.started': { id: string; model: string; modelVersion: string; input?: string; schedule?: string };
  'batch_prediction.finished': {
    id: string;
    model: string;
    modelVersion: string;
    state: string;
    schedule?: string;
    error?: string;
    rows?: number;
    predicted?: number;
    failed?: number;
    dataset?: string;
  };
  'batch_schedule.set': { schedule: string; cron: string; timezone: string; model: string; input: string; output?: string; isNew: boolean };
  'batch_schedule.removed': { schedule: string };
  'batch_schedule.started': { schedule: string; due?: string; missed: number; batchPrediction: string };
  'batch_schedule.failed': { schedule: string; due: string; error: string };
  'batch_schedule.paused': { schedule: string };
  'batch_schedule.resumed': { schedule: string; due?: string };
  'stream_prediction.started': { id: string; model: string; modelVersion: string; input: string; output: string };
  'stream_prediction.ended': { id: string; model: string; modelVersion: string; state: string };
  'predictions.ingested': { environment: string; endpoint: string; rows: number; segment: string };
  'labels.joined': { environment: string; endpoint: string; rows: number; unmatched: number };
  'window.evaluated': { id: string; environment: string; endpoint: string; revision: number; rows: number; labelled: number };
  'alert.raised': { id: string; kind: string; environment: string; endpoint: string; modelVersion: string; cause: string };
  'alert.updated': { id: string; kind: string; cause: string; windows: number };
  'alert.acknowledged': { id: string };
  'alert.resolved': { id: string; window: string };
  'action.started': { id: string; kind: string; alert?: string; pipelineRun?: string };
  'action.finished': { id: string; kind: string; state: string; outcome: string };
  'garbage_sweep.started': { id: string; what: string; graceMs: number };
  'garbage_sweep.finished': { id: string; what: string; graceMs: number; state: string; blobs: number; bytes: number };
  'backup.made': { id: string; blobs: number; bytes: number };
  'backup.verified': { id: string; damaged: number };
  'backup.removed': { id: string };
  'workspace_job.started': { id: string; verb: string; paths: readonly string[]; remote?: string };
  'workspace_job.finished': { id: string; verb: string; state: string; results: number; error?: string };
  'reproduction.finished': { modelVersion: string; run: string; identical: boolean; expected: string; actual?: string; workers: number };
  'pipeline_run.started': { id: string; pipeline: string; reason: string };
  'pipeline_run.finished': { id: string; pipeline: string; state: string };
  'ci_run.started': { id: string; commit?: string; branch?: string };
  'ci_run.finished': { id: string; commit?: string; branch?: string; state: string; modelVersion?: string };
  'schedule.started': { schedule: string; due?: string; missed: number; pipelineRun: string };
  'schedule.failed': { schedule: string; due: string; error: string };
  'schedule.paused': { schedule: string };
  'schedule.resumed': { schedule: string; due?: string };
  'step_run.started': { id: string; pipelineRun: string; step: string; attempt: number };
  'step_run.finished': { id: string; pipelineRun: string; step: string; state: string; summary?: string };
  'identity.created': { id: string; name: string; roles: string[] };
  'identity.disabled': { id: string };
  'identity.password_set': { id: string };
  'identity.roles_set': { id: string; roles: string[] };
  'grant.given': { identity: string; kind: string; record: string; level: string };
  'grant.revoked': { identity: string; kind: string; record: string };
  'team.created': { id: number; name: string };
  'team.changed': { id: number; name: string };
  'team.deleted': { id: number; name: string };
  'team.granted': { team: string; kind: string; record: string; level: string };
  'team.revoked': { team: string; kind: string; record: string };
  'team.joined': { team: string; identity: string };
  'team.left': { team: string; identity: string };
  'token.issued': { id: string; identity: string };
  'token.revoked': { id: string; identity: string };
  'session.started': { identity: string; how: 'one_time_code' | 'password' };
  'session.ended': { identity: string };
}
export type EventKind = keyof EventData;
/** The type that an event of a kind carries: `dev.gyre.dataset.versioned.v1`. */
export type EventType<K extends EventKind = EventKind> = `dev.gyre.${K}.v1`;
export function eventType<K extends EventKind>(kind: K): EventType<K> {
  return `dev.gyre.${kind}.v1`;
}
/** Event type → shape of its data. */
export type EventTypes = { [K in EventKind as EventType<K>]: EventData[K] };

/** A CloudEvent 1.0 in its JSON format, with our extensions. */
export const GyreEvent = Type.Object({
  specversion: Type.Literal('1.0'),
  id: Type.String(),
  source: Type.String(),
  type: Type.String(),
  subject: Type.String(),
  time: Instant,
  datacontenttype: Type.Literal('application/json'),
  data: Type.Record(Type.String(), Type.Unknown()),
  actor: Type.String({ description: 'the id of the identity that did it' }),
  project: Type.Optional(Type.String()),
  position: Type.Integer(),
  reason: Type.Optional(Type.String()),
  traceparent: Type.Optional(Type.String()),
  causationid: Type.Optional(Type.String()),
});
export type GyreEvent = Static<typeof GyreEvent>;
