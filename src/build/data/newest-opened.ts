import type { DatasetVersion } from '#contract';
import type { DataDeps } from './port.ts';
import { findVersion } from './versions.ts';

/** Lists are asked for in pages and their items one by one: the newest versions that were looked at stay open. */
const keptOpen = 2;

/** Opens versions by name, the last ones once. @param openVersion what is kept of a version */
export function newestOpened<T extends object>(
  deps: DataDeps,
  openVersion: (version: DatasetVersion) => Promise<T>,
): (name: string) => Promise<T & { readonly version: DatasetVersion }> {
  const opened = new Map<string, Promise<T>>();
  return async (name) => {
    const version = await findVersion(deps, name);
    const found = opened.get(version.digest) ?? openVersion(version);
    opened.delete(version.digest);
    opened.set(version.digest, found);
    const [oldest] = opened.keys();
    if (opened.size > keptOpen) opened.delete(oldest);
    try {
      return { ...(await found), version };
    } catch (error) {
      opened.delete(version.digest);
      throw error;
    }
  };
}
