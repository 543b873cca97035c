import type { DatasetComparison, DatasetVersion } from '#contract';
import { changesOfFiles } from '#workspace';
import type { MaskedColumns } from '../masking.ts';
import type { DataDeps } from '../port.ts';
import { areFiles, filesOf } from './file-catalog.ts';

const mostShown = 1000;

/**
 * Which files came, went, changed or were renamed between two versions of folders; what went and came with the same content was renamed.
 * @returns undefined for tables, and for whoever may not see paths
 */
export async function fileChanges(
  deps: Pick<DataDeps, 'blobs'>,
  from: DatasetVersion,
  to: DatasetVersion,
  masked: MaskedColumns,
): Promise<DatasetComparison['files']> {
  if (!areFiles(from) || !areFiles(to) || masked.has('path')) return undefined;
  const { added, removed, modified, renamed } = changesOfFiles(await filesOf(deps, from), await filesOf(deps, to));
  return {
    added: added.slice(0, mostShown),
    removed: removed.slice(0, mostShown),
    modified: modified.slice(0, mostShown),
    renamed: renamed.slice(0, mostShown),
    count: added.length + removed.length + modified.length + renamed.length,
  };
}
