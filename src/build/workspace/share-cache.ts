import { withValue } from './config-file.ts';
import { editConfig } from './remotes.ts';
import { findRoot, openRoot } from './root.ts';

/**
 * Lets a copy of a repository use the cache of the workspace that it was copied from, so that what `.dvc` files track need not be fetched again.
 * @param from a folder of the workspace, absolute
 * @param to a folder of the copy, absolute
 * @returns false when either is no workspace
 */
export function shareCache(from: string, to: string): boolean {
  const [own, copy] = [findRoot(from), findRoot(to)];
  if (own === undefined || copy === undefined || own === copy) return false;
  const { cache } = openRoot(own);
  editConfig(copy, 'config.local', (text) => withValue(text, 'cache', 'dir', cache));
  return true;
}
