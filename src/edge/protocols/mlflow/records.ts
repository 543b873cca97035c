import { artifactRootOf, publicRunId } from '#training';
import type { DatasetInput, KeyValue, Point, TrackedExperiment, TrackedRun, TrackedRunInfo } from '#training';

/*
 * Records as the protocol says them (mlflow/protos/service.proto, as protobuf's JSON; numbers of 64 bits as numbers, as MLflow's server does).
 */

export function experimentRecord(experiment: TrackedExperiment): object {
  return {
    experiment_id: experiment.id,
    name: experiment.name,
    artifact_location: artifactRootOf(experiment),
    lifecycle_stage: experiment.lifecycle,
    last_update_time: experiment.updatedAt,
    creation_time: experiment.createdAt,
    ...(experiment.tags.length === 0 ? {} : { tags: experiment.tags.map(keyValue) }),
  };
}

export function runInfoRecord(run: TrackedRunInfo): object {
  const id = publicRunId(run.id);
  const root = artifactRootOf({
    id: run.experiment,
    ...(run.artifactLocation === undefined ? {} : { artifactLocation: run.artifactLocation }),
  });
  return {
    run_uuid: id,
    experiment_id: run.experiment,
    run_name: run.name,
    user_id: run.user,
    status: run.status,
    start_time: run.startedAt,
    ...(run.endedAt === undefined ? {} : { end_time: run.endedAt }),
    artifact_uri: `${root.replace(/\/+$/, '')}/${id}/artifacts`,
    lifecycle_stage: run.lifecycle,
    run_id: id,
  };
}

export function runRecord(run: TrackedRun): object {
  const used = run.models.filter(({ role }) => role === 'input');
  const made = run.models.filter(({ role }) => role === 'output');
  return {
    info: runInfoRecord(run),
    data: {
      ...(run.metrics.length === 0 ? {} : { metrics: run.metrics.map(metricRecord) }),
      ...(run.parameters.length === 0 ? {} : { params: run.parameters.map(keyValue) }),
      ...(run.tags.length === 0 ? {} : { tags: run.tags.map(keyValue) }),
    },
    inputs: {
      ...(run.datasets.length === 0 ? {} : { dataset_inputs: run.datasets.map(datasetInputRecord) }),
      ...(used.length === 0 ? {} : { model_inputs: used.map(({ model }) => ({ model_id: model })) }),
    },
    outputs: made.length === 0 ? {} : { model_outputs: made.map(({ model, step }) => ({ model_id: model, step })) },
  };
}

export function metricRecord({ key, value, timestamp, step }: Point): object {
  return { key, value: numberRecord(value), timestamp, step };
}

/** A number as protobuf's JSON says it. */
export function numberRecord(value: number): number | string {
  return Number.isFinite(value) ? value : Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

function datasetInputRecord({ dataset, tags }: DatasetInput): object {
  return {
    tags: tags.map(keyValue),
    dataset: {
      name: dataset.name,
      digest: dataset.digest,
      source_type: dataset.sourceType,
      source: dataset.source,
      ...(dataset.schema === undefined ? {} : { schema: dataset.schema }),
      ...(dataset.profile === undefined ? {} : { profile: dataset.profile }),
    },
  };
}

function keyValue({ key, value }: KeyValue): KeyValue {
  return { key, value };
}
