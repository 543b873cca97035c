import { eventType } from '#contract';
import type { DatasetVersion, QualityReport, TableSchema } from '#contract';
import { GyreError, asSha256, hasCode } from '#core';
import { readParquet } from '#tables';
import type { Frame } from '#tables';
import { openFileCatalog } from '../file-sets/file-catalog.ts';
import { insertQuality, listVersions } from '../data-store.ts';
import { areImages } from '../image-sets/image-checks.ts';
import { imageChecksOf } from '../image-sets/image-divisions.ts';
import { declaredColumns } from '../personal/personal.ts';
import { suggestPersonal } from '../personal/suggest.ts';
import { nearDuplicates } from '../near-duplicates/check.ts';
import { workRoomOf } from '../memory.ts';
import type { DataDeps, QualityRequest } from '../port.ts';
import { sidesToCome } from '../splits/sides-to-come.ts';
import { limitsOfSchema } from '../validate.ts';
import { findVersion, openRows, recordVersions } from '../versions.ts';
import { openBatches, requireColumn } from './batches.ts';
import { failureLog } from './failure-log.ts';
import { labelErrors } from './label-errors.ts';
import { prepareQuarantine } from './quarantine.ts';
import { lookupKey, referencesOf } from './references.ts';
import { qualityReport } from './report.ts';
import { hashIndex, hashRows } from './row-hash.ts';
import type { Lookup, Population, QualitySubject } from './subject.ts';

/** See `Data.quality`. The report, its quarantine and their events become visible in one transaction. */
export async function judgeQuality(deps: DataDeps, version: string, { by, ...request }: QualityRequest): Promise<QualityReport> {
  const found = await findVersion(deps, version);
  const path = await deps.blobs.localPath(asSha256(found.rowsDigest), { verify: true });
  const opened = await openBatches(path, () => readParquet(path), workRoomOf(deps));
  const { batches, sample } = opened;
  for (const name of [request.key, request.target]) if (name !== undefined) requireColumn(batches.schema, name);
  const side = await sample();
  const now = deps.clock.now();
  const log = request.quarantine === true ? failureLog() : undefined;
  const masked = new Set([...(request.masked ?? []), ...undeclared(side, [found.schema, ...(request.schema ? [request.schema] : [])])]);
  const subject: QualitySubject = {
    version: found,
    batches,
    sample: side,
    request,
    populations: [...(await referencePopulation(deps, request.population)), ...(await productionPopulation(deps, request, batches.schema))],
    masked,
    limits: [...limitsOfSchema(request.schema), ...(request.limits ?? [])],
    ...(log === undefined ? {} : { log }),
    now,
    stored: await storedState(deps, found),
    // the columns beside an image's pixels tell no class
    labels: areImages(side) ? [] : [await labelErrors(opened, request, masked)],
    near: areImages(side) ? [] : [await nearDuplicates(opened, request, masked)],
    // images are looked at all together
    images: await imageChecksOf(deps, found, areImages(side) && side.rows < batches.rows ? await openRows(deps, found) : side),
    sides: await sidesToCome(deps, batches, found.dataset, request),
    lookups: await lookupsOf(deps, request.schema),
  };
  const report = await qualityReport(subject, deps.newId());
  const aside = log && (await prepareQuarantine(deps, found, log, by));
  const whole: QualityReport = aside === undefined ? report : { ...report, quarantine: aside.quarantine };
  const scores = Object.fromEntries(report.characteristics.map(({ name, score }) => [name, score]));
  return deps.store.write(async (tx, made: QualityReport) => {
    await recordVersions(tx, deps, aside?.versions ?? [], { now, reason: 'quarantine' });
    await insertQuality(tx, made);
    deps.events.publish(tx, {
      type: eventType('quality_report.created'),
      subject: made.id,
      actor: by.identity,
      data: { id: made.id, dataset: made.dataset, violations: made.violations, scores },
    });
    return made;
  }, whole);
}

