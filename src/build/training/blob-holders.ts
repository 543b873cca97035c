import type { BlobHolder } from '#blobs';

/** Where this room's records refer to blobs. */
export const trainingBlobHolders: readonly BlobHolder[] = [
  { table: 'runs', key: ['id'], columns: ['inputs', 'code', 'environment'], record: 'run' },
  { table: 'artifacts', key: ['folder', 'name'], columns: ['digest'], record: 'artifact' },
  { table: 'artifact_upload_parts', key: ['upload', 'part'], columns: ['digest'], record: 'part of upload' },
  { table: 'parameters', key: ['run', 'key'], columns: ['value'], record: 'parameter of run' },
  { table: 'tags', key: ['run', 'key'], columns: ['value'], record: 'tag of run' },
  { table: 'experiment_tags', key: ['experiment', 'key'], columns: ['value'], record: 'tag of experiment' },
  { table: 'tracked_datasets', key: ['id'], columns: ['digest', 'source', 'profile'], record: 'dataset of a run' },
  { table: 'logged_model_parameters', key: ['model', 'key'], columns: ['value'], record: 'parameter of logged model' },
  { table: 'logged_model_tags', key: ['model', 'key'], columns: ['value'], record: 'tag of logged model' },
  { table: 'report_versions', key: ['report', 'version'], columns: ['text'], record: 'report' },
  { table: 'studies', key: ['id'], columns: ['record'], record: 'study' },
];
