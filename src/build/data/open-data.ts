import type { DatasetProfile, DatasetVersion } from '#contract';
import { GyreError, asSha256 } from '#core';
import { compare } from './compare/open-versions.ts';
import { keepProfile, listVersions, profileOf, qualityOf, qualityOfDataset } from './data-store.ts';
import { append, createFromFile, createFromRows } from './derive.ts';
import { feasibility } from './feasibility.ts';
import { openFileCatalog } from './file-sets/file-catalog.ts';
import { filesIngestion } from './file-sets/ingest-files.ts';
import { openImageCatalog } from './image-sets/catalog.ts';
import { imageIngestion } from './image-sets/ingest-images.ts';
import { tableIngestion } from './ingest.ts';
import { openIngestions } from './ingestions/open-ingestions.ts';
import { RunningIngestions } from './ingestions/running.ts';
import { joinVersions } from './join/join.ts';
import type { Data, DataDeps, VersionList } from './port.ts';
import { personalLooks } from './personal/personal.ts';
import { personalSuggestions } from './personal/suggestions.ts';
import { profileParquet } from './profile.ts';
import { judgeQuality } from './quality/judge-quality.ts';
import { trendOf } from './quality/trend.ts';
import { rowsFiles } from './rows-file.ts';
import { rowsPage } from './rows-page.ts';
import { compareOfVersion, inferOfVersion } from './schemas/of-version.ts';
import { sqlRunner, versionNamed } from './sql.ts';
import { openSplits, partOf } from './splits/read-splits.ts';
import { splitVersion } from './splits/split.ts';
import { summariseDatasets } from './summaries-store.ts';
import { validateParquet } from './validate.ts';
import { findVersion, openRows } from './versions.ts';

/** Opens the room over a migrated store. */
export function openData(deps: DataDeps): Data {
  const { store, blobs } = deps;
  const running = new RunningIngestions(deps);
  return {
    ingest: async (request) => running.run(tableIngestion(deps, request)),
    ingestImages: async (request) => running.run(imageIngestion(deps, request)),
    ingestFiles: async (request) => running.run(filesIngestion(deps, request)),
    files: openFileCatalog(deps),
    ingestions: openIngestions(deps, running),
    feasibility: async (version, request) => {
      const found = await findVersion(deps, version);
      return feasibility(await openRows(deps, found), found.digest, request, deps.clock);
    },
    images: openImageCatalog(deps),
    join: (request) => joinVersions(deps, request),
    createFromRows: (request) => createFromRows(deps, request),
    createFromFile: (request) => createFromFile(deps, request),
    append: (request) => append(deps, request),
    split: (version, request) => splitVersion(deps, version, request),
    open: async (version, { columns, part } = {}) => openRows(deps, await partOf(deps, await findVersion(deps, version), part), columns),
    named: (name) => (/^[0-9a-f]{6,64}$/.test(name) ? findVersion(deps, name) : versionNamed(deps, name)),
    rowsFile: rowsFiles(deps),
    rowsPath: async (version) => blobs.localPath(asSha256((await findVersion(deps, version)).rowsDigest), { verify: true }),
    rows: async (version, query = {}) => rowsPage(deps, await findVersion(deps, version), query),
    sql: sqlRunner(deps),
    seePersonal: personalLooks(deps),
    suggestPersonal: personalSuggestions(deps),
    profile: (version, target) => profile(deps, version, target),
    validate: async (version, schema) => {
      const { rowsDigest } = await findVersion(deps, version);
      return validateParquet(await blobs.localPath(asSha256(rowsDigest), { verify: true }), schema);
    },
    inferSchema: (version, request) => inferOfVersion(deps, version, request),
    compareSchema: (version, reviewed, request) => compareOfVersion(deps, version, reviewed, request),
    quality: (version, request) => judgeQuality(deps, version, request),
    compare: (from, to, options) => compare(deps, from, to, options),
    get: (version) => findVersion(deps, version),
    list: (options = {}) => list(deps, options),
    summaries: (dataset) => store.read((db) => summariseDatasets(db, dataset)),
    ...openSplits(deps),
    getQuality: async (idOrVersion) => {
      const found = await store.read(
        async (db) => (await qualityOf(db, { id: idOrVersion })) ?? (await qualityOf(db, { version: idOrVersion })),
      );
      if (found) return found;
      throw new GyreError('NOT_FOUND', `no quality report ${idOrVersion}, and no version of that digest has one`, { id: idOrVersion });
    },
    qualityTrend: async (dataset, limit = 100) => {
      const reports = await store.read((db) => qualityOfDataset(db, dataset, limit));
      if (reports.length > 0) return trendOf(dataset, reports);
      throw new GyreError('NOT_FOUND', `no version of dataset "${dataset}" has a quality report`, { dataset });
    },
  };
}

async function profile(deps: DataDeps, version: string, target: string | undefined): Promise<DatasetProfile> {
  const found = await findVersion(deps, version);
  // a column's name is never empty, so the empty text stands for no target
  const kept = await deps.store.read((db) => profileOf(db, found.digest, target ?? ''));
  if (kept) return kept;
  const path = await deps.blobs.localPath(asSha256(found.rowsDigest), { verify: true });
  const made = await profileParquet(path, found.digest, target);
  await deps.store.write(keepProfile, { profile: made, target: target ?? '' });
  return made;
}

function positionOf(after: string | undefined): number | undefined {
  const before = after === undefined ? undefined : Number(after);
  if (before === undefined || Number.isSafeInteger(before)) return before;
  throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token`, { after });
}

async function list(
  { store }: DataDeps,
  { dataset, part, limit = 100, after }: VersionList,
): Promise<{ items: DatasetVersion[]; next?: string }> {
  const before = positionOf(after);
  const filter = { ...(dataset === undefined ? {} : { dataset }), ...(part === undefined ? {} : { part }) };
  const found = await store.read((db) => listVersions(db, filter, limit + 1, before));
  const items = found.slice(0, limit);
  return {
    items: items.map(({ version }) => version),
    ...(found.length > limit ? { next: String(items[items.length - 1].position) } : {}),
  };
}
