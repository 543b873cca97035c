import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { defaultLevels, type DefaultLevel } from '#contract';
import { GyreError, type ConfigInputs, type ConfigOf, resolveConfig, type ResolvedSetting } from '#core';
import { type BlobsPlace, isBucket } from './blobs.ts';
import type { DataFolder } from './data-folder.ts';

/** Every setting of the platform, with its environment variable and default; flag > environment > `settings:` in gyre.yaml > default. */
export const platformSettings = {
  data: { env: 'GYRE_DATA', default: '.gyre', help: 'data folder; relative paths start at the project folder' },
  host: { env: 'GYRE_HOST', default: '127.0.0.1', help: 'address that the control plane binds to' },
  port: { env: 'GYRE_PORT', default: 7070, help: 'port of the control plane; 0 takes a free one' },
  database: { env: 'GYRE_DATABASE', default: '', help: 'metadata database: postgres://… ; empty: SQLite in the data folder', secret: true },
  databaseSchema: { env: 'GYRE_DATABASE_SCHEMA', default: '', help: 'PostgreSQL schema for the tables; empty: the default one' },
  blobs: {
    env: 'GYRE_BLOBS',
    default: '',
    help: 'where blobs are kept: s3://bucket/prefix, or a folder (a relative one starts at the data folder); empty: its `blobs`',
  },
  blobCacheMb: {
    env: 'GYRE_BLOB_CACHE_MB',
    default: 20_000,
    help: 'most megabytes of local copies of blobs that are in a bucket or sealed',
  },
  blobClear: {
    env: 'GYRE_BLOB_CLEAR',
    default: '',
    help: 'folder for opened copies of sealed blobs, while the platform runs; empty: /dev/shm, which is memory',
  },
  backups: {
    env: 'GYRE_BACKUPS',
    default: 'backups',
    help: 'folder of backups, best on another disk; a relative one starts at the data folder',
  },
  s3Endpoint: { env: 'GYRE_S3_ENDPOINT', default: '', help: 'address of the S3 service; empty: AWS_ENDPOINT_URL_S3, else Amazon' },
  s3Region: { env: 'GYRE_S3_REGION', default: '', help: 'region of the S3 service; empty: AWS_REGION, else us-east-1' },
  fetchHosts: {
    env: 'GYRE_FETCH_HOSTS',
    default: 'public',
    help: 'hosts that sources are fetched from, with commas between: public, names (*.example.org), addresses, ranges (10.0.0.0/8)',
  },
  webhookHosts: {
    env: 'GYRE_WEBHOOK_HOSTS',
    default: 'public',
    help: 'hosts that webhooks may tell of the registry, with commas between: public, names (*.example.org), addresses, ranges (10.0.0.0/8)',
  },
  smtpHost: { env: 'GYRE_SMTP_HOST', default: '', help: 'server that takes e-mail; empty: nobody is told by e-mail' },
  smtpPort: { env: 'GYRE_SMTP_PORT', default: 587, help: 'its port' },
  smtpTls: {
    env: 'GYRE_SMTP_TLS',
    default: 'starttls',
    help: 'starttls, implicit (TLS from the first byte, mostly port 465) or none (in the clear)',
  },
  smtpFrom: { env: 'GYRE_SMTP_FROM', default: '', help: 'the address that messages come from' },
  smtpUser: {
    env: 'GYRE_SMTP_USER',
    default: '',
    help: 'who signs in to it; empty: nobody. The password is GYRE_SMTP_PASSWORD, or in a file',
  },
  smtpPasswordFile: {
    env: 'GYRE_SMTP_PASSWORD_FILE',
    default: '',
    help: 'file with the password of that user; empty: the variable GYRE_SMTP_PASSWORD',
  },
  smtpCa: { env: 'GYRE_SMTP_CA', default: '', help: 'file with the certificates (PEM) of its authority; empty: those that Node trusts' },
  mailLinks: {
    env: 'GYRE_MAIL_LINKS',
    default: '',
    help: 'address of the pages in messages, such as https://gyre.example.org; empty: no links',
  },
  eventHosts: {
    env: 'GYRE_EVENT_HOSTS',
    default: 'public',
    help: 'hosts that data planes may tell of requests and responses (serve.log.events), with commas between, as for webhooks',
  },
  imageRegistries: {
    env: 'GYRE_IMAGE_REGISTRIES',
    default: '',
    help: 'registries that the platform may send images of models to, with commas between: registry.example.org, 127.0.0.1:5000; none without it',
  },
  brokers: {
    env: 'GYRE_BROKERS',
    default: '',
    help: 'file of JSON with the brokers of streams and how to sign in to them; the platform connects to no others; a relative path starts at the project folder',
  },
  accessLog: {
    env: 'GYRE_ACCESS_LOG',
    default: false,
    help: 'data planes write a line for each request: planes/<environment>/access.log in the data folder',
  },
  dataMemoryMib: {
    env: 'GYRE_DATA_MEMORY_MIB',
    default: 1024,
    help: 'most mebibytes that the engine takes for one ingestion, quality report, split or export, beside the process itself; 256 at least',
  },
  videoFolders: {
    env: 'GYRE_VIDEO_FOLDERS',
    default: 'videos',
    help: 'folders whose videos the pages may play to a model, with colons between; relative ones start at the project folder',
  },
  artifactMib: { env: 'GYRE_ARTIFACT_MIB', default: 5_242_880, help: 'most mebibytes of one artifact that a client uploads' },
  logLevel: { env: 'GYRE_LOG_LEVEL', default: 'info', help: 'trace, debug, info, warn, error or silent' },
  workers: { env: 'GYRE_WORKERS', default: 0, help: 'worker threads for training; 0 takes one per core, four at most' },
  localIdentity: { env: 'GYRE_LOCAL_IDENTITY', default: true, help: 'on loopback, callers without a token may read and log as `local`' },
  defaultPermission: {
    env: 'GYRE_DEFAULT_PERMISSION',
    default: 'ROLES',
    help: 'what everybody may do with an experiment or model on which they were granted nothing: ROLES (what their roles say), NO_PERMISSIONS, READ, USE, EDIT or MANAGE',
  },
  tlsCert: { env: 'GYRE_TLS_CERT', default: '', help: 'certificate file (PEM) of both planes' },
  tlsKey: { env: 'GYRE_TLS_KEY', default: '', help: 'key file (PEM) of the certificate' },
  hostNames: {
    env: 'GYRE_HOST_NAMES',
    default: '',
    help: 'names by which callers reach both planes, with commas between; those of the certificate count anyway',
  },
  allowPlaintext: { env: 'GYRE_ALLOW_PLAINTEXT', default: false, help: 'bind beyond loopback without TLS (behind a proxy that ends TLS)' },
} as const;

