import { GyreError, sha256 } from '#core';
import { referenceOf } from './reference.ts';
import { RegistryClient, type RegistryOptions } from './registry-client.ts';
import { wholeOf } from './transfer.ts';
import { indexType, manifestType, type ImageConfig, type Index, type Manifest } from './words.ts';

export interface InspectedImage {
  /** `HOST/REPOSITORY@sha256:…`, whatever tag it was asked by. */
  readonly image: string;
  /** What was said of it when it was made; of an image for several platforms those of the first. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Asks a registry which image a name stands for now, without fetching its layers. What is read is compared with its digest.
 * @param text such as `registry.example.org/churn:3`
 * @throws GyreError as `RegistryClient.ask`; INVALID_ARGUMENT; DATA_LOSS when what came has another digest
 */
export async function inspectImage(text: string, options: RegistryOptions): Promise<InspectedImage> {
  const reference = referenceOf(text);
  const client = new RegistryClient(reference, options);
  const asked = await read<Manifest | Index>(client, `manifests/${reference.tag}`, reference.tag);
  const platform = 'manifests' in asked.value ? asked.value.manifests.at(0) : undefined;
  if ('manifests' in asked.value && platform === undefined)
    throw new GyreError('FAILED_PRECONDITION', `${text} is an index of no image`, { image: text });
  const { config } = platform === undefined ? (asked.value as Manifest) : (await read<Manifest>(client, `manifests/${platform.digest}`, platform.digest)).value; // prettier-ignore
  const { value } = await read<ImageConfig>(client, `blobs/${config.digest}`, config.digest);
  return { image: `${reference.name}@${asked.digest}`, labels: value.config?.Labels ?? {} };
}

async function read<T>(client: RegistryClient, path: string, named: string): Promise<{ readonly value: T; readonly digest: string }> {
  const response = await client.ask({ method: 'GET', path, headers: { accept: `${manifestType}, ${indexType}` }, expected: [200] });
  const bytes = await wholeOf(client, response, named);
  const digest = `sha256:${sha256(bytes)}`;
  if (named.startsWith('sha256:') && named !== digest)
    throw new GyreError('DATA_LOSS', `${client.reference.name} gave ${digest} for ${named}`);
  try {
    return { value: JSON.parse(bytes.toString('utf8')) as T, digest };
  } catch (error) {
    throw new GyreError('DATA_LOSS', `${client.reference.name}: ${named} is no JSON`, {}, { cause: error });
  }
}
