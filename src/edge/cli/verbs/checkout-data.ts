import { createWriteStream } from 'node:fs';
import { lstat, mkdir, rename } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { CheckoutData, RunCheckout } from '#contract';
import { GyreError, isGyreError } from '#core';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { placeFiles } from '../place-files.ts';
import { placeVersion } from './data/checkout-version.ts';
import { counted } from './data/in-workspace.ts';

/** What was put where, and what was not, each in a line. */
export interface Restored {
  readonly done: readonly string[];
  readonly missing: readonly string[];
}

interface Where {
  /** The project's folder, absolute. */
  readonly folder: string;
  /** Replace files of other content. */
  readonly force: boolean;
}

/**
 * Puts the dataset versions of a run to where they were read from. What cannot be had is said; the others are put there.
 * @throws GyreError FAILED_PRECONDITION when files of other content are in the way; CANCELLED
 */
export async function restoreData(cli: Cli, client: Client, { data }: RunCheckout, where: Where): Promise<Restored> {
  const done: string[] = [];
  const missing: string[] = [];
  for (const one of data) {
    if (one.how === 'none') continue;
    try {
      done.push(await restoreOne(cli, client, one, where));
    } catch (error) {
      if (!isGyreError(error) || !['PERMISSION_DENIED', 'NOT_FOUND', 'DATA_LOSS'].includes(error.code)) throw error;
      missing.push(`data: "${one.dataset}" (${one.uses.join(', ')}): ${error.message}`);
    }
  }
  return { done, missing };
}

async function restoreOne(cli: Cli, client: Client, data: CheckoutData, { folder, force }: Where): Promise<string> {
  const { dataset, version = '', how, to = '', files } = data;
  const named = `${dataset}@${version.slice(0, 8)}`;
  const target = requireOwnPlace(folder, to);
  if (how === 'files') {
    const { files: count } = await placeVersion(cli, client, version, { to: target, force });
    return `${named}: ${counted(count, 'file')} in ${to}`;
  }
  if (how === 'rows') {
    await placeRows(client, version, { target, folder, force });
    return `${named}: its rows in ${to}`;
  }
  for (const { path } of files) requireOwnPlace(folder, path);
  const placing = files.map((file) => ({ ...file, address: `datasets/${version}/files/${file.sha256}` }));
  await placeFiles(cli, client, { folder, files: placing, force });
  return `${named}: ${files.length === 1 ? files[0].path : `${counted(files.length, 'file')} in ${to}`}`;
}

/** The rows of a version whose source is no file. */
async function placeRows(client: Client, version: string, { target, force }: Where & { readonly target: string }): Promise<void> {
  if (!force && (await lstat(target).catch(() => undefined)) !== undefined) return;
  await mkdir(dirname(target), { recursive: true });
  const incoming = `${target}.incoming`;
  await pipeline(await client.download(`datasets/${version}/rows.parquet`), createWriteStream(incoming));
  await rename(incoming, target);
}

/** A place in the project that is neither git's nor the platform's own. @throws GyreError PERMISSION_DENIED */
function requireOwnPlace(folder: string, path: string): string {
  const place = resolve(folder, path);
  const isInside = place === folder || place.startsWith(`${folder}${sep}`);
  if (isInside && !path.split(/[/\\]/).some((part) => part === '.git' || part === '.gyre')) return place;
  throw new GyreError('PERMISSION_DENIED', `${JSON.stringify(path)} is no place for data of a project; nothing is written there`, { path });
}

/**
 * Makes the files that `.dvc` files name what they say.
 * @param folder of the code that was restored; a copy uses the cache of the workspace that it was made from
 * @param from the project's folder
 */
export async function restoreTracked(cli: Cli, folder: string, from: string): Promise<Restored> {
  const { openWorkspace, shareCache } = await import('#workspace');
  if (folder !== from) shareCache(from, folder);
  const workspace = openWorkspace(folder, { s3: async (overrides) => (await cli.host.app()).s3Access(cli.host.environment, overrides) });
  if (workspace.root === undefined || workspace.tracked().length === 0) return { done: [], missing: [] };
  try {
    const placed = await workspace.checkout([], { signal: cli.host.signal });
    return { done: placed.map(({ path }) => `${path} as its .dvc file says`), missing: [] };
  } catch (error) {
    if (!isGyreError(error) || error.code === 'CANCELLED') throw error;
    return { done: [], missing: [`data: what .dvc files track: ${error.message}`] };
  }
}
