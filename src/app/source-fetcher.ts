import { fetchSource } from '#blobs';
import type { Environment } from '#blobs';
import { systemClock } from '#core';
import type { DataDeps } from '#data';
import { s3Access, s3World } from './blobs.ts';
import type { PlatformSettings } from './settings.ts';

const maxSourceBytes = 64 * 2 ** 30;
const timeoutMs = 6 * 3_600_000;

/** How sources are fetched from addresses: from hosts that the setting allows; `s3://` from the endpoint of whoever runs Gyre. */
export function sourceFetcher(
  { fetchHosts, s3Endpoint, s3Region }: Pick<PlatformSettings, 'fetchHosts' | 's3Endpoint' | 's3Region'>,
  environment: Environment,
): NonNullable<DataDeps['fetch']> {
  return async (address, path, options) => {
    const overrides = { ...(s3Endpoint === '' ? {} : { endpoint: s3Endpoint }), ...(s3Region === '' ? {} : { region: s3Region }) };
    const isBucket = /^s3:/i.test(address);
    // credentials are looked for when a bucket is named, and not before
    const { connection, world } = isBucket
      ? await s3Access(environment, overrides)
      : { connection: undefined, world: s3World(systemClock) };
    const settings = {
      hosts: fetchHosts,
      hostsSetting: 'GYRE_FETCH_HOSTS',
      world,
      maxBytes: maxSourceBytes,
      timeoutMs,
      ...(connection === undefined ? {} : { s3: connection }),
    };
    return fetchSource(address, path, settings, options);
  };
}
