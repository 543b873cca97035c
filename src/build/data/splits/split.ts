import { eventType } from '#contract';
import type { Split, SplitBorders } from '#contract';
import { GyreError, asSha256, digestOf, isoInstant } from '#core';
import { readParquet } from '#tables';
import { workRoomOf } from '../memory.ts';
import type { DataDeps, SplitRequest, ValidationSetRequest } from '../port.ts';
import { openBatches, requireColumn } from '../quality/batches.ts';
import type { Batches } from '../quality/batches.ts';
import { targetCheck } from '../target.ts';
import { findVersion, prepareRowsFile, recordVersions } from '../versions.ts';
import type { PreparedVersion } from '../versions.ts';
import { openDealer } from './deal.ts';
import type { Dealer } from './deal.ts';
import { partRanges } from './hash-split.ts';
import type { PartRange } from './hash-split.ts';
import { divideRows } from './sides.ts';
import { borderDefinitions, keptBorders } from './kept-borders.ts';
import { bordersOf, insertSplit, keepBorders, splitByDefinition } from './splits-store.ts';
import { openClasses, stratificationOf } from './stratification.ts';
import type { ClassTally } from './stratification.ts';

/** See `Data.split`. All parts and sets, the split and their events become visible in one transaction. */
export async function splitVersion(deps: DataDeps, digest: string, request: SplitRequest): Promise<Split> {
  const parent = await findVersion(deps, digest);
  const definition = definitionOf(parent.digest, request);
  const existing = await deps.store.read((db) => splitByDefinition(db, definition));
  if (existing) return existing;
  refuseSameNames(request);
  const ranges = partRanges(request.parts);
  const path = await deps.blobs.localPath(asSha256(parent.rowsDigest), { verify: true });
  const { batches } = await openBatches(path, () => readParquet(path), workRoomOf(deps));
  if (request.stratify !== undefined) await checkTarget(batches, request.stratify);
  const drawn = borderDefinitions(request);
  // a split that another process made meanwhile may have drawn borders: then the rows are dealt again by those
  for (;;) {
    const kept = await keptBorders(deps, drawn);
    const dealer = await openDealer(batches, request, ranges, kept);
    const { split, prepared } = await prepareSplit(deps, request, { parent, path, batches, ranges, dealer });
    const toKeep = new Map<string, SplitBorders>();
    if (split.borders) toKeep.set(drawn.parts, split.borders);
    for (const { set, borders } of split.sets ?? []) if (borders) toKeep.set(drawn.sets.get(set) ?? '', borders);
    const made = await deps.store.write(async (tx) => {
      const meanwhile = await splitByDefinition(tx, definition);
      if (meanwhile) return meanwhile;
      const now = await bordersOf(tx, [...toKeep.keys()]);
      if ([...now.keys()].some((name) => !kept.definitions.has(name))) return undefined;
      for (const [name, borders] of toKeep) await keepBorders(tx, name, borders);
      await recordVersions(tx, deps, prepared, { now: Date.parse(split.createdAt) });
      await insertSplit(tx, split, definition);
      deps.events.publish(tx, {
        type: eventType('split.created'),
        subject: split.id,
        actor: request.by.identity,
        data: {
          id: split.id,
          version: split.version,
          parts: Object.fromEntries(split.parts.map(({ part, version }) => [part, version])),
          ...(split.sets === undefined ? {} : { sets: Object.fromEntries(split.sets.map(({ set, version }) => [set, version])) }),
        },
      });
      return split;
    }, undefined);
    if (made !== undefined) return made;
  }
}

/** The digest of all that says how a version is cut. */
function definitionOf(version: string, { dataset, key, salt, parts, stratify, strategy, begins, sets }: SplitRequest): string {
  return digestOf({
    version,
    dataset,
    key,
    salt,
    // the order of parts lays them on [0, 1), so it is a part of the definition
    parts: Object.entries(parts),
    stratify: stratify ?? null,
    ...(strategy === undefined ? {} : { strategy }),
    ...(begins === undefined ? {} : { begins }),
    ...(sets === undefined || sets.length === 0 ? {} : { sets }),
  });
}

function refuseSameNames({ parts, sets = [] }: SplitRequest): void {
  const names = new Set(Object.keys(parts));
  for (const { set } of sets) {
    if (names.has(set))
      throw new GyreError('INVALID_ARGUMENT', `"${set}" is named twice: parts and validation sets have names of their own`);
    names.add(set);
  }
}

async function checkTarget(batches: Batches, target: string): Promise<void> {
  requireColumn(batches.schema, target);
  const check = targetCheck(target);
  await batches.each([target], (batch, firstRow) => check.add(batch, firstRow));
  check.end();
}

interface Cut {
  readonly parent: Awaited<ReturnType<typeof findVersion>>;
  /** Of the parent's rows. */
  readonly path: string;
  readonly batches: Batches;
  readonly ranges: readonly PartRange[];
  readonly dealer: Dealer;
}

