import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { GyreError, sha256 } from '#core';
import { signatureType } from '../signature.ts';
import type { Layout } from './layout.ts';
import { referenceOf, type Reference } from './reference.ts';
import { RegistryClient, type RegistryOptions } from './registry-client.ts';
import { indexType, manifestType, type Descriptor, type Index } from './words.ts';

export interface PushedImage {
  /** `HOST/REPOSITORY@sha256:…` */
  readonly image: string;
  readonly tag: string;
  readonly digest: string;
  /** Blobs that were sent, and those that were there. */
  readonly sent: number;
  readonly present: number;
  /** What says something of it and went along. */
  readonly referrers: number;
}

/** A larger blob is sent in parts of so many bytes. */
const partBytes = 16 * 1024 * 1024;
/** What clients and registries should bear of a manifest (distribution API 1.1, "Pushing Manifests"): more is not read. */
const largestManifestBytes = 4 * 1024 * 1024;

/**
 * Sends an image, its bill of materials and its signature to a registry. The tag comes last: whoever sees it finds all that it names. What is there is
 * not sent again, so that a push that was broken off goes on when it is said again.
 * @param image of the layout
 * @param to such as `registry.example.org/churn:3`
 * @throws GyreError as `RegistryClient.ask`; DATA_LOSS when a blob of the layout was changed, before it is sent
 */
export async function pushImage(layout: Layout, image: Descriptor, to: Reference, options: RegistryOptions): Promise<PushedImage> {
  const client = new RegistryClient(to, options);
  const counts = { sent: 0, present: 0 };
  const manifest = await layout.readManifest(image);
  for (const blob of [manifest.config, ...manifest.layers]) await pushBlob(client, layout, blob, counts);
  // By its digest: a registry wants the subject before what refers to it.
  await pushManifest(client, layout, image, image.digest);
  const referrers = await layout.referrers(image.digest);
  for (const one of referrers) {
    const { config, layers } = await layout.readManifest(one);
    for (const blob of [config, ...layers]) await pushBlob(client, layout, blob, counts);
    const knowsReferrers = await pushManifest(client, layout, one, one.digest);
    if (!knowsReferrers) await listReferrer(client, image.digest, one);
    // Where cosign and the tools of containers look for it.
    if (one.artifactType === signatureType) await pushManifest(client, layout, one, `${image.digest.replace(':', '-')}.sig`);
  }
  await pushManifest(client, layout, image, to.tag);
  return { image: `${to.name}@${image.digest}`, tag: to.tag, digest: image.digest, ...counts, referrers: referrers.length };
}

/**
 * Brings an image with what refers to it from a registry into a layout, where it can be verified.
 * @throws GyreError as `RegistryClient.ask`; DATA_LOSS when what came has another digest, or what is listed refers to another image; OUT_OF_RANGE for a
 *   manifest beyond 4 MiB
 */
export async function fetchImage(layout: Layout, text: string, options: RegistryOptions): Promise<Descriptor> {
  const from = referenceOf(text);
  const client = new RegistryClient(from, options);
  const image = await fetchManifest(client, layout, from.tag);
  for (const { digest } of await listedReferrers(client, image.digest)) {
    const fetched = await fetchManifest(client, layout, digest);
    const { artifactType, config, subject } = await layout.readManifest(fetched);
    if (subject?.digest !== image.digest)
      throw new GyreError('DATA_LOSS', `${client.reference.name} lists ${digest} as said of ${image.digest}, but it is of ${subject?.digest ?? 'no image'}`); // prettier-ignore
    // As it is, so that of several signatures each stays; without a type of its own it has that of its configuration.
    await layout.refer({ ...fetched, artifactType: artifactType ?? config.mediaType });
  }
  await layout.name(image, text);
  return image;
}

async function pushBlob(
  client: RegistryClient,
  layout: Layout,
  blob: Descriptor,
  counts: { sent: number; present: number },
): Promise<void> {
  const known = await client.ask({ method: 'HEAD', path: `blobs/${blob.digest}`, expected: [200, 404] });
  if (known.status === 200) {
    counts.present += 1;
    return;
  }
  await layout.verify(blob);
  let location = client.locationOf(
    await client.ask({ method: 'POST', path: 'blobs/uploads/', headers: { 'content-length': '0' }, expected: [202] }),
  );
  const octets = { 'content-type': 'application/octet-stream' };
  const file = layout.pathOf(blob.digest);
  let last = new Uint8Array();
  if (blob.size <= partBytes) last = await wholeFile(file);
  else
    for await (const { part, start } of partsOf(file)) {
      const headers = { ...octets, 'content-range': `${start}-${start + part.length - 1}` };
      location = client.locationOf(await client.ask({ method: 'PATCH', path: location, headers, body: part, expected: [202] }));
    }
  location.searchParams.set('digest', blob.digest);
  await client.ask({ method: 'PUT', path: location, headers: octets, body: last, expected: [201] });
  counts.sent += 1;
}

