import { GyreError } from '#core';
import type { ArtifactTree } from '#training';
import { answerFile, filesOfFolder, safePath } from './artifact-answers.ts';
import { answerVersionFile, listVersionFiles, requireNoVersion, versionPathOf } from './artifact-versions.ts';
import { jsonAnswer } from './exchange.ts';
import type { MlflowCall, MlflowOptions, MlflowRoute } from './port.ts';

const root = '/2.0/mlflow-artifacts/artifacts';

/** The tree of artifacts as clients reach it below `mlflow-artifacts:/` (mlflow/protos/mlflow_artifacts.proto). */
export function artifactProxyRoutes({ training, registry, artifactLimitBytes }: MlflowOptions): readonly MlflowRoute[] {
  const tree = training.artifacts;
  return [
    {
      method: 'GET',
      path: root,
      permission: 'read',
      handle: async ({ query }) => {
        const given = query.get('path') ?? '';
        const path = given === '' ? '' : safePath(given);
        const ofVersion = versionPathOf(path);
        return jsonAnswer({
          files: ofVersion === undefined ? await filesOfFolder(tree, path, '') : await listVersionFiles(registry, ofVersion),
        });
      },
    },
    {
      method: 'GET',
      path: `${root}/*`,
      permission: 'read',
      givesFile: true,
      handle: async (call) => {
        // An address that ends in a slash means the folder.
        const path = call.params['*'];
        if (path === '') return jsonAnswer({ files: await filesOfFolder(tree, '', '') });
        const ofVersion = versionPathOf(safePath(path));
        return ofVersion === undefined ? answerFile(tree, path, call) : answerVersionFile(registry, ofVersion, call);
      },
    },
    {
      method: 'PUT',
      path: `${root}/*`,
      permission: 'log',
      handle: async (call) => {
        await putFile(tree, requireNoVersion(safePath(call.params['*'])), call, artifactLimitBytes);
        return jsonAnswer({});
      },
    },
    {
      method: 'DELETE',
      path: `${root}/*`,
      permission: 'log',
      handle: async ({ params }) => {
        await tree.delete(requireNoVersion(safePath(params['*'])));
        return jsonAnswer({});
      },
    },
    {
      method: 'GET',
      path: '/2.0/mlflow-artifacts/presigned/*',
      permission: 'read',
      handle: async () => {
        throw new GyreError(
          'UNIMPLEMENTED',
          'there is no storage beside this server to load from: ask for the artifact itself, also by ranges',
        );
      },
    },
  ];
}

/**
 * Stores a request's body as it comes; one that ends early leaves nothing.
 * @throws GyreError OUT_OF_RANGE (413)
 */
export async function putFile(
  tree: ArtifactTree,
  path: string,
  call: Pick<MlflowCall, 'headers' | 'body'>,
  limitBytes: number,
): Promise<void> {
  await tree.put(path, bounded(call, limitBytes));
}

/** A body that may have so many bytes. Who says how long it is hears it before anything is read. */
export function bounded({ headers, body }: Pick<MlflowCall, 'headers' | 'body'>, limitBytes: number): AsyncIterable<Uint8Array> {
  if (Number(headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes);
  return counted(body, limitBytes);
}

async function* counted(body: AsyncIterable<Uint8Array>, limitBytes: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limitBytes) throw tooLarge(limitBytes);
    yield chunk;
  }
}

function tooLarge(limitBytes: number): GyreError {
  return new GyreError('OUT_OF_RANGE', `an artifact has at most ${limitBytes} bytes here: GYRE_ARTIFACT_MIB sets another limit`, {
    status: 413,
  });
}