/** The split as it will stand, with a version for each part and set whose blobs are stored. */
async function prepareSplit(
  deps: DataDeps,
  request: SplitRequest,
  { parent, path, batches, ranges, dealer }: Cut,
): Promise<{ readonly split: Split; readonly prepared: readonly PreparedVersion[] }> {
  const { dataset, key, salt, stratify, strategy, sets = [], by } = request;
  const classes = stratify === undefined ? undefined : await openClasses(batches, stratify);
  await using divided = await divideRows(
    deps,
    { path, batches },
    { dealer, parts: ranges.length, sets: sets.length },
    classes && stratify !== undefined ? { column: stratify, classes } : undefined,
    (rows) => refuseEmpty(request, ranges, batches.rows, rows),
  );
  const prepared: PreparedVersion[] = [];
  const versionOf = async (name: string, at: number, parameters: Readonly<Record<string, unknown>>): Promise<string> => {
    const derivedFrom = { parents: [parent.digest], operation: 'split' as const, parameters: { part: name, key, salt, ...parameters } };
    const from = `part "${name}" of ${parent.dataset}`;
    const part = { dataset, part: name, schema: parent.schema, derivedFrom, from, by };
    const made = await prepareRowsFile(deps, part, { ...divided.files[at], schema: batches.schema });
    prepared.push(made);
    return made.version.digest;
  };
  const measuredOn = (borders: SplitBorders): SplitBorders => ({ ...borders, measuredOn: borders.measuredOn ?? parent.digest });
  const share = (tally: ClassTally | undefined, side: number): Pick<Split['parts'][number], 'targetShare'> =>
    tally ? { targetShare: tally.sharesOn(side) } : {};

  const parts: Split['parts'] = [];
  for (const [i, { part, fraction, low, high }] of ranges.entries()) {
    const how = { fraction, low, high, hash: 'sha256', ...(strategy === undefined ? {} : { strategy }), ...heldOut(sets) };
    const version = await versionOf(part, i, how);
    parts.push({ part, fraction, version, rows: divided.files[i].rows, ...share(divided.classes?.parts, i) });
  }
  const made: NonNullable<Split['sets']> = [];
  for (const [i, { set, strategy: how, share: wanted }] of sets.entries()) {
    const borders = dealer.setBorders.get(set);
    const drawn = borders === undefined ? {} : { borders: measuredOn(borders) };
    const asked = wanted === undefined ? {} : { share: wanted };
    // by their digest: borders of classes name values, and a manifest is for everybody's eyes
    const border = drawn.borders === undefined ? {} : { borders: digestOf(drawn.borders) };
    const at = ranges.length + i;
    const version = await versionOf(set, at, { strategy: how, ...asked, ...border });
    made.push({ set, strategy: how, ...asked, version, rows: divided.files[at].rows, ...drawn, ...share(divided.classes?.sets, i) });
  }
  const split: Split = {
    id: deps.newId(),
    dataset,
    version: parent.digest,
    key,
    salt,
    ...(strategy === undefined ? {} : { strategy }),
    ...(dealer.borders === undefined ? {} : { borders: measuredOn(dealer.borders) }),
    parts,
    ...(made.length === 0 ? {} : { sets: made }),
    ...(classes && divided.classes && stratify !== undefined
      ? { stratification: stratificationOf(divided.classes.parts, classes, stratify) }
      : {}),
    createdAt: isoInstant(deps.clock.now()),
  };
  return { split, prepared };
}

/** What a part's record says of the sets, whose rows it does not have. */
function heldOut(sets: readonly ValidationSetRequest[]): { readonly heldOut?: readonly string[] } {
  return sets.length === 0 ? {} : { heldOut: sets.map(({ set }) => set) };
}

/** @param counts rows of the parts, then of the sets @throws GyreError FAILED_PRECONDITION naming what has no rows */
function refuseEmpty({ sets = [] }: SplitRequest, ranges: readonly PartRange[], rows: number, counts: readonly number[]): void {
  const emptySet = sets.find((_, i) => counts[ranges.length + i] === 0);
  if (emptySet !== undefined) throw new GyreError('FAILED_PRECONDITION', emptySetMessage(emptySet), { set: emptySet.set, rows });
  const empty = ranges.filter((_, i) => counts[i] === 0).map(({ part }) => part);
  if (empty.length === 0) return;
  const names = empty.map((part) => `"${part}"`).join(', ');
  const inParts = counts.slice(0, ranges.length).reduce((sum, count) => sum + count, 0);
  const held = sets.length === 0 ? '' : ` of which ${rows - inParts} are in validation sets,`;
  const message = `${rows} rows${held} leave part ${names} empty; give more rows or a larger fraction`;
  throw new GyreError('FAILED_PRECONDITION', message, { parts: empty, rows });
}

function emptySetMessage({ set, strategy, share }: ValidationSetRequest): string {
  const columns = strategy.columns.join(', ');
  if (strategy.places !== undefined) return `validation set "${set}" is empty: no row has a "${columns}" among the places that it names`;
  if (strategy.from !== undefined) return `validation set "${set}" is empty: no row is as late as ${strategy.from}`;
  const what = strategy.strategy === 'group' ? 'groups' : strategy.strategy === 'location' ? 'places' : 'rows';
  return `validation set "${set}" is empty: by chance none of the ${what} fell into its share of ${share}; give a larger one${what === 'places' ? ', or name the places' : ''}`;
}
