import type { EventData, EventKind, GyreEvent } from '#contract';
import { cronWords } from '#contract';
import { counted, measured, number, sentence, shortDigest } from './format.ts';
import { kindOf } from './live.ts';
import { metricLabel } from './metrics.ts';
import { recordPath, versionPath } from './records.ts';
import { releaseWords } from './release-event-words.ts';

export type Part = 'build' | 'deploy' | 'monitor' | 'govern';
export const parts = ['build', 'deploy', 'monitor', 'govern'] as const satisfies readonly Part[];

export interface EventWords {
  readonly part: Part;
  readonly text: string;
  readonly href?: string;
  readonly tone?: 'good' | 'warn' | 'bad' | 'waiting';
}

export type Words = { readonly [K in EventKind]: (data: EventData[K]) => EventWords };

const row = (rows: number): string => `${number(rows, 0)} ${rows === 1 ? 'row' : 'rows'}`;

function figures(metrics: Readonly<Record<string, number | null>>): string {
  const wanted = ['roc_auc', 'accuracy', 'rmse', 'log_loss'].filter((name) => metrics[name] !== undefined).slice(0, 2);
  return wanted.map((name) => `${metricLabel(name)} ${measured(metrics[name])}`).join(', ');
}

const after = (text: string): string => (text === '' ? '' : `: ${text}`);

const commitWords = ({ commit, branch }: { readonly commit?: string; readonly branch?: string }): string =>
  `${commit === undefined ? 'the project’s folder' : shortDigest(commit)}${branch === undefined ? '' : ` on ${branch}`}`;