export type PlatformSettings = ConfigOf<typeof platformSettings>;

export interface SettledSettings {
  readonly values: PlatformSettings;
  readonly resolved: readonly ResolvedSetting[];
  /** The data folder's absolute path. */
  readonly dataFolder: string;
}

/**
 * Settles the platform's settings for a project folder.
 * @throws GyreError INVALID_ARGUMENT naming the flag, variable or file whose value has the wrong type
 */
export function settleSettings(projectFolder: string, inputs: ConfigInputs): SettledSettings {
  const { values, resolved } = resolveConfig(platformSettings, inputs);
  const dataFolder = isAbsolute(values.data) ? values.data : join(resolve(projectFolder), values.data);
  return { values, resolved, dataFolder };
}

/** The names that callers may use beside localhost and addresses: those that were set, and those of the certificate. */
export function hostNamesOf({ hostNames, tlsCert }: Pick<PlatformSettings, 'hostNames' | 'tlsCert'>): readonly string[] {
  const given = hostNames.split(',').map((name) => name.trim());
  const certified = tlsCert === '' ? '' : (new X509Certificate(readFileSync(tlsCert)).subjectAltName ?? '');
  const names = certified.split(', ').flatMap((entry) => (entry.startsWith('DNS:') ? [entry.slice('DNS:'.length)] : []));
  return [...new Set([...given, ...names].filter((name) => name !== '' && !name.includes('*')))];
}

/** Where the platform keeps its blobs. A relative folder starts at the data folder. */
export function blobsPlaceOf({ values, dataFolder }: SettledSettings, folder: Pick<DataFolder, 'blobs' | 'blobCache'>): BlobsPlace {
  const { blobs, blobCacheMb, blobClear, s3Endpoint, s3Region } = values;
  return {
    address: blobs === '' ? folder.blobs : isBucket(blobs) ? blobs : resolve(dataFolder, blobs),
    cache: folder.blobCache,
    cacheBytes: blobCacheMb * 1e6,
    ...(blobClear === '' ? {} : { clear: resolve(dataFolder, blobClear) }),
    ...(s3Endpoint === '' ? {} : { s3Endpoint }),
    ...(s3Region === '' ? {} : { s3Region }),
  };
}

/** Where backups go, absolute. */
export function backupFolderOf({ values, dataFolder }: SettledSettings): string {
  return resolve(dataFolder, values.backups);
}

/** With less the engine cannot read a table of many columns. */
const leastDataMemoryMib = 256;

/** What the engine of tables may take. @throws GyreError INVALID_ARGUMENT where that is too little */
export function dataMemoryOf({ dataMemoryMib }: Pick<PlatformSettings, 'dataMemoryMib'>): number {
  if (dataMemoryMib >= leastDataMemoryMib) return dataMemoryMib;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `GYRE_DATA_MEMORY_MIB is ${dataMemoryMib}; at least ${leastDataMemoryMib} is needed to read tables`,
  );
}

/** What holds on records where nothing was granted. @throws GyreError INVALID_ARGUMENT where it is none of the levels */
export function defaultLevelOf({ defaultPermission }: Pick<PlatformSettings, 'defaultPermission'>): DefaultLevel {
  const level = defaultLevels.find((one) => one === defaultPermission);
  if (level !== undefined) return level;
  throw new GyreError('INVALID_ARGUMENT', `GYRE_DEFAULT_PERMISSION is "${defaultPermission}"; it may be ${defaultLevels.join(', ')}`);
}

/** Whether an address to bind to is this machine's own. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