/** Columns that look like data of persons, and of which nobody has said whether they are: their values are shown to nobody. */
function undeclared(sample: Frame, schemas: readonly TableSchema[]): readonly string[] {
  const said = declaredColumns(schemas);
  return suggestPersonal(sample)
    .map(({ column }) => column)
    .filter((column) => !said.has(column));
}

async function referencePopulation(deps: DataDeps, dataset: string | undefined): Promise<Population[]> {
  if (dataset === undefined) return [];
  const version = await newestVersion(deps, dataset);
  if (!version) {
    const message = `there is no version of "${dataset}", which shows the population: ingest it first`;
    throw new GyreError('FAILED_PRECONDITION', message, { dataset });
  }
  return [{ name: dataset, frame: await openRows(deps, version) }];
}

/** Fewer rows of production say too little of what it is like. */
const fewestProduced = 100;

async function productionPopulation(
  { clock, production }: DataDeps,
  { productionMs, key, target }: Omit<QualityRequest, 'by'>,
  schema: Frame['schema'],
): Promise<Population[]> {
  if (productionMs === undefined) return [];
  const name = 'production';
  if (production === undefined) return [{ name, missing: 'nobody keeps predictions here' }];
  const columns = schema.filter((column) => column.name !== key && column.name !== target);
  const frame = await production({ columns, from: clock.now() - productionMs });
  if (frame.rows >= fewestProduced) return [{ name, frame }];
  return [{ name, missing: `it takes ${fewestProduced} logged predictions, and there are ${frame.rows}` }];
}

/** Reads the stored source files again. The rows' file was checked when it was opened. */
async function storedState(deps: DataDeps, version: DatasetVersion): Promise<{ intact: boolean; message: string }> {
  const { manifest } = version;
  for (const { path, sha256 } of manifest.files) {
    try {
      await deps.blobs.verify(asSha256(sha256));
    } catch (error) {
      if (!hasCode(error, 'DATA_LOSS') && !hasCode(error, 'NOT_FOUND')) throw error;
      return { intact: false, message: `the stored ${path} is not what was recorded: ${error.message}` };
    }
  }
  if (manifest.format === 'files') {
    const { files, missing, paths } = await openFileCatalog(deps).missing(version.digest);
    const shown = `${paths.join(', ')}${missing > paths.length ? ', …' : ''}`;
    if (missing > 0) return { intact: false, message: `the bytes of ${missing} of ${files} files are nowhere: ${shown}` };
  }
  const what = manifest.files.length > 0 ? 'the source and the rows have' : 'the rows have';
  return { intact: true, message: `${what} the digests that were recorded` };
}

/** The values that the schema's references may have: those of the newest version of each dataset. */
async function lookupsOf(deps: DataDeps, schema: TableSchema | undefined): Promise<Map<string, Lookup>> {
  const lookups = new Map<string, Lookup>();
  for (const reference of schema ? referencesOf(schema) : []) {
    const key = lookupKey(reference);
    if (!lookups.has(key)) lookups.set(key, await lookup(deps, reference.dataset, reference.to));
  }
  return lookups;
}

async function lookup(deps: DataDeps, dataset: string, columns: readonly string[]): Promise<Lookup> {
  const version = await newestVersion(deps, dataset);
  if (!version) return { missing: `there is no version of dataset "${dataset}"` };
  const known = version.schema.columns.map(({ name }) => name);
  const absent = columns.filter((column) => !known.includes(column));
  if (absent.length > 0) return { missing: `dataset "${dataset}" has no column ${absent.join(', ')}` };
  const frame = await openRows(deps, version, columns);
  return { values: indexOf(frame, columns), version: version.digest };
}

function indexOf(frame: Frame, columns: readonly string[]): ReturnType<typeof hashIndex> {
  const { high, low } = hashRows(frame, columns);
  const index = hashIndex();
  for (let row = 0; row < frame.rows; row++) index.add(high[row], low[row]);
  return index;
}

/** The newest version of a dataset that is no part of a split. */
async function newestVersion({ store }: DataDeps, dataset: string): Promise<DatasetVersion | undefined> {
  return (await store.read((db) => listVersions(db, { dataset, part: null }, 1, undefined)))[0]?.version;
}
