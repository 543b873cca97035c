import type { RecordAction } from '#access';
import type { Touch, Values } from './authorize.ts';

/*
 * What a request's members say about the records that it is about. Members were read already, or come from the address: they may be of any type.
 */

export type Touches = (values: Values) => readonly Touch[];

/** The first member that holds a text. */
export function textOf(values: Values, ...names: readonly string[]): string {
  const found = names.map((name) => values[name]).find((value) => typeof value === 'string' && value !== '');
  return typeof found === 'string' ? found : '';
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);
const isRecord = (value: unknown): value is Values => typeof value === 'object' && value !== null;

export const onExperiment =
  (action: RecordAction): Touches =>
  (values) => [{ action, on: { kind: 'experiment', id: textOf(values, 'experiment_id') } }];

export const onExperimentNamed =
  (action: RecordAction): Touches =>
  (values) => [{ action, on: { kind: 'experiment_named', id: textOf(values, 'experiment_name') } }];

export const onRun =
  (action: RecordAction): Touches =>
  (values) => [{ action, on: { kind: 'run', id: textOf(values, 'run_id', 'run_uuid') } }];

/** A run, and the logged models to which its metrics, inputs and outputs are written along with it. */
export const onRunAndModels: Touches = (values) => {
  const items = [values, ...listOf(values['metrics']), ...listOf(values['models'])].filter(isRecord);
  const models = new Set(items.map((item) => textOf(item, 'model_id')).filter((id) => id !== ''));
  return [...onRun('update')(values), ...[...models].map((id): Touch => ({ action: 'update', on: { kind: 'logged_model', id } }))];
};

export const onRuns =
  (action: RecordAction): Touches =>
  (values) =>
    listOf(values['run_ids'] ?? values['run_id']).map((id) => ({ action, on: { kind: 'run', id: String(id) } }));

export const onLoggedModel =
  (action: RecordAction): Touches =>
  (values) => [{ action, on: { kind: 'logged_model', id: textOf(values, 'model_id') } }];

export const onModel =
  (action: RecordAction): Touches =>
  (values) => [{ action, on: { kind: 'registered_model', id: textOf(values, 'name') } }];

/** A new version, and where its files come from: they can be read through the version from then on. */
export const onNewVersion: Touches = (values) => {
  const source = textOf(values, 'source');
  const run = textOf(values, 'run_id') || match(source, /^runs:\/+([^/]+)/);
  const loggedModel = textOf(values, 'model_id') || match(source, /^models:\/+(m-[^/@]+)\/*$/);
  const model = loggedModel === '' ? decoded(match(source, /^models:\/+([^/@]+)[/@]/)) : '';
  const path = match(source, /^mlflow-artifacts:\/+(?:[^/]*:\d+\/+)?(.+)$/);
  const sources: readonly Touch['on'][] = [
    { kind: 'run', id: run },
    { kind: 'logged_model', id: loggedModel },
    { kind: 'registered_model', id: model },
    { kind: 'experiment', id: experimentOfPath(path) },
  ];
  return [...onModel('update')(values), ...sources.filter(({ id }) => id !== '').map((on): Touch => ({ action: 'read', on }))];
};

/** Artifacts that go through the server lie below the id of their experiment, the files of versions below that of the version. */
export const onArtifact =
  (action: RecordAction): Touches =>
  (values) => {
    const path = textOf(values, '*', 'artifact_path', 'path');
    const version = match(path, /^\/*model-versions\/([^/]+)/);
    return [{ action, on: version === '' ? { kind: 'experiment', id: experimentOfPath(path) } : { kind: 'model_version', id: version } }];
  };

function experimentOfPath(path: string): string {
  return path.replace(/^\/+/, '').split('/', 1)[0];
}

function match(text: string, pattern: RegExp): string {
  return pattern.exec(text)?.[1] ?? '';
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
