import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileColumns } from '#contract';
import type { DatasetSpec, FilesSource, TableSchema } from '#contract';
import type { DatasetFacts } from './dataset-columns.ts';
import type { Finding } from './problems.ts';

/** Whether a source is a folder of files of any kind. */
export function isFiles(source: DatasetSpec['source']): source is FilesSource {
  return typeof source === 'object' && 'files' in source;
}

/** Looks at a folder of files, or at one file. */
export async function filesFacts(folder: string, { files }: FilesSource, schema: TableSchema | undefined): Promise<DatasetFacts> {
  const found = await stat(resolve(folder, files)).catch(() => undefined);
  return {
    isFile: found?.isFile() ?? false,
    ...(found === undefined ? {} : { size: found.size }),
    ...(schema === undefined ? {} : { schema }),
    columns: schema?.columns.map(({ name }) => name) ?? fileColumns,
  };
}

/** What does not hold in a source of files. */
export function checkFiles(name: string, { files }: FilesSource, facts: DatasetFacts | undefined): Finding[] {
  if (facts?.size !== undefined) return [];
  const suggestion = 'the path is relative to gyre.yaml; "gyre data pull" brings files that a .dvc file names';
  return [{ path: ['data', name, 'source', 'files'], message: `there is nothing at ${files}`, suggestion }];
}
