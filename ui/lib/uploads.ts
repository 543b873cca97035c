import { ApiError } from './api.ts';

/** A file of this machine, and the path that it shall have in a package. */
export interface ChosenFile {
  readonly path: string;
  readonly file: File;
}

/**
 * The files that somebody chose: those of a folder by their paths below it. A single ONNX graph is called `model.onnx`, as
 * `gyre model add` calls it.
 */
export function chosenFiles(files: readonly File[]): readonly ChosenFile[] {
  const chosen = files.map((file) => ({ file, path: file.webkitRelativePath.split('/').slice(1).join('/') || file.name }));
  const graphs = chosen.filter(({ path }) => path.endsWith('.onnx'));
  return graphs.length === 1 ? chosen.map((one) => (one === graphs[0] ? { ...one, path: 'model.onnx' } : one)) : chosen;
}

/** The path that two files would have in a package; undefined where each has its own. */
export function pathTwice(files: readonly ChosenFile[]): string | undefined {
  return files.find(({ path }, at) => files.findIndex((one) => one.path === path) !== at)?.path;
}

const artifacts = '/api/2.0/mlflow-artifacts/artifacts';

/**
 * Brings files to the server, and does something with them there. What came of it keeps its files; the uploaded ones go.
 * @param use told the address that they are at, for as long as it takes
 * @param onFile told how many have arrived
 * @throws ApiError
 */
export async function withUploads<T>(
  files: readonly ChosenFile[],
  use: (source: string) => Promise<T>,
  onFile: (arrived: number) => void,
): Promise<T> {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const folder = `model-uploads/${Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  try {
    for (const [at, { path, file }] of files.entries()) {
      await transfer('PUT', `${artifacts}/${folder}/${path.split('/').map(encodeURIComponent).join('/')}`, file);
      onFile(at + 1);
    }
    return await use(`mlflow-artifacts:/${folder}`);
  } finally {
    await transfer('DELETE', `${artifacts}/${folder}`).catch((error: unknown) => {
      // Left-over files go with the next garbage collection; what was done with them holds.
      if (!(error instanceof ApiError)) throw error;
    });
  }
}

async function transfer(method: 'PUT' | 'DELETE', address: string, body?: Blob): Promise<void> {
  let response: Response;
  try {
    response = await fetch(address, { method, ...(body === undefined ? {} : { body }) });
  } catch (cause) {
    throw new ApiError('The file did not arrive: the server does not answer, or the file cannot be read.', {
      status: 0,
      code: 'UNAVAILABLE',
      cause,
    });
  }
  if (response.ok) return;
  const said: unknown = await response.json().catch(() => undefined);
  const message =
    typeof said === 'object' && said !== null && 'message' in said && typeof said.message === 'string'
      ? said.message
      : `The server answered ${response.status} ${response.statusText}`;
  throw new ApiError(message, { status: response.status, code: 'UNKNOWN' });
}
