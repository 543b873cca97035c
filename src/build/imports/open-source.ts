import { isAbsolute } from 'node:path';
import type { StartImport } from '#contract';
import { GyreError } from '#core';
import { isFolder } from './files-below.ts';
import { openMlflowDatabase } from './mlflow/database-store.ts';
import { openMlflowFolder } from './mlflow/folder.ts';
import { openMlflowServer } from './mlflow/server.ts';
import { openPostgres, openSqlite } from './mlflow/foreign-store.ts';
import type { Complain, TrackingSource } from './source.ts';

/**
 * Opens what an import reads, by the form of its address.
 * @throws GyreError INVALID_ARGUMENT for an address of no known form; as the readers do
 */
export async function openSource({ source, artifacts, token }: StartImport, complain: Complain): Promise<TrackingSource> {
  const root = artifacts === undefined ? {} : { artifactsRoot: artifacts };
  if (/^postgres(ql)?(\+\w+)?:\/\//.test(source)) return openMlflowDatabase({ database: await openPostgres(source), ...root });
  if (/^https?:\/\//.test(source)) return openMlflowServer({ address: source, complain, ...(token === undefined ? {} : { token }) });
  const path = source.replace(/^sqlite:\/\/\/(?=\/)/, '').replace(/^file:(\/\/)?(?=\/)/, '');
  if (!isAbsolute(path))
    throw new GyreError(
      'INVALID_ARGUMENT',
      `"${source.slice(0, 200)}" is no source: a folder, a database file, postgresql://… or http(s)://… is needed, paths from the root`,
    );
  if (await isFolder(path)) return openMlflowFolder(path, complain);
  return openMlflowDatabase({ database: openSqlite(path), ...root });
}