const words: Words = {
  ...releaseWords,
  'project.loaded': (d) => ({ part: 'govern', text: `project ${d.project} loaded with version ${d.charterVersion} of its charter` }),
  'charter.confirmed': (d) => ({ part: 'govern', text: 'the charter confirmed', href: recordPath('charter', d.charter) }),
  'charter.recorded': (d) => ({
    part: 'govern',
    text: `version ${d.version} of the charter recorded`,
    href: recordPath('charter', d.digest),
  }),
  'dataset.versioned': (d) => ({
    part: 'build',
    text: `dataset version ${shortDigest(d.digest)} of ${d.dataset}${d.part === undefined ? '' : `, part ${d.part}`}: ${row(d.rows)}`,
    href: recordPath('dataset_version', d.digest),
  }),
  'quality_report.created': (d) => ({
    part: 'build',
    text: `quality of ${shortDigest(d.dataset)} judged: ${d.violations === 0 ? 'no violation' : `${d.violations} violations`}`,
    href: recordPath('dataset_version', d.dataset),
    ...(d.violations > 0 ? { tone: 'warn' } : {}),
  }),
  'personal_data.seen': (d) => ({
    part: 'govern',
    text: `personal data of ${d.dataset} ${shortDigest(d.digest)} seen unmasked: ${d.columns.join(', ')}`,
    href: recordPath('dataset_version', d.digest),
  }),
  'split.created': (d) => ({
    part: 'build',
    text: `${shortDigest(d.version)} split in ${Object.keys(d.parts).join(', ')}`,
    href: recordPath('split', d.id),
  }),
  'lfs_repository.created': (d) => ({ part: 'build', text: `Git LFS repository ${d.repository} received its first object` }),
  'lfs_lock.taken': (d) => ({ part: 'build', text: `${d.path} of Git LFS repository ${d.repository} locked` }),
  'lfs_lock.released': (d) => ({ part: 'build', text: `${d.path} of Git LFS repository ${d.repository} unlocked` }),
  'transform.fitted': (d) => ({ part: 'build', text: `transform fitted: ${d.features} features`, href: recordPath('transform', d.id) }),
  'study.created': (d) => ({ part: 'build', text: `study of ${d.trainer} begun: ${d.trials} trials`, href: recordPath('study', d.id) }),
  'study.finished': (d) => ({
    part: 'build',
    text: `study finished: best ${metricLabel(d.metric)} ${number(d.value)}`,
    href: recordPath('study', d.id),
  }),
  'run.started': (d) => ({ part: 'build', text: `run begun in ${d.experiment}`, href: recordPath('run', d.id) }),
  'run.commented': (d) => ({
    part: 'build',
    text: `a run was commented on${d.mentions.length === 0 ? '' : `, ${counted(d.mentions.length, 'person', 'people')} mentioned`}`,
    href: recordPath('run', d.id),
  }),
  'run.comment_deleted': (d) => ({ part: 'build', text: 'a comment on a run was deleted', href: recordPath('run', d.id) }),
  'run.deleted': (d) => ({ part: 'build', text: 'run deleted', href: recordPath('run', d.id) }),
  'run.restored': (d) => ({ part: 'build', text: 'run restored', href: recordPath('run', d.id) }),
  'experiment.created': (d) => ({ part: 'build', text: `experiment ${d.name} made` }),
  'experiment.renamed': (d) => ({ part: 'build', text: `experiment ${d.previous} is called ${d.name} now` }),
  'experiment.deleted': (d) => ({ part: 'build', text: `experiment ${d.name} deleted` }),
  'experiment.restored': (d) => ({ part: 'build', text: `experiment ${d.name} restored` }),
  'run.finished': (d) => ({
    part: 'build',
    text: `run ${d.status.toLowerCase()}${after(figures(d.metrics))}`,
    href: recordPath('run', d.id),
    ...(d.status === 'FAILED' ? { tone: 'bad' } : {}),
  }),
  'logged_model.created': (d) => ({ part: 'build', text: `model ${d.name} logged`, href: recordPath('logged_model', d.id) }),
  'logged_model.status_set': (d) => ({
    part: 'build',
    text: `logged model ${d.name} is ${d.status.toLowerCase()}`,
    href: recordPath('logged_model', d.id),
    ...(d.status === 'FAILED' ? { tone: 'bad' } : {}),
  }),
  'logged_model.deleted': (d) => ({ part: 'build', text: `logged model ${d.name} deleted` }),
  'view.saved': (d) => ({ part: 'build', text: `view ${d.name} saved`, href: recordPath('view', d.id) }),
  'view.deleted': (d) => ({ part: 'build', text: `view ${d.name} deleted` }),
  'report.written': (d) => ({ part: 'build', text: `version ${d.version} of report ${d.title} written`, href: recordPath('report', d.id) }),
  'report.deleted': (d) => ({ part: 'build', text: `report ${d.title} deleted` }),
  'test_report.created': (d) => ({
    part: 'build',
    text: `test report: ${d.passed ? 'every gate passed' : 'a gate failed'}${after(figures(d.metrics))}`,
    href: recordPath('test_report', d.id),
    tone: d.passed ? 'good' : 'bad',
  }),
  'registered_model.created': (d) => ({ part: 'build', text: `model ${d.model} registered`, href: recordPath('model', d.model) }),
  'registered_model.described': (d) => ({ part: 'build', text: `model ${d.model} described anew`, href: recordPath('model', d.model) }),
  'registered_model.renamed': (d) => ({
    part: 'build',
    text: `model ${d.previous} is called ${d.model} now`,
    href: recordPath('model', d.model),
  }),
  'registered_model.deleted': (d) => ({
    part: 'build',
    text: `model ${d.model} deleted${d.versions === 0 ? '' : `, with ${d.versions} ${d.versions === 1 ? 'version' : 'versions'}`}`,
    tone: 'warn',
  }),
  'registered_model.tagged': (d) => ({ part: 'build', text: `model ${d.model} tagged`, href: recordPath('model', d.model) }),
  'model_version.tested': (d) => ({
    part: 'build',
    text: `${d.model} version ${d.version} tested: ${d.passed ? 'every gate passed' : 'a gate failed'}`,
    href: versionPath(d),
    tone: d.passed ? 'good' : 'bad',
  }),
  'model_version.described': (d) => ({
    part: 'build',
    text: `${d.model} version ${d.version} described anew`,
    href: versionPath(d),
  }),
  'model_version.staged': (d) => ({
    part: 'build',
    text: `${d.model} version ${d.version} moved from stage ${d.previous} to ${d.stage}`,
    href: versionPath(d),
  }),
  'model_version.deleted': (d) => ({
    part: 'build',
    text: `${d.model} version ${d.version} deleted`,
    href: recordPath('model_version', d.id),
    tone: 'warn',
  }),
  'model_version.created': (d) => ({
    part: 'build',
    text: `${d.model} version ${d.version} registered`,
    href: versionPath(d),
  }),
  'model_version.alias_set': (d) => ({
    part: 'build',
    text: `${d.alias} of ${d.model} is version ${d.version}${d.previous === undefined ? '' : `, it was ${d.previous}`}`,
    href: versionPath(d),
  }),
  'model_version.alias_removed': (d) => ({
    part: 'build',
    text: `${d.model} version ${d.version} is no longer ${d.alias}`,
    href: versionPath(d),
  }),
  'model_version.tagged': (d) => ({
    part: 'build',
    text: `${d.model} version ${d.version} tagged`,
    href: versionPath(d),
  }),
  'mail_address.set': (d) => ({
    part: 'govern',
    text: `somebody is told by e-mail of ${counted(d.topics.length, 'topic')}`,
    href: '/access',
  }),
  'mail_address.removed': () => ({ part: 'govern', text: 'somebody is told by e-mail no more', href: '/access' }),
  'webhook.created': (d) => ({ part: 'govern', text: `webhook ${d.name} tells ${d.host} of ${d.topics.length} topics`, href: '/webhooks' }),
  'webhook.changed': (d) => ({
    part: 'govern',
    text: `webhook ${d.name} changed: ${d.active ? `it tells ${d.host}` : 'it is silent'}`,
    href: '/webhooks',
  }),
  'webhook.deleted': () => ({ part: 'govern', text: 'a webhook deleted', href: '/webhooks' }),
  'stream_prediction.started': (d) => ({
    part: 'deploy',
    text: `${d.model} answers ${d.input}`,
    href: recordPath('stream_prediction', d.id),
  }),
  'stream_prediction.ended': (d) => ({
    part: 'deploy',
    text: `stream prediction with ${d.model} ${d.state}`,
    href: recordPath('stream_prediction', d.id),
    ...(d.state === 'failed' ? { tone: 'bad' } : {}),
  }),
  'model_image.made': (d) => ({
    part: 'deploy',
    text: `an image of ${d.model} version ${d.version} was made${d.image === undefined ? '' : ` and sent to ${d.image}`}`,
    href: recordPath('model_version', d.modelVersion),
    tone: 'good',
  }),
  'model_conversion.started': (d) => ({
    part: 'build',
    text: `${d.model} version ${d.version} is converted to an ONNX graph, which executes code from its files`,
    href: recordPath('model_version', d.modelVersion),
  }),
  'model_conversion.finished': (d) => ({
    part: 'build',
    text:
      d.made === undefined
        ? `conversion of ${d.model} version ${d.version} ${d.state}${d.error === undefined ? '' : `: ${d.error}`}`
        : `${d.model} version ${d.version} became version ${d.made}, an ONNX graph`,
    href: recordPath('model_version', d.modelVersion),
    tone: d.state === 'finished' ? 'good' : 'bad',
  }),
  'batch_prediction.started': (d) => ({
    part: 'deploy',
    text: `batch prediction with ${d.model} begun`,
    href: recordPath('batch_prediction', d.id),
  }),
  'batch_prediction.finished': (d) => ({
    part: 'deploy',
    text: `batch prediction${d.schedule === undefined ? '' : ` “${d.schedule}”`} with ${d.model} ${d.state}${d.rows === undefined ? '' : `: ${row(d.rows)}, ${number(d.failed ?? 0, 0)} without a prediction`}${d.error === undefined ? '' : `: ${d.error}`}`,
    href: recordPath('batch_prediction', d.id),
    tone: d.state === 'finished' ? 'good' : 'bad',
  }),
  'batch_schedule.set': (d) => ({
    part: 'deploy',
    text: `${d.schedule} is ${d.isNew ? 'set' : 'changed'}: ${d.input} is predicted with ${d.model} ${cronWords(d.cron)}, ${d.timezone}`,
    href: '/batch',
  }),
  'batch_schedule.removed': (d) => ({ part: 'deploy', text: `${d.schedule} is predicted by the clock no more`, href: '/batch' }),
  'batch_schedule.started': (d) => ({
    part: 'deploy',
    text: `${d.schedule} is predicted by its schedule${d.missed === 0 ? '' : `, for ${d.missed} missed runs as well`}`,
    href: recordPath('batch_prediction', d.batchPrediction),
  }),
  'batch_schedule.failed': (d) => ({
    part: 'deploy',
    text: `the schedule ${d.schedule} could not start its batch prediction: ${d.error}`,
    href: '/batch',
    tone: 'bad',
  }),
  'batch_schedule.paused': (d) => ({ part: 'deploy', text: `the schedule ${d.schedule} is paused`, href: '/batch', tone: 'waiting' }),
  'batch_schedule.resumed': (d) => ({ part: 'deploy', text: `the schedule ${d.schedule} goes on`, href: '/batch' }),
  'predictions.ingested': (d) => ({
    part: 'monitor',
    text: `${row(d.rows)} of predictions arrived from ${d.environment}`,
    href: '/predictions',
  }),
  'labels.joined': (d) => ({
    part: 'monitor',
    text: `${number(d.rows, 0)} labels joined${d.unmatched === 0 ? '' : `, ${d.unmatched} without a prediction`}`,
    href: '/monitor',
  }),
  'window.evaluated': (d) => ({
    part: 'monitor',
    text: `window judged: ${row(d.rows)}, ${number(d.labelled, 0)} labelled`,
    href: recordPath('window', d.id),
  }),
  'alert.raised': (d) => ({ part: 'monitor', text: `alert: ${d.cause}`, href: recordPath('alert', d.id), tone: 'bad' }),
  'alert.updated': (d) => ({
    part: 'monitor',
    text: `alert goes on for ${d.windows} windows: ${d.cause}`,
    href: recordPath('alert', d.id),
    tone: 'bad',
  }),
  'alert.acknowledged': (d) => ({ part: 'monitor', text: 'alert acknowledged', href: recordPath('alert', d.id) }),
  'alert.resolved': (d) => ({ part: 'monitor', text: 'alert resolved', href: recordPath('alert', d.id), tone: 'good' }),
  'action.started': (d) => ({
    part: 'monitor',
    text: `action started: ${d.kind}`,
    href: d.alert === undefined ? '/alerts' : recordPath('alert', d.alert),
    tone: 'waiting',
  }),
  'action.finished': (d) => ({
    part: 'monitor',
    text: `action ${d.kind} ${d.state}${after(d.outcome)}`,
    href: '/alerts',
    tone: d.state === 'failed' ? 'bad' : 'good',
  }),
  'pipeline_run.started': (d) => ({
    part: 'build',
    text: `pipeline ${d.pipeline} started: ${d.reason}`,
    href: recordPath('pipeline_run', d.id),
  }),
  'pipeline_run.finished': (d) => ({
    part: 'build',
    text: `pipeline ${d.pipeline} ${d.state}`,
    href: recordPath('pipeline_run', d.id),
    ...(d.state === 'failed' ? { tone: 'bad' } : {}),
  }),
  'ci_run.started': (d) => ({ part: 'build', text: `CI of ${commitWords(d)} began`, href: recordPath('ci_run', d.id) }),
  'ci_run.finished': (d) => ({
    part: 'build',
    text: `CI of ${commitWords(d)} ${d.state}`,
    href: recordPath('ci_run', d.id),
    tone: d.state === 'failed' ? 'bad' : 'good',
  }),
  'schedule.started': (d) => ({
    part: 'build',
    text: `${d.schedule} is ingested by its schedule${d.missed === 0 ? '' : `, for ${d.missed} missed runs as well`}`,
    href: recordPath('pipeline_run', d.pipelineRun),
    ...(d.missed === 0 ? {} : { tone: 'warn' }),
  }),
  'schedule.failed': (d) => ({ part: 'build', text: `the schedule of ${d.schedule} could not start its run: ${d.error}`, tone: 'bad' }),
  'schedule.paused': (d) => ({ part: 'build', text: `the schedule of ${d.schedule} is paused`, tone: 'waiting' }),
  'schedule.resumed': (d) => ({ part: 'build', text: `the schedule of ${d.schedule} goes on` }),
  'step_run.started': (d) => ({ part: 'build', text: `step ${d.step} started`, href: recordPath('pipeline_run', d.pipelineRun) }),
  'step_run.finished': (d) => ({
    part: 'build',
    text: `step ${d.step} ${d.state}${after(d.summary ?? '')}`,
    href: recordPath('pipeline_run', d.pipelineRun),
    ...(d.state === 'failed' ? { tone: 'bad' } : {}),
  }),
  'workspace_job.started': (d) => ({ part: 'build', text: `data files: ${d.verb} begun`, href: '/workspace' }),
  'workspace_job.finished': (d) => ({
    part: 'build',
    text: `data files: ${d.verb} ${d.state}${after(d.error ?? '')}`,
    href: '/workspace',
    ...(d.state === 'failed' ? { tone: 'bad' } : {}),
  }),
  'garbage_sweep.started': (d) => ({ part: 'govern', text: `garbage collection of ${d.what} begun` }),
  'garbage_sweep.finished': (d) => ({
    part: 'govern',
    text: `garbage collection ${d.state}: ${number(d.blobs, 0)} ${d.what === 'cache' ? 'objects' : 'blobs'} deleted, ${number(d.bytes, 0)} bytes`,
  }),
  'backup.made': (d) => ({
    part: 'govern',
    text: `backup made: ${number(d.blobs, 0)} blobs, ${number(d.bytes, 0)} bytes`,
    href: '/storage',
  }),
  'backup.verified': (d) => ({
    part: 'govern',
    text: d.damaged === 0 ? 'backup checked: every byte is right' : `backup checked: ${number(d.damaged, 0)} files are damaged`,
    href: '/storage',
    tone: d.damaged === 0 ? 'good' : 'bad',
  }),
  'backup.removed': () => ({ part: 'govern', text: 'backup removed', href: '/storage' }),
  'reproduction.finished': (d) => ({
    part: 'govern',
    text: `a model version was trained again: ${d.identical ? 'the same bytes' : 'other bytes'}`,
    href: recordPath('model_version', d.modelVersion),
    tone: d.identical ? 'good' : 'bad',
  }),
  'identity.created': (d) => ({ part: 'govern', text: `identity ${d.name} made with ${d.roles.join(', ')}`, href: '/access' }),
  'identity.disabled': () => ({ part: 'govern', text: 'identity disabled', href: '/access' }),
  'identity.password_set': () => ({ part: 'govern', text: 'password set', href: '/access' }),
  'identity.roles_set': (d) => ({ part: 'govern', text: `roles set to ${d.roles.join(', ')}`, href: '/access' }),
  'grant.given': (d) => ({ part: 'govern', text: `${d.level} granted on ${d.record}`, href: '/access' }),
  'grant.revoked': (d) => ({ part: 'govern', text: `a grant on ${d.record} revoked`, href: '/access' }),
  'team.created': (d) => ({ part: 'govern', text: `team ${d.name} made`, href: '/access' }),
  'team.changed': (d) => ({ part: 'govern', text: `team ${d.name} changed`, href: '/access' }),
  'team.deleted': (d) => ({ part: 'govern', text: `team ${d.name} deleted`, href: '/access' }),
  'team.granted': (d) => ({ part: 'govern', text: `${d.level} granted to team ${d.team} on ${d.record}`, href: '/access' }),
  'team.revoked': (d) => ({ part: 'govern', text: `a grant of team ${d.team} on ${d.record} revoked`, href: '/access' }),
  'team.joined': (d) => ({ part: 'govern', text: `somebody joined team ${d.team}`, href: '/access' }),
  'team.left': (d) => ({ part: 'govern', text: `somebody left team ${d.team}`, href: '/access' }),
  'token.issued': () => ({ part: 'govern', text: 'token issued', href: '/access' }),
  'token.revoked': () => ({ part: 'govern', text: 'token revoked', href: '/access' }),
  'session.started': (d) => ({ part: 'govern', text: `session started by ${d.how === 'password' ? 'password' : 'one-time link'}` }),
  'session.ended': () => ({ part: 'govern', text: 'session ended' }),
};

function isKnown(kind: string): kind is EventKind {
  return Object.hasOwn(words, kind);
}

/** What an event says, as a sentence with the page of its evidence. An event of a newer server is told by its kind. */
export function wordsOf(event: Pick<GyreEvent, 'type' | 'data'>): EventWords {
  const kind = kindOf(event.type);
  if (!isKnown(kind)) return { part: 'govern', text: sentence(kind.replaceAll(/[._]/g, ' ')) };
  // The server publishes each kind with its own data (contract `EventTypes`), which one lookup cannot show to the compiler.
  const say = words[kind] as (data: unknown) => EventWords;
  const said = say(event.data);
  return { ...said, text: sentence(said.text) };
}
