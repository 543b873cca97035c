import { eventType } from '#contract';
import type { DatasetProfile, DatasetVersion, QualityReport } from '#contract';
import { GyreError, asSha256, hasCode } from '#core';
import { compare } from './compare/open-versions.ts';
import { insertQuality, keepProfile, listVersions, profileOf, qualityOf, splitById, splitsOf } from './data-store.ts';
import { append, createFromRows } from './derive.ts';
import { ingest } from './ingest.ts';
import type { Data, DataDeps, QualityRequest, VersionList } from './port.ts';
import { profileFrame } from './profile.ts';
import { qualityReport } from './quality.ts';
import { splitVersion } from './split.ts';
import { summariseDatasets } from './summaries-store.ts';
import { validateFrame } from './validate.ts';
import { findVersion, openRows } from './versions.ts';

/** Opens the room over a migrated store. */
export function openData(deps: DataDeps): Data {
  const { store, blobs } = deps;
  return {
    ingest: (request) => ingest(deps, request),
    createFromRows: (request) => createFromRows(deps, request),
    append: (request) => append(deps, request),
    split: (version, request) => splitVersion(deps, version, request),
    open: async (version, { columns, part } = {}) => openRows(deps, await partOf(deps, await findVersion(deps, version), part), columns),
    rowsPath: async (version) => blobs.localPath(asSha256((await findVersion(deps, version)).rowsDigest), { verify: true }),
    profile: (version, target) => profile(deps, version, target),
    validate: async (version, schema) => validateFrame(await openRows(deps, await findVersion(deps, version)), schema),
    quality: (version, request) => quality(deps, version, request),
    compare: (from, to, options) => compare(deps, from, to, options),
    get: (version) => findVersion(deps, version),
    list: (options = {}) => list(deps, options),
    summaries: (dataset) => store.read((db) => summariseDatasets(db, dataset)),
    getSplit: async (id) => {
      const found = await store.read((db) => splitById(db, id));
      if (found) return found;
      throw new GyreError('NOT_FOUND', `no split ${id}`, { id });
    },
    splitsOf: async (version) => {
      const { digest } = await findVersion(deps, version);
      return store.read((db) => splitsOf(db, digest));
    },
    getQuality: async (idOrVersion) => {
      const found = await store.read(
        async (db) => (await qualityOf(db, { id: idOrVersion })) ?? (await qualityOf(db, { version: idOrVersion })),
      );
      if (found) return found;
      throw new GyreError('NOT_FOUND', `no quality report ${idOrVersion}, and no version of that digest has one`, { id: idOrVersion });
    },
  };
}

async function partOf(deps: DataDeps, version: DatasetVersion, part: string | undefined): Promise<DatasetVersion> {
  if (part === undefined) return version;
  const [split] = await deps.store.read((db) => splitsOf(db, version.digest));
  const found = split?.parts.find((each) => each.part === part);
  if (found) return findVersion(deps, found.version);
  const has = split ? `its parts are ${split.parts.map((each) => each.part).join(', ')}` : 'it was never split';
  throw new GyreError('NOT_FOUND', `version ${version.digest} has no part "${part}": ${has}`, { version: version.digest, part });
}

async function profile(deps: DataDeps, version: string, target: string | undefined): Promise<DatasetProfile> {
  const found = await findVersion(deps, version);
  // a column's name is never empty, so the empty text stands for no target
  const kept = await deps.store.read((db) => profileOf(db, found.digest, target ?? ''));
  if (kept) return kept;
  const frame = await openRows(deps, found);
  if (target !== undefined) frame.column(target);
  const made = profileFrame(frame, found.digest, target);
  await deps.store.write(keepProfile, { profile: made, target: target ?? '' });
  return made;
}

async function quality(deps: DataDeps, version: string, { by, ...request }: QualityRequest): Promise<QualityReport> {
  const found = await findVersion(deps, version);
  const frame = await openRows(deps, found);
  for (const name of [request.key, request.target]) if (name !== undefined) frame.column(name);
  const subject = { version: found, frame, request, now: deps.clock.now(), stored: await storedState(deps, found) };
  const report = qualityReport(subject, deps.newId());
  const scores = Object.fromEntries(report.characteristics.map(({ name, score }) => [name, score]));
  return deps.store.write(async (tx, made: QualityReport) => {
    await insertQuality(tx, made);
    deps.events.publish(tx, {
      type: eventType('quality_report.created'),
      subject: made.id,
      actor: by.identity,
      data: { id: made.id, dataset: made.dataset, violations: made.violations, scores },
    });
    return made;
  }, report);
}

/** Reads the stored source files again. The rows' file was checked when it was opened. */
async function storedState({ blobs }: DataDeps, { manifest }: DatasetVersion): Promise<{ intact: boolean; message: string }> {
  for (const { path, sha256 } of manifest.files) {
    try {
      await blobs.verify(asSha256(sha256));
    } catch (error) {
      if (!hasCode(error, 'DATA_LOSS') && !hasCode(error, 'NOT_FOUND')) throw error;
      return { intact: false, message: `the stored ${path} is not what was recorded: ${error.message}` };
    }
  }
  const what = manifest.files.length > 0 ? 'the source and the rows have' : 'the rows have';
  return { intact: true, message: `${what} the digests that were recorded` };
}

async function list(
  { store }: DataDeps,
  { dataset, part, limit = 100, after }: VersionList,
): Promise<{ items: DatasetVersion[]; next?: string }> {
  const before = after === undefined ? undefined : Number(after);
  if (before !== undefined && !Number.isSafeInteger(before))
    throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token`, { after });
  const filter = { ...(dataset === undefined ? {} : { dataset }), ...(part === undefined ? {} : { part }) };
  const found = await store.read((db) => listVersions(db, filter, limit + 1, before));
  const items = found.slice(0, limit);
  return {
    items: items.map(({ version }) => version),
    ...(found.length > limit ? { next: String(items[items.length - 1].position) } : {}),
  };
}
