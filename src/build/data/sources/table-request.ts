import { join } from 'node:path';
import type { Actor } from '#contract';
import { GyreError } from '#core';
import type { LoadedProject, ResolvedSource } from '#project';
import type { IngestRequest } from '../port.ts';
import type { DatasetSource } from './source.ts';

/**
 * What a project says about the ingestion of a table.
 * @param instead another source than the project's, as a text to be shown and what it stands for
 * @throws GyreError INVALID_ARGUMENT when nothing says where the rows come from, FAILED_PRECONDITION for what is joined from others
 */
export function tableIngestRequest(
  project: LoadedProject,
  name: string,
  by: Actor,
  instead?: { readonly source: string; readonly from: ResolvedSource },
): IngestRequest {
  const known = project.resolved.datasets.find((dataset) => dataset.name === name);
  const { source, from } = instead ?? { source: known?.source ?? '', from: known?.from };
  if (from === undefined) {
    if (known?.join !== undefined)
      throw new GyreError('FAILED_PRECONDITION', `"${name}" is a ${known.source}, which a pipeline run makes: gyre run`);
    const names = project.resolved.datasets.map((dataset) => `"${dataset.name}"`).join(', ');
    throw new GyreError('INVALID_ARGUMENT', `the project has no dataset "${name}" (it has ${names}): say which file with "path"`);
  }
  const schema = project.schemas[name];
  return {
    dataset: name,
    from: inFolder(project.folder, from),
    source,
    by,
    ...(known === undefined ? {} : optionsOf(known)),
    ...(schema === undefined ? {} : { expect: schema }),
  };
}

function optionsOf({
  key,
  target,
  where,
  watermark,
  dialect,
  timestamps,
}: LoadedProject['resolved']['datasets'][number]): Partial<IngestRequest> {
  return {
    key,
    ...(target === undefined ? {} : { target }),
    ...(where === undefined ? {} : { where }),
    ...(watermark === undefined ? {} : { watermark }),
    ...(dialect === undefined ? {} : { dialect }),
    ...(timestamps === undefined ? {} : { timestamps }),
  };
}

function inFolder(folder: string, from: ResolvedSource): DatasetSource {
  if (from.kind === 'files') return { kind: 'files', folder, pattern: from.pattern };
  return 'path' in from ? { ...from, path: join(folder, from.path) } : from;
}
