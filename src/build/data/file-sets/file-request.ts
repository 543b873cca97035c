import { join } from 'node:path';
import type { Actor } from '#contract';
import { GyreError } from '#core';
import type { LoadedProject } from '#project';
import type { FilesIngestRequest } from './file-port.ts';

/** Whether the project's file says that a dataset is made of files of any kind. */
export function isOfFiles(project: LoadedProject, dataset: string): boolean {
  return project.resolved.datasets.find(({ name }) => name === dataset)?.isFiles === true;
}

/** What the project's file says about a dataset of files. @throws GyreError INVALID_ARGUMENT when it is none */
export function filesIngestRequest(project: LoadedProject, dataset: string, by: Actor): FilesIngestRequest {
  const found = project.resolved.datasets.find(({ name }) => name === dataset);
  if (found?.isFiles !== true) throw new GyreError('INVALID_ARGUMENT', `"${dataset}" is no dataset of files of this project`, { dataset });
  const { source, key, target, where } = found;
  const schema = project.schemas[dataset];
  return {
    dataset,
    path: join(project.folder, source),
    source,
    ...(key === undefined ? {} : { key }),
    ...(target === undefined ? {} : { target }),
    ...(where === undefined ? {} : { where }),
    ...(schema === undefined ? {} : { expect: schema }),
    by,
  };
}
