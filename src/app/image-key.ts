import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError, messageOf } from '#core';
import type { PackageFlags } from '#cli';
import { hasProjectFile, readProjectSettings } from './project-settings.ts';
import { settleSettings } from './settings.ts';

/**
 * The key that images are signed with: that of the data folder, which signs release manifests, unless another is named.
 * @returns PEM; undefined where nobody signs: that was asked for, or there is no such key
 * @throws GyreError NOT_FOUND for a key that is named and not there; PERMISSION_DENIED for one that cannot be read; INVALID_ARGUMENT when the
 *   project is wrong, so that its data folder is not known
 */
export async function imageKey(
  options: Pick<PackageFlags, 'key' | 'projectFolder' | 'flags' | 'environment'>,
): Promise<string | undefined> {
  const { key, projectFolder, flags, environment } = options;
  if (key === 'off') return undefined;
  if (key !== undefined) {
    const named = await keyIn(key);
    if (named === undefined) throw new GyreError('NOT_FOUND', `there is no key ${key}`, { file: key });
    return named;
  }
  const file = hasProjectFile(projectFolder) ? await readProjectSettings(projectFolder) : undefined;
  const { dataFolder } = settleSettings(projectFolder, { flags, environment, ...(file === undefined ? {} : { file }) });
  return keyIn(join(dataFolder, 'secrets', 'manifest-key.pem'));
}

/** Undefined only where there is none: an image that nobody signed, because its key could not be read, would look as if that was meant. */
async function keyIn(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    const message = `the key ${file} cannot be read: ${messageOf(error)}; --key names another, or says that nobody signs (--key off)`;
    throw new GyreError('PERMISSION_DENIED', message, { file }, { cause: error });
  });
}
