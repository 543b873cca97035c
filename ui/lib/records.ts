import type { ModelVersion, RecordLink } from '#contract';

/** Kinds of records that have a page. */
export type RecordKind =
  | RecordLink['kind']
  | 'prediction'
  | 'study'
  | 'transform'
  | 'charter'
  | 'certification'
  | 'approval'
  | 'experiment'
  | 'environment'
  | 'model'
  | 'logged_model'
  | 'view'
  | 'report'
  | 'batch_prediction'
  | 'stream_prediction'
  | 'rollout'
  | 'ci_run'
  | 'identity';

const pages: Readonly<Record<RecordKind, (id: string) => string>> = {
  dataset_version: (id) => `/data/${id}`,
  split: (id) => `/splits/${id}`,
  pipeline_run: (id) => `/pipelines/${id}`,
  run: (id) => `/runs/${id}`,
  test_report: (id) => `/test-reports/${id}`,
  model_version: (id) => `/versions/${id}`,
  application_test: (id) => `/certification/${id}`,
  deployment: (id) => `/releases?deployment=${id}`,
  window: (id) => `/monitor/${id}`,
  alert: (id) => `/alerts/${id}`,
  action: (id) => `/alerts?action=${id}`,
  prediction: (id) => `/predictions/${id}`,
  study: (id) => `/studies/${id}`,
  transform: (id) => `/transforms/${id}`,
  charter: (id) => `/charter?version=${id}`,
  certification: (id) => `/certification?certification=${id}`,
  approval: (id) => `/certification?approval=${id}`,
  experiment: (id) => `/experiments/${id}`,
  environment: () => '/environments',
  model: (id) => `/models/${id}`,
  view: (id) => `/views/${id}`,
  report: (id) => `/reports/${id}`,
  logged_model: (id) => `/logged-models/${id}`,
  batch_prediction: (id) => `/batch?prediction=${id}`,
  stream_prediction: (id) => `/stream-predictions?prediction=${id}`,
  ci_run: (id) => `/ci/${id}`,
  rollout: (id) => `/rollouts/${id}`,
  identity: (id) => `/access?identity=${id}`,
};

/** The one address of a record. */
export function recordPath(kind: RecordKind, id: string): string {
  return pages[kind](encodeURIComponent(id));
}

/** The page of a dataset with all its versions. */
export function datasetPath(name: string): string {
  return `/datasets/${encodeURIComponent(name)}`;
}

export function linkPath(link: RecordLink): string {
  return link.kind === 'model_version' && link.path !== undefined ? `/models/${link.path}` : recordPath(link.kind, link.id);
}

export function versionPath(version: Pick<ModelVersion, 'model' | 'version'>): string {
  return `/models/${encodeURIComponent(version.model)}/${version.version}`;
}

export function isRecordKind(kind: string): kind is RecordKind {
  return Object.hasOwn(pages, kind);
}
