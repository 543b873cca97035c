import type { DatasetVersion, SchemaComparison, SchemaInference, TableSchema } from '#contract';
import { asSha256, hasCode } from '#core';
import { readParquet } from '#tables';
import { openBatches } from '../quality/batches.ts';
import type { OpenedRows } from '../quality/batches.ts';
import { hashIndex, hashRows } from '../quality/row-hash.ts';
import type { HashIndex } from '../quality/row-hash.ts';
import { isMissing } from '#tables';
import type { DataDeps } from '../port.ts';
import { summariseDatasets } from '../summaries-store.ts';
import { findVersion, openRows } from '../versions.ts';
import { compareRows } from './compare.ts';
import { inferRows, inferenceText } from './infer.ts';
import type { InferenceOptions } from './infer.ts';
import type { ReferenceTarget } from './suggest-references.ts';

export interface SchemaRequest extends Pick<InferenceOptions, 'key' | 'tight' | 'masked'> {
  /** In the text: what was seen, as comments. */
  readonly why?: boolean;
}

/** See `Data.inferSchema`. */
export async function inferOfVersion(
  deps: DataDeps,
  version: string,
  { why = false, ...request }: SchemaRequest,
): Promise<SchemaInference> {
  const found = await findVersion(deps, version);
  const inferred = await inferRows(await opened(deps, found), await optionsFor(deps, found, request));
  return { dataset: found.dataset, version: found.digest, ...inferred, text: inferenceText(found.dataset, inferred, why) };
}

/** See `Data.compareSchema`. */
export async function compareOfVersion(
  deps: DataDeps,
  version: string,
  reviewed: TableSchema,
  request: SchemaRequest,
): Promise<SchemaComparison> {
  const found = await findVersion(deps, version);
  const compared = await compareRows(await opened(deps, found), reviewed, await optionsFor(deps, found, request));
  return { dataset: found.dataset, version: found.digest, ...compared };
}

async function opened({ blobs }: DataDeps, { rowsDigest }: DatasetVersion): Promise<OpenedRows> {
  const path = await blobs.localPath(asSha256(rowsDigest), { verify: true });
  return openBatches(path, () => readParquet(path));
}

async function optionsFor(deps: DataDeps, version: DatasetVersion, request: SchemaRequest): Promise<InferenceOptions> {
  return { ...request, now: deps.clock.now(), targets: await targetsFor(deps, version) };
}

/** More rows than these are no list that others refer to. */
const mostTargetRows = 8_000_000;

/** The columns of the other datasets' newest versions; what was made of this dataset, or it of them, is not another. */
async function targetsFor(deps: DataDeps, { dataset, digest, manifest }: DatasetVersion): Promise<ReferenceTarget[]> {
  const own = new Set([digest, ...(manifest.derivedFrom?.parents ?? [])]);
  const newest = (await deps.store.read((db) => summariseDatasets(db))).map((summary) => summary.newest);
  return newest
    .filter((other) => other.dataset !== dataset && other.manifest.rows <= mostTargetRows)
    .filter((other) => !own.has(other.digest) && !(other.manifest.derivedFrom?.parents ?? []).some((parent) => own.has(parent)))
    .flatMap((other) =>
      other.schema.columns.map(({ name, type }) => ({
        dataset: other.dataset,
        column: name,
        type,
        open: () => uniqueValues(deps, other, name),
      })),
    );
}

async function uniqueValues(deps: DataDeps, version: DatasetVersion, column: string): Promise<HashIndex | undefined> {
  let frame;
  try {
    frame = await openRows(deps, version, [column]);
  } catch (error) {
    // its bytes were collected as garbage, or its reviewed schema names a column that it lacks: nothing can refer to it
    if (hasCode(error, 'NOT_FOUND') || hasCode(error, 'INVALID_ARGUMENT')) return undefined;
    throw error;
  }
  const { high, low } = hashRows(frame, [column]);
  const values = frame.column(column);
  const index = hashIndex(frame.rows);
  for (let row = 0; row < frame.rows; row++) if (isMissing(values, row) || index.add(high[row], low[row]) < row) return undefined;
  return index;
}
