import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { imageColumns } from '#contract';
import type { DatasetSpec, ImageSource, TableSchema } from '#contract';
import { csvHeader } from './dataset-columns.ts';
import type { DatasetFacts } from './dataset-columns.ts';
import type { Finding } from './problems.ts';

/** A table's path or a folder of files as it is, or a source of images: a text with a slash at its end is a folder of them. */
export function pathOrImages<T extends object>(source: string | T): string | T | ImageSource {
  return typeof source === 'string' && source.endsWith('/') ? { images: source } : source;
}

/** Looks at a folder of images and the header of its labels. */
export async function imageFacts(folder: string, source: ImageSource, schema: TableSchema | undefined): Promise<DatasetFacts> {
  const { images, labels, path = 'path', label = 'label' } = source;
  const found = await stat(resolve(folder, images)).catch(() => undefined);
  const facts = {
    isFile: found?.isFile() ?? false,
    ...(found === undefined ? {} : { size: found.size }),
    ...(schema === undefined ? {} : { schema }),
  };
  if (labels === undefined) return { ...facts, columns: schema?.columns.map(({ name }) => name) ?? imageColumns };
  const labelColumns = await csvHeader(resolve(folder, labels), undefined).catch(() => undefined);
  const said = labelColumns?.filter((name) => name !== path && name !== label) ?? [];
  const columns = schema?.columns.map(({ name }) => name) ?? [...imageColumns, ...said];
  return { ...facts, columns, ...(labelColumns === undefined ? {} : { labelColumns }) };
}

/** What does not hold in a source of images. */
export function checkImages(name: string, spec: DatasetSpec, images: ImageSource, facts: DatasetFacts | undefined): Finding[] {
  const isText = typeof spec.source === 'string';
  const at = (member: string) => ['data', name, 'source', ...(isText ? [] : [member])];
  const folder = { path: at('images') };
  if (facts?.size === undefined)
    return [{ ...folder, message: `there is no folder ${images.images}`, suggestion: 'the path is relative to gyre.yaml' }];
  if (facts.isFile) return [{ ...folder, message: `${images.images} is a file; a folder of images is needed` }];
  const { labels, path = 'path', label = 'label' } = images;
  if (labels === undefined) {
    const unused = (['path', 'label'] as const).filter((member) => images[member] !== undefined);
    return unused.map((member) => ({
      path: at(member),
      atKey: true,
      message: `"${member}" says nothing without labels`,
      suggestion: 'name the CSV of labels, or leave it out',
    }));
  }
  const { labelColumns } = facts;
  if (labelColumns === undefined)
    return [
      { path: at('labels'), message: `${labels} cannot be read as a CSV with a header`, suggestion: 'the path is relative to gyre.yaml' },
    ];
  return [
    { member: 'path', column: path },
    { member: 'label', column: label },
  ].flatMap(({ member, column }) => {
    if (labelColumns.includes(column)) return [];
    const isNamed = images[member === 'path' ? 'path' : 'label'] !== undefined;
    return [
      {
        path: at(isNamed ? member : 'labels'),
        message: `${labels} has no column "${column}"`,
        suggestion: `its columns are ${labelColumns.join(', ')}: say which with "${member}"`,
      },
    ];
  });
}
