import { allowedHosts } from '#blobs';
import type { AllowedHosts } from '#blobs';
import type { ReleaseManifest } from '#contract';
import { GyreError, systemClock } from '#core';
import { blobSource, isLoopback, localModels, readLocalRoute, readManifest, readPublicKey } from '#serving';
import type { PackageSource } from '#serving';
import { openBlobs } from './blobs.ts';
import type { OpenedBlobs } from './blobs.ts';
import type { ContainedOptions, InferenceOptions } from './inference-options.ts';
import { requireNoPolicy, withPolicy } from './policy-flags.ts';

/** What is served, and where its packages are read from. */
export interface OpenedManifest {
  readonly source: PackageSource;
  readonly first: ReleaseManifest;
  readonly readAgain: (file: string | undefined) => Promise<ReleaseManifest>;
  readonly opened?: OpenedBlobs;
}

/** Where events may go: an operator who names an address allows its host. */
export function eventHostsOf({ logEvents, eventHosts = 'public' }: InferenceOptions): AllowedHosts {
  const named = logEvents === undefined ? null : URL.parse(logEvents);
  return allowedHosts(named === null ? eventHosts : named.host, '--event-hosts (GYRE_EVENT_HOSTS)', 'events may go there');
}

export function withEvents({ logEvents, logEventsMode }: InferenceOptions, manifest: ReleaseManifest): ReleaseManifest {
  if (logEvents === undefined) return manifest;
  const { events, ...log } = manifest.log;
  const mode = logEventsMode === undefined ? {} : { mode: logEventsMode };
  return { ...manifest, log: { ...log, events: { ...events, url: logEvents, ...mode } } };
}

/**
 * Where packages are read from by a thread that is told what to serve.
 * @throws GyreError when the place cannot be read
 */
export async function openSource(options: ContainedOptions): Promise<Pick<OpenedManifest, 'source' | 'opened'>> {
  const { model } = options;
  if (model !== undefined) return { source: (await localModels(model, systemClock)).source };
  const opened = await openPlace(options);
  return { source: blobSource(opened.blobs), opened };
}

/** @throws GyreError */
function openPlace({ blobs = '', blobCache, s3Endpoint, s3Region }: ContainedOptions): Promise<OpenedBlobs> {
  const place = {
    address: blobs,
    ...(blobCache === undefined ? {} : { cache: blobCache }),
    ...(s3Endpoint === undefined ? {} : { s3Endpoint }),
    ...(s3Region === undefined ? {} : { s3Region }),
  };
  return openBlobs(place, { environment: process.env, clock: systemClock, readOnly: true });
}

/** @param judged what is served of a manifest @throws GyreError when it may not be served here */
export async function openManifest(
  options: ContainedOptions,
  judged: (manifest: ReleaseManifest) => ReleaseManifest,
): Promise<OpenedManifest> {
  const { manifest, blobs, model, publicKey, unsigned } = options;
  if (model !== undefined) {
    if (manifest !== undefined)
      throw new GyreError('INVALID_ARGUMENT', 'a manifest and models by their place cannot both be served: give one of them');
    const readAgain = (): Promise<never> =>
      Promise.reject(
        new GyreError('FAILED_PRECONDITION', 'models by their place are served as they were at the start; serve a manifest to swap'),
      );
    const { manifest: own, source } = await localModels(
      model,
      systemClock,
      options.route === undefined ? undefined : await readLocalRoute(options.route),
    );
    return { source, first: judged(requireTokens(options, withPolicy(options, own))), readAgain };
  }
  if (manifest === undefined || blobs === undefined) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      'nothing to serve: give --manifest FILE with --blobs FOLDER (or s3://…), or --model FOLDER|FILE.onnx',
    );
  }
  requireNoPolicy(options);
  if (publicKey === undefined && unsigned !== true) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      'a manifest is served only when its signature is checked: give --public-key FILE (or --unsigned, for one that nobody signed)',
    );
  }
  const trust = publicKey === undefined ? ({ unsigned: true } as const) : { publicKey: await readPublicKey(publicKey) };
  const read = async (file = manifest): Promise<ReleaseManifest> => judged(requireTokens(options, await readManifest(file, trust)));
  const first = await read();
  const opened = await openPlace(options);
  return { source: blobSource(opened.blobs), first, readAgain: read, opened };
}

/** Beyond this machine nobody infers without a token. */
function requireTokens({ host = '127.0.0.1', isFronted }: ContainedOptions, manifest: ReleaseManifest): ReleaseManifest {
  if (manifest.tokenHashes.length === 0 && !isLoopback(host) && !isFronted) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the manifest names no tokens, so it is served to this machine only; ${host} is reached from others: release it with tokens`,
    );
  }
  return manifest;
}
