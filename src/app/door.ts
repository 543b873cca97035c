import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backup, BackupList } from '#contract';
import { GyreError, hasCode, systemClock } from '#core';
import type { AppDoor, BackupFlags, BackupsFlags, DemoFlags, OpenedApp, PackageFlags, ProjectFlags, SealFlags, UpFlags } from '#cli';
import { readServerInfo } from './data-folder.ts';
import { faultsFromEnvironment } from './faults.ts';
import { sealBlobs as seal, type Sealing } from './seal-blobs.ts';
import { backupFolderOf, settleSettings, type SettledSettings } from './settings.ts';
import { type RunningGyre, up as start } from './up.ts';

/** Opens the platform on a free loopback port, quietly, for as long as one verb takes. */
export async function openForVerb(options: ProjectFlags): Promise<OpenedApp> {
  const settings = await settle(options, { host: '127.0.0.1', port: 0, logLevel: options.environment['GYRE_LOG_LEVEL'] ?? 'warn' });
  const running = await start({ projectFolder: options.projectFolder, settings, pages: false, watchProject: false });
  await running.planesResumed;
  return {
    address: running.address,
    token: running.house.ownerToken,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** Seals the blobs of a data folder that nobody else has. */
export async function sealBlobs(options: SealFlags): Promise<Sealing> {
  return seal(await settle(options, {}), options);
}

/** Packs a model that lies on this disk, with the data plane that runs here, for another computer. */
export async function packageModel(options: PackageFlags): ReturnType<AppDoor['packageModel']> {
  const [{ packageModel: pack }, { imageKey }] = await Promise.all([import('./package-model.ts'), import('./image-key.ts')]);
  const isImage = options.layout !== undefined || options.push !== undefined;
  return pack(options, isImage ? await imageKey(options) : undefined);
}

/** Copies records, blobs and secrets, also while a platform runs on them. */
export async function backUp(options: BackupFlags): Promise<Backup> {
  const { backUp: copy } = await import('./backup/backup.ts');
  const { world, folder } = await backupWorld(options);
  const { id } = await copy(world, { ...options, folder });
  return backupIn(folder, id);
}

/** Makes a platform of a backup. */
export async function restore(options: BackupFlags): Promise<Backup> {
  const { restore: copy } = await import('./backup/restore.ts');
  const { world, folder } = await backupWorld(options);
  const { id } = await copy(world, { ...options, folder });
  return backupIn(folder, id);
}

export async function listBackups(options: BackupsFlags): Promise<BackupList> {
  const { describeBackups } = await import('./backup/backups.ts');
  const { world, folder } = await backupWorld(options);
  return describeBackups(folder, world.settings.dataFolder);
}

/** Compares a backup with what it was. */
export async function verifyBackup(options: BackupFlags): Promise<Backup> {
  const { verifyBackup: verify } = await import('./backup/verify.ts');
  const { folder } = await backupWorld(options);
  const { id } = await verify({ ...options, folder, clock: systemClock });
  return backupIn(folder, id);
}

export async function removeBackup(options: BackupsFlags & { readonly id: string }): Promise<void> {
  const [{ removeBackup: remove }, { holdBackups }] = await Promise.all([import('./backup/remove.ts'), import('./backup/layout.ts')]);
  const { folder } = await backupWorld(options);
  await backupIn(folder, options.id);
  using _held = await holdBackups(folder);
  await remove(folder, options.id);
}

async function backupWorld(options: BackupsFlags) {
  const settings = await settle(options, {});
  const { folder = backupFolderOf(settings), environment } = options;
  return { world: { settings, environment, clock: systemClock, faults: faultsFromEnvironment() }, folder };
}

async function backupIn(folder: string, id: string): Promise<Backup> {
  const { listBackups: list } = await import('./backup/layout.ts');
  const found = (await list(folder)).find((backup) => backup.id === id);
  if (found !== undefined) return found;
  throw new GyreError('NOT_FOUND', `there is no backup ${id} in ${folder}`, { id });
}

/** Runs the platform until the signal aborts. */
export async function up(options: UpFlags): Promise<void> {
  const settings = await settle(options, {});
  await using running = await start({ projectFolder: options.projectFolder, settings, pages: true, watchProject: true });
  options.ready({ address: running.address, page: await pageLink(running), dataFolder: settings.dataFolder });
  await aborted(options.signal);
}

/** Runs the example through the whole loop, then keeps the platform up so that everything can be looked at. */
export async function demo(options: DemoFlags): Promise<boolean> {
  const projectFolder = options.projectFolder ?? exampleFolder();
  const data = options.control ? '.gyre-control' : '.gyre';
  const given = { logLevel: 'error', ...(options.flags['data'] === undefined ? { data } : {}) };
  const settings = await settle({ ...options, projectFolder }, given);
  if (options.fresh) await removeDataFolder(settings);
  await using running = await startOnFreePort(projectFolder, settings, options);
  await running.planesResumed;
  const { runDemo } = await import('./demo/demo.ts');
  const good = await runDemo({
    projectFolder,
    address: running.address,
    ownerToken: running.house.ownerToken,
    control: options.control,
    staysUp: !options.exit,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    write: (line) => options.write(`${line}\n`),
    colour: options.isTerminal,
    signal: options.signal,
    sleep: (ms) => sleep(ms),
    monotonicMs: () => performance.now(),
  });
  if (!options.exit) {
    options.write(`\n  The platform stays up: ${await pageLink(running)}\n  Ctrl-C stops it.\n`);
    await aborted(options.signal);
  }
  return good;
}

/** A demo does not fail because something else listens on the usual port: without a port of the user's own it takes a free one. */
async function startOnFreePort(projectFolder: string, settings: SettledSettings, options: DemoFlags): Promise<RunningGyre> {
  const begin = (chosen: SettledSettings): Promise<RunningGyre> =>
    start({ projectFolder, settings: chosen, pages: true, watchProject: false });
  try {
    return await begin(settings);
  } catch (error) {
    const asked = options.flags['port'] !== undefined || options.environment['GYRE_PORT'] !== undefined;
    if (asked || !hasCode(error, 'ALREADY_EXISTS') || !('port' in error.details)) throw error;
    return begin({ ...settings, values: { ...settings.values, port: 0 } });
  }
}

async function removeDataFolder(settings: SettledSettings): Promise<void> {
  const { dataFolder } = settings;
  if (!existsSync(dataFolder)) return;
  const holder = readServerInfo(dataFolder);
  if (holder !== undefined) {
    throw new GyreError('ALREADY_EXISTS', `gyre (process ${holder.pid}) is using ${dataFolder}; stop it before --fresh removes it`, {
      ...holder,
    });
  }
  if (!existsSync(join(dataFolder, 'gyre.db')) && !existsSync(join(dataFolder, 'lock.db'))) {
    throw new GyreError('FAILED_PRECONDITION', `${dataFolder} is no data folder of gyre: --fresh does not remove it`);
  }
  await rm(dataFolder, { recursive: true });
}

/** Settings by their precedence; `given` stands where no flag and no variable does. */
async function settle(options: ProjectFlags, given: Readonly<Record<string, string | number>>): Promise<SettledSettings> {
  const { readProjectSettings } = await import('./project-settings.ts');
  const file = await readProjectSettings(options.projectFolder);
  return settleSettings(options.projectFolder, {
    flags: options.flags,
    environment: options.environment,
    file: { path: file.path, values: { ...given, ...file.values } },
  });
}

async function pageLink({ house, address }: RunningGyre): Promise<string> {
  const principal = await house.access.authenticate(house.ownerToken);
  const { code } = await house.access.oneTimeCode(principal);
  return `${address}/login?code=${code}`;
}

function exampleFolder(): string {
  return join(import.meta.dirname, '../../examples/churn');
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
