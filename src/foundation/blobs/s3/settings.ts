import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError } from '#core';
import { fromFileSystem, isMissing } from '../incoming.ts';
import type { S3Connection, S3Credentials } from './connection.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that say how S3 is reached, for whoever starts a process that needs it. */
export const s3Variables = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ENDPOINT_URL_S3',
  'AWS_ENDPOINT_URL',
  'AWS_PROFILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_CONFIG_FILE',
  'NODE_EXTRA_CA_CERTS',
] as const;

/** What somebody says beside the environment, such as a remote in `.dvc/config`; each wins over what the environment says. */
export interface S3Overrides {
  readonly profile?: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: S3Credentials;
  /** Instead of `~/.aws/credentials` and `~/.aws/config`. */
  readonly credentialsFile?: string;
  readonly configFile?: string;
}

/**
 * How S3 is reached, by the variables and files that the AWS command line, boto3 and DVC read: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
 * `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL_S3`, `AWS_PROFILE` and the shared files `~/.aws/credentials` and `~/.aws/config`
 * ("Configuration and credential file settings", AWS CLI User Guide). Only composition roots call it.
 * @throws GyreError NOT_FOUND when a profile that was named is in neither file, INVALID_ARGUMENT when half of a pair of keys is missing,
 *   UNIMPLEMENTED for profiles that get their keys from a role, a sign-on or a program
 */
export async function s3ConnectionFrom(environment: Environment, overrides: S3Overrides = {}): Promise<S3Connection> {
  const said = (name: string): string | undefined => (environment[name] === '' ? undefined : environment[name]);
  const named = overrides.profile ?? said('AWS_PROFILE');
  const profile = await readProfile(environment, overrides, named);
  const region = overrides.region ?? said('AWS_REGION') ?? said('AWS_DEFAULT_REGION') ?? profile['region'];
  const endpoint = overrides.endpoint ?? said('AWS_ENDPOINT_URL_S3') ?? said('AWS_ENDPOINT_URL') ?? profile['endpoint_url'];
  const style = profile['s3.addressing_style'];
  const fromVariables = pair('AWS_ACCESS_KEY_ID', said('AWS_ACCESS_KEY_ID'), said('AWS_SECRET_ACCESS_KEY'), said('AWS_SESSION_TOKEN'));
  const fromProfile = pair(
    'aws_access_key_id',
    profile['aws_access_key_id'],
    profile['aws_secret_access_key'],
    profile['aws_session_token'],
  );
  // A profile that somebody names for this very place wins over variables that were set for all.
  const credentials = overrides.credentials ?? (overrides.profile === undefined ? (fromVariables ?? fromProfile) : fromProfile);
  if (credentials === undefined) requireNoOther(profile, named ?? 'default');
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(style === 'path' || style === 'virtual' ? { pathStyle: style === 'path' } : {}),
    ...(credentials === undefined ? {} : { credentials }),
  };
}

function pair(what: string, id: string | undefined, secret: string | undefined, token: string | undefined): S3Credentials | undefined {
  if (id === undefined && secret === undefined) return undefined;
  if (id === undefined || secret === undefined) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${what} and its secret key belong together: ${id === undefined ? 'the first' : 'the second'} is missing`,
    );
  }
  return { accessKeyId: id, secretAccessKey: secret, ...(token === undefined ? {} : { sessionToken: token }) };
}

function requireNoOther(profile: Profile, name: string): void {
  const other = ['role_arn', 'sso_session', 'sso_start_url', 'credential_process'].find((key) => profile[key] !== undefined);
  if (other === undefined) return;
  throw new GyreError(
    'UNIMPLEMENTED',
    `the profile "${name}" gets its keys by ${other}, which Gyre does not do: export AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN ` +
      `(\`aws configure export-credentials --profile ${name} --format env\` prints them)`,
  );
}

/** Settings by name; those of a nested block are `s3.addressing_style`. */
type Profile = Readonly<Record<string, string>>;

async function readProfile(environment: Environment, overrides: S3Overrides, named: string | undefined): Promise<Profile> {
  const home = environment['HOME'] ?? '/';
  const name = named ?? 'default';
  const credentials = parseIni(
    await readIfThere(overrides.credentialsFile ?? environment['AWS_SHARED_CREDENTIALS_FILE'] ?? join(home, '.aws/credentials')),
  );
  const config = parseIni(await readIfThere(overrides.configFile ?? environment['AWS_CONFIG_FILE'] ?? join(home, '.aws/config')));
  const [secret, common] = [credentials.get(name), config.get(name === 'default' ? name : `profile ${name}`)];
  if (named !== undefined && secret === undefined && common === undefined) {
    throw new GyreError('NOT_FOUND', `there is no profile "${named}" in the shared credentials and config files of AWS`, {
      profile: named,
    });
  }
  return { ...common, ...secret };
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw fromFileSystem(error, path);
  }
}

function parseIni(text: string): ReadonlyMap<string, Profile> {
  const sections = new Map<string, Record<string, string>>();
  let section: Record<string, string> = {};
  let block = '';
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*(.*?)\s*\]/.exec(line);
    if (header !== null) {
      section = sections.get(header[1]) ?? {};
      sections.set(header[1], section);
      continue;
    }
    const setting = /^(\s*)([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (setting === null) continue;
    const [, indent, name, value] = setting;
    const nested = indent !== '' && block !== '';
    if (!nested) block = value === '' ? `${name}.` : '';
    if (value !== '') section[nested ? block + name : name] = value.replace(/\s[#;].*$/, '');
  }
  return sections;
}
