import { GyreError } from '#core';
import { modelArtifactsOf, ownPathOf } from '#training';
import type { LoggedModel } from '#training';
import { answerFile, filesOfFolder, safePath } from './artifact-answers.ts';
import { putFile } from './artifact-proxy.ts';
import { answerVersionFile } from './artifact-versions.ts';
import { exchange, jsonAnswer } from './exchange.ts';
import { required, text } from './message.ts';
import type { MlflowOptions, MlflowRoute } from './port.ts';

/** What MLflow's server takes of its own page at once. */
const uploadedBytes = 10 * 1024 * 1024;

/** The files of runs, logged models and registered versions, named by what they belong to and their path. */
export function artifactRunRoutes({ training, registry }: MlflowOptions): readonly MlflowRoute[] {
  const tree = training.artifacts;
  return [
    exchange({
      method: 'GET',
      path: '/2.0/mlflow/artifacts/list',
      permission: 'read',
      request: { run_id: required(text), path: text, page_token: text },
      renamed: { run_uuid: 'run_id' },
      run: async ({ run_id, path = '' }) => {
        const below = path === '' ? '' : safePath(path);
        const folder = await training.artifactFolder(run_id);
        const files = await filesOfFolder(tree, joined(folder, below), below);
        return { root_uri: await training.artifactAddress(run_id), files };
      },
    }),
    {
      method: 'GET',
      path: '/get-artifact',
      permission: 'read',
      givesFile: true,
      handle: async (call) => {
        const path = safePath(wanted(call.query, 'path'));
        const run = call.query.get('run_id') ?? wanted(call.query, 'run_uuid');
        return answerFile(tree, `${await training.artifactFolder(run)}/${path}`, call);
      },
    },
    {
      method: 'POST',
      path: '/2.0/mlflow/upload-artifact',
      permission: 'log',
      handle: async (call) => {
        const run = wanted(call.query, 'run_uuid');
        const path = safePath(wanted(call.query, 'path'));
        if (Number(call.headers['content-length'] ?? 0) === 0 && call.headers['transfer-encoding'] === undefined)
          throw new GyreError('INVALID_ARGUMENT', 'Request must specify data.');
        await putFile(tree, `${await training.artifactFolder(run)}/${path}`, call, uploadedBytes);
        return jsonAnswer({});
      },
    },
    exchange({
      method: 'GET',
      path: '/2.0/mlflow/logged-models/:model_id/artifacts/directories',
      permission: 'read',
      request: { model_id: required(text), artifact_directory_path: text, page_token: text },
      run: async ({ model_id, artifact_directory_path: path = '' }) => {
        const below = path === '' ? '' : safePath(path);
        const model = await training.loggedModels.get(model_id);
        return { root_uri: modelArtifactsOf(model), files: await filesOfFolder(tree, joined(modelFolder(model), below), below) };
      },
    }),
    {
      method: 'GET',
      path: '/2.0/mlflow/logged-models/:model_id/artifacts/files',
      permission: 'read',
      givesFile: true,
      handle: async (call) => {
        const given = call.query.get('artifact_file_path') ?? '';
        if (given === '') throw new GyreError('OUT_OF_RANGE', 'Request must include the "artifact_file_path" query parameter.');
        const path = safePath(given);
        const model = await training.loggedModels.get(call.params.model_id);
        return answerFile(tree, joined(modelFolder(model), path), call);
      },
    },
    {
      method: 'GET',
      path: '/model-versions/get-artifact',
      permission: 'read',
      givesFile: true,
      handle: async (call) => {
        const path = safePath(wanted(call.query, 'path'));
        const number = Number(wanted(call.query, 'version'));
        const version = await registry.get(wanted(call.query, 'name'), number);
        if (version.package !== undefined) return answerVersionFile(registry, { version: version.id, path }, call);
        const address = await registry.location(version);
        return answerFile(tree, joined(keptAt(address), path), call);
      },
    },
  ];
}

function wanted(query: URLSearchParams, name: string): string {
  const value = query.get(name) ?? '';
  if (value !== '') return value;
  throw new GyreError('INVALID_ARGUMENT', `Request must specify ${name}.`, { parameter: name });
}

function joined(folder: string, path: string): string {
  return folder === '' ? path : path === '' ? folder : `${folder}/${path}`;
}

const modelFolder = (model: LoggedModel): string => keptAt(modelArtifactsOf(model));

/** Where in the tree an address leads. @throws GyreError FAILED_PRECONDITION for one of another storage */
function keptAt(address: string): string {
  const folder = ownPathOf(address);
  if (folder !== undefined) return folder;
  throw new GyreError('FAILED_PRECONDITION', `the artifacts are at ${address}, which is not read from here`, { address });
}
