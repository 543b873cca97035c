import { Check } from 'typebox/schema';
import { PackageBackground } from '#contract';
import type { ManifestModel } from '#contract';
import { GyreError } from '#core';
import type { Background } from '#explain';
import { feedsOfRows } from '../example.ts';

/**
 * The rows of a package that contributions are measured from.
 * @param text of `background.json`
 * @throws GyreError DATA_LOSS when it is none of a form that this Gyre reads
 */
export function packageBackground({ name, version, signature }: ManifestModel, text: string): Background {
  const parsed: unknown = JSON.parse(text);
  if (!Check(PackageBackground, parsed))
    throw new GyreError('DATA_LOSS', `background.json of ${name} ${version} is of no form that this Gyre reads`);
  const { columns, rows, weights } = parsed;
  if (weights.length !== rows.length)
    throw new GyreError('DATA_LOSS', `background.json of ${name} ${version} has ${weights.length} weights for ${rows.length} rows`);
  const named = rows.map((cells) => Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? null])));
  return { kind: 'package', feeds: feedsOfRows(signature.inputs, named), weights };
}
