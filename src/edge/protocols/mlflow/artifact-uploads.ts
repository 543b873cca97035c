import { GyreError } from '#core';
import { safePath } from './artifact-answers.ts';
import { bounded } from './artifact-proxy.ts';
import { requireNoVersion } from './artifact-versions.ts';
import { exchange, jsonAnswer } from './exchange.ts';
import { integer, list, nested, required, text } from './message.ts';
import type { MlflowCall, MlflowOptions, MlflowRoute } from './port.ts';

const base = '/2.0/mlflow-artifacts/mpu';
const keyHeader = 'x-gyre-upload-key';

/**
 * Files in parts (mlflow/protos/mlflow_artifacts.proto). Clients ask where each part goes, send the parts at the same time, without their
 * credentials but with the headers that they were given, and then say what answered each.
 */
export function artifactUploadRoutes({ training, artifactLimitBytes }: MlflowOptions): readonly MlflowRoute[] {
  const { uploads } = training.artifacts;
  return [
    exchange({
      method: 'POST',
      path: `${base}/create/*`,
      permission: 'log',
      request: { path: required(text), num_parts: integer },
      run: async ({ path, num_parts = 1 }, call) => {
        const upload = await uploads.begin({ path: targetOf(call, path), parts: num_parts });
        return {
          upload_id: upload.id,
          credentials: Array.from({ length: num_parts }, (_, at) => ({
            url: `${call.address}/api${base}/parts/${upload.id}/${at + 1}`,
            part_number: at + 1,
            headers: { [keyHeader]: upload.key },
          })),
        };
      },
    }),
    {
      method: 'PUT',
      path: `${base}/parts/:upload/:part`,
      // The upload's key is asked for instead: it lets in parts of this upload and nothing else.
      permission: 'public',
      handle: async (call) => {
        const { upload, part } = call.params;
        const key = call.headers[keyHeader];
        if (typeof key !== 'string')
          throw new GyreError('UNAUTHENTICATED', `the header ${keyHeader} is needed, as the upload was given it`);
        const digest = await uploads.putPart({ id: upload, key }, Number(part), bounded(call, artifactLimitBytes));
        return { ...jsonAnswer({}), headers: { ...jsonAnswer({}).headers, etag: `"${digest}"` } };
      },
    },
    exchange({
      method: 'POST',
      path: `${base}/complete/*`,
      permission: 'log',
      request: {
        path: required(text),
        upload_id: required(text),
        parts: list(required(nested({ part_number: required(integer), etag: required(text) }))),
      },
      run: async ({ path, upload_id, parts }, call) => {
        await uploads.complete(
          { id: upload_id, path: targetOf(call, path) },
          parts.map(({ part_number, etag }) => ({ part: part_number, digest: etag.replaceAll('"', '') })),
        );
        return undefined;
      },
    }),
    exchange({
      method: 'POST',
      path: `${base}/abort/*`,
      permission: 'log',
      request: { path: required(text), upload_id: required(text) },
      run: async ({ path, upload_id }, call) => {
        await uploads.abort({ id: upload_id, path: targetOf(call, path) });
        return undefined;
      },
    }),
  ];
}

/** Where the file will stand: below the address's folder, under the name of the client's own file, which may be named by its whole path. */
function targetOf({ params }: MlflowCall, localFile: string): string {
  const name = localFile.slice(Math.max(localFile.lastIndexOf('/'), localFile.lastIndexOf('\\')) + 1);
  const folder = params['*'];
  return requireNoVersion(safePath(folder === '' ? name : `${folder}/${name}`));
}
