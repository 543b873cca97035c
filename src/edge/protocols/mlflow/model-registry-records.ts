import type { ModelVersion, RegisteredModel } from '#contract';
import { publicRunId } from '#training';

/* Models and versions as the protocol says them (mlflow/protos/model_registry.proto, as protobuf's JSON). */

const tagRecords = (tags: Readonly<Record<string, string>>): object[] => Object.entries(tags).map(([key, value]) => ({ key, value }));

/** @param newest the newest version of each of its stages */
export function modelRecord(model: RegisteredModel, newest: readonly ModelVersion[]): object {
  const aliases = Object.entries(model.aliases);
  return {
    name: model.name,
    creation_timestamp: Date.parse(model.createdAt),
    last_updated_timestamp: Date.parse(model.updatedAt),
    description: model.description,
    ...(newest.length === 0 ? {} : { latest_versions: newest.map(versionRecord) }),
    ...(Object.keys(model.tags).length === 0 ? {} : { tags: tagRecords(model.tags) }),
    ...(aliases.length === 0 ? {} : { aliases: aliases.map(([alias, version]) => ({ alias, version: String(version) })) }),
  };
}

export function versionRecord(version: ModelVersion): object {
  return {
    name: version.model,
    version: String(version.version),
    creation_timestamp: Date.parse(version.createdAt),
    last_updated_timestamp: Date.parse(version.updatedAt),
    user_id: version.createdBy.name,
    current_stage: version.stage,
    description: version.description,
    source: version.source,
    run_id: version.run === undefined ? '' : publicRunId(version.run),
    status: 'READY',
    ...(Object.keys(version.tags).length === 0 ? {} : { tags: tagRecords(version.tags) }),
    run_link: version.runLink ?? '',
    ...(version.aliases.length === 0 ? {} : { aliases: version.aliases }),
    ...(version.loggedModel === undefined ? {} : { model_id: version.loggedModel }),
  };
}
