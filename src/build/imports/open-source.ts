import { isAbsolute } from 'node:path';
import type { StartImport } from '#contract';
import { GyreError } from '#core';
import { isFolder } from './files-below.ts';
import { openMlflowDatabase } from './mlflow/database-store.ts';
import { openMlflowFolder } from './mlflow/folder.ts';
import { openMlflowServer } from './mlflow/server.ts';
import { openPostgres, openSqlite } from './mlflow/foreign-store.ts';
import { openDvclive } from './dvclive/folder.ts';
import { openTensorboard } from './tensorboard/folder.ts';
import { openWandb } from './wandb/folder.ts';
import type { Complain, TrackingSource } from './source.ts';

/**
 * Opens what an import reads, by the form of its address.
 * @throws GyreError INVALID_ARGUMENT for an address of no known form; as the readers do
 */
export async function openSource(request: StartImport, complain: Complain): Promise<TrackingSource> {
  const { kind, source, experiment, artifacts, watch = false } = request;
  if (watch && kind !== 'tensorboard')
    throw new GyreError('INVALID_ARGUMENT', `"watch" is of TensorBoard: an import of ${kind} that is begun again reads what came since`);
  if (kind === 'mlflow') return openMlflow(request, complain);
  if (!isAbsolute(source)) throw noSource(source, 'a folder is needed, by its path from the root');
  const common = { folder: source, complain, ...(experiment === undefined ? {} : { experiment }) };
  if (kind === 'wandb') return openWandb({ ...common, ...(artifacts === undefined ? {} : { artifacts }) });
  return kind === 'dvclive' ? openDvclive(common) : openTensorboard({ ...common, live: watch });
}

async function openMlflow({ source, artifacts, token }: StartImport, complain: Complain): Promise<TrackingSource> {
  const root = artifacts === undefined ? {} : { artifactsRoot: artifacts };
  if (/^postgres(ql)?(\+\w+)?:\/\//.test(source)) return openMlflowDatabase({ database: await openPostgres(source), ...root });
  if (/^https?:\/\//.test(source))
    return openMlflowServer({ address: source, complain, ...root, ...(token === undefined ? {} : { token }) });
  const path = source.replace(/^sqlite:\/\/\/(?=\/)/, '').replace(/^file:(\/\/)?(?=\/)/, '');
  if (!isAbsolute(path)) throw noSource(source, 'a folder, a database file, postgresql://… or http(s)://… is needed, paths from the root');
  if (await isFolder(path)) return openMlflowFolder(path, complain, artifacts);
  return openMlflowDatabase({ database: openSqlite(path), ...root });
}

function noSource(source: string, needed: string): GyreError {
  return new GyreError('INVALID_ARGUMENT', `"${source.slice(0, 200)}" is no source: ${needed}`);
}
