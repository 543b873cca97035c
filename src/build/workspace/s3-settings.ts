import { resolve } from 'node:path';
import type { S3Connection, S3Overrides } from '#blobs';
import { GyreError } from '#core';
import type { Remote } from './remotes.ts';

export const isBucketUrl = (url: string): boolean => /^s3:\/\//i.test(url);

/** Settings of DVC that would change what is stored, or how it is protected: not to be passed over in silence. */
const refused = ['sse', 'sse_kms_key_id', 'sse_customer_key', 'sse_customer_algorithm', 'acl', 'version_aware', 'worktree'];

/**
 * How a bucket is reached by what `.dvc/config` and `.dvc/config.local` say of a remote: `endpointurl`, `region`, `profile`,
 * `access_key_id`, `secret_access_key`, `session_token`, `credentialpath`, `configpath`, `allow_anonymous_login`, `read_timeout`, `jobs`
 * ("Amazon S3 and S3-compatible servers", DVC's user guide). What they leave open is the environment's.
 * @throws GyreError UNIMPLEMENTED for a setting that Gyre does not carry out, INVALID_ARGUMENT when half of a pair of keys is missing
 */
export function s3OverridesOf(
  root: string,
  { name, settings }: Remote,
): { readonly overrides: S3Overrides; readonly adjust: (connection: S3Connection) => S3Connection } {
  for (const key of settings.keys()) {
    if ((refused.includes(key) || key.startsWith('grant_')) && !isOff(settings.get(key))) {
      throw new GyreError(
        'UNIMPLEMENTED',
        `the remote "${name}" sets ${key}, which Gyre does not carry out: push and pull with dvc, or take it out`,
        {
          remote: name,
          setting: key,
        },
      );
    }
  }
  if (settings.has('ssl_verify') && !/^true$/i.test(settings.get('ssl_verify') ?? '')) {
    throw new GyreError('UNIMPLEMENTED', `the remote "${name}" sets ssl_verify: name the authority in NODE_EXTRA_CA_CERTS instead`, {
      remote: name,
    });
  }
  const [id, secret, token] = ['access_key_id', 'secret_access_key', 'session_token'].map((key) => settings.get(key));
  if ((id === undefined) !== (secret === undefined)) {
    const missing = id === undefined ? 'access_key_id' : 'secret_access_key';
    throw new GyreError('INVALID_ARGUMENT', `the remote "${name}" has no ${missing}: "gyre data remote add --force" with both`, {
      remote: name,
    });
  }
  const path = (key: string): string | undefined => {
    const value = settings.get(key);
    return value === undefined ? undefined : resolve(root, '.dvc', value);
  };
  const said = {
    profile: settings.get('profile'),
    endpoint: settings.get('endpointurl'),
    region: settings.get('region'),
    credentialsFile: path('credentialpath'),
    configFile: path('configpath'),
  };
  const credentials =
    id === undefined || secret === undefined
      ? {}
      : { credentials: { accessKeyId: id, secretAccessKey: secret, ...(token === undefined ? {} : { sessionToken: token }) } };
  const overrides: S3Overrides = { ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)), ...credentials };
  const isAnonymous = /^true$/i.test(settings.get('allow_anonymous_login') ?? '');
  const seconds = Number(settings.get('read_timeout') ?? Number.NaN);
  const jobs = Number(settings.get('jobs') ?? Number.NaN);
  const adjust = ({ credentials: found, ...connection }: S3Connection): S3Connection => ({
    ...connection,
    ...(isAnonymous || found === undefined ? {} : { credentials: found }),
    ...(seconds > 0 ? { timeoutMs: seconds * 1000 } : {}),
    ...(Number.isInteger(jobs) && jobs > 0 ? { maxConnections: jobs } : {}),
  });
  return { overrides, adjust };
}

const isOff = (value: string | undefined): boolean => /^(false)?$/i.test(value ?? '');