/** @returns whether the registry lists by itself what refers to an image */
async function pushManifest(client: RegistryClient, layout: Layout, manifest: Descriptor, name: string): Promise<boolean> {
  const body = Uint8Array.from(await layout.read(manifest));
  const response = await client.ask({
    method: 'PUT',
    path: `manifests/${name}`,
    headers: { 'content-type': manifest.mediaType },
    body,
    expected: [201],
  });
  const found = response.headers.get('docker-content-digest');
  if (found !== null && found !== manifest.digest)
    throw new GyreError('DATA_LOSS', `${client.reference.name} stored ${name} as ${found}, not as ${manifest.digest}`);
  return response.headers.has('oci-subject');
}

/** The tag at which a registry that does not list referrers by itself has their list (distribution API 1.1, "Referrers Tag Schema"). */
const referrersTag = (digest: string): string => digest.replace(':', '-');

async function listReferrer(client: RegistryClient, subject: string, referrer: Descriptor): Promise<void> {
  const others = (await referrersByTag(client, subject)).filter(({ digest }) => digest !== referrer.digest);
  const { mediaType, digest, size, artifactType } = referrer;
  const index: Index = {
    schemaVersion: 2,
    mediaType: indexType,
    manifests: [...others, { mediaType, digest, size, ...(artifactType === undefined ? {} : { artifactType }) }],
  };
  const body = Uint8Array.from(Buffer.from(JSON.stringify(index)));
  await client.ask({
    method: 'PUT',
    path: `manifests/${referrersTag(subject)}`,
    headers: { 'content-type': indexType },
    body,
    expected: [201],
  });
}

async function referrersByTag(client: RegistryClient, subject: string): Promise<readonly Descriptor[]> {
  const path = `manifests/${referrersTag(subject)}`;
  const response = await client.ask({ method: 'GET', path, headers: { accept: indexType }, expected: [200, 404] });
  return response.status === 404 ? [] : listed(client, response);
}

async function listedReferrers(client: RegistryClient, subject: string): Promise<readonly Descriptor[]> {
  const response = await client.ask({ method: 'GET', path: `referrers/${subject}`, headers: { accept: indexType }, expected: [200, 404] });
  if (response.status === 404) return referrersByTag(client, subject);
  return listed(client, response);
}

async function listed(client: RegistryClient, response: Response): Promise<readonly Descriptor[]> {
  const text = (await wholeOf(client, response, 'a list of referrers')).toString('utf8');
  try {
    return (JSON.parse(text) as Partial<Index>).manifests ?? [];
  } catch (error) {
    throw new GyreError('DATA_LOSS', `${client.reference.name} answers a list of referrers that is no JSON`, {}, { cause: error });
  }
}

/** The body of an answer that is small by its nature. @throws GyreError OUT_OF_RANGE beyond 4 MiB */
export async function wholeOf(client: RegistryClient, response: Response, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of client.bytesOf(response)) {
    length += chunk.length;
    if (length > largestManifestBytes)
      throw new GyreError('OUT_OF_RANGE', `${client.reference.name}: ${what} is larger than ${largestManifestBytes / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function fetchManifest(client: RegistryClient, layout: Layout, name: string): Promise<Descriptor> {
  const response = await client.ask({ method: 'GET', path: `manifests/${name}`, headers: { accept: manifestType }, expected: [200] });
  const bytes = await wholeOf(client, response, `the manifest ${name}`);
  const digest = `sha256:${sha256(bytes)}`;
  if (name.startsWith('sha256:') && name !== digest)
    throw new GyreError('DATA_LOSS', `${client.reference.name} gave ${digest} for ${name}`);
  const stored = await layout.put(manifestType, bytes);
  const manifest = await layout.readManifest(stored);
  if (manifest.mediaType !== manifestType)
    throw new GyreError('FAILED_PRECONDITION', `${client.reference.name}: ${name} is no image of one platform, but ${manifest.mediaType}`);
  for (const blob of [manifest.config, ...manifest.layers]) {
    const answer = await client.ask({ method: 'GET', path: `blobs/${blob.digest}`, expected: [200] });
    await layout.receive(blob, client.bytesOf(answer), client.reference.name);
  }
  return stored;
}

async function wholeFile(file: string): Promise<Uint8Array<ArrayBuffer>> {
  return Uint8Array.from(await readFile(file));
}

async function* partsOf(file: string): AsyncGenerator<{ readonly part: Uint8Array<ArrayBuffer>; readonly start: number }> {
  let start = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: partBytes })) {
    const part = Uint8Array.from(chunk as Buffer);
    yield { part, start };
    start += part.length;
  }
}
