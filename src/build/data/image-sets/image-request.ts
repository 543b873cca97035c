import { join } from 'node:path';
import type { Actor } from '#contract';
import { GyreError } from '#core';
import type { LoadedProject } from '#project';
import type { ImageIngestRequest } from './image-port.ts';

/** Whether the project's file says that a dataset is made of images. */
export function isOfImages(project: LoadedProject, dataset: string): boolean {
  return project.resolved.datasets.find(({ name }) => name === dataset)?.images !== undefined;
}

/** What the project's file says about a dataset of images. @throws GyreError INVALID_ARGUMENT when it is none */
export function imageIngestRequest(project: LoadedProject, dataset: string, by: Actor): ImageIngestRequest {
  const found = project.resolved.datasets.find(({ name }) => name === dataset);
  if (found?.images === undefined)
    throw new GyreError('INVALID_ARGUMENT', `"${dataset}" is no dataset of images of this project`, { dataset });
  const { source, key, target, where } = found;
  const { labels } = found.images;
  const schema = project.schemas[dataset];
  return {
    dataset,
    folder: join(project.folder, source),
    source,
    key,
    ...(labels === undefined ? {} : { labels: { ...labels, file: join(project.folder, labels.file) } }),
    ...(target === undefined ? {} : { target }),
    ...(where === undefined ? {} : { where }),
    ...(schema === undefined ? {} : { expect: schema }),
    by,
  };
}
