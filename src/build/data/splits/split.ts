import { eventType } from '#contract';
import type { Split, SplitBorders } from '#contract';
import { GyreError, digestOf, isoInstant } from '#core';
import { takeRows } from '#tables';
import type { Frame } from '#tables';
import type { DataDeps, SplitRequest, ValidationSetRequest } from '../port.ts';
import { checkTarget } from '../target.ts';
import { findVersion, openRows, prepareVersion, recordVersions } from '../versions.ts';
import type { PreparedVersion } from '../versions.ts';
import { dealRows } from './deal.ts';
import type { Dealt } from './deal.ts';
import { partRanges } from './hash-split.ts';
import type { PartRange } from './hash-split.ts';
import { bordersOf, insertSplit, keepBorders, splitByDefinition } from './splits-store.ts';
import { classesOf, sharesOf, stratificationOf } from './stratification.ts';

/** See `Data.split`. All parts and sets, the split and their events become visible in one transaction. */
export async function splitVersion(deps: DataDeps, digest: string, request: SplitRequest): Promise<Split> {
  const parent = await findVersion(deps, digest);
  const definition = definitionOf(parent.digest, request);
  const existing = await deps.store.read((db) => splitByDefinition(db, definition));
  if (existing) return existing;
  refuseSameNames(request);
  const ranges = partRanges(request.parts);
  const frame = await openRows(deps, parent);
  if (request.stratify !== undefined) checkTarget(frame, request.stratify);
  const drawn = borderDefinitions(request);
  // a split that another process made meanwhile may have drawn borders: then the rows are dealt again by those
  for (;;) {
    const kept = await deps.store.read((db) => bordersOf(db, [drawn.parts, ...drawn.sets.values()]));
    const dealt = dealRows(frame, request, ranges, {
      ...(kept.has(drawn.parts) ? { parts: kept.get(drawn.parts) } : {}),
      sets: new Map([...drawn.sets].flatMap(([set, name]) => (kept.has(name) ? [[set, kept.get(name) ?? {}] as const] : []))),
    });
    const { split, prepared } = await prepareSplit(deps, request, { parent, frame, ranges, dealt });
    const toKeep = new Map<string, SplitBorders>();
    if (split.borders) toKeep.set(drawn.parts, split.borders);
    for (const { set, borders } of split.sets ?? []) if (borders) toKeep.set(drawn.sets.get(set) ?? '', borders);
    const made = await deps.store.write(async (tx) => {
      const meanwhile = await splitByDefinition(tx, definition);
      if (meanwhile) return meanwhile;
      const now = await bordersOf(tx, [...toKeep.keys()]);
      if ([...now.keys()].some((name) => !kept.has(name))) return undefined;
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

/** What borders are drawn for: everything but the version, so that they hold for later ones. */
function borderDefinitions(request: SplitRequest): { readonly parts: string; readonly sets: ReadonlyMap<string, string> } {
  const { dataset, key, salt, parts, strategy = null, begins = null, sets = [] } = request;
  const ofSet = ({ set, strategy: by, share }: ValidationSetRequest): string =>
    digestOf({ dataset, key, salt, set, by, share: share ?? null });
  return {
    parts: digestOf({ dataset, key, salt, parts: Object.entries(parts), strategy, begins, sets }),
    sets: new Map(sets.map((set) => [set.set, ofSet(set)])),
  };
}

function refuseSameNames({ parts, sets = [] }: SplitRequest): void {
  const names = new Set(Object.keys(parts));
  for (const { set } of sets) {
    if (names.has(set))
      throw new GyreError('INVALID_ARGUMENT', `"${set}" is named twice: parts and validation sets have names of their own`);
    names.add(set);
  }
}

interface Cut {
  readonly parent: Awaited<ReturnType<typeof findVersion>>;
  readonly frame: Frame;
  readonly ranges: readonly PartRange[];
  readonly dealt: Dealt;
}

/** The split as it will stand, with a version for each part and set whose blobs are stored. */
async function prepareSplit(
  deps: DataDeps,
  request: SplitRequest,
  { parent, frame, ranges, dealt }: Cut,
): Promise<{ readonly split: Split; readonly prepared: readonly PreparedVersion[] }> {
  const { dataset, key, salt, stratify, strategy, sets = [], by } = request;
  const classes = stratify === undefined ? undefined : classesOf(frame, stratify);
  const prepared: PreparedVersion[] = [];
  const versionOf = async (name: string, rows: Int32Array, parameters: Readonly<Record<string, unknown>>): Promise<string> => {
    const derivedFrom = { parents: [parent.digest], operation: 'split' as const, parameters: { part: name, key, salt, ...parameters } };
    const from = `part "${name}" of ${parent.dataset}`;
    const part = { dataset, part: name, frame: takeRows(frame, rows), schema: parent.schema, derivedFrom, from, by };
    const made = await prepareVersion(deps, part);
    prepared.push(made);
    return made.version.digest;
  };
  const measuredOn = (borders: SplitBorders): SplitBorders => ({ ...borders, measuredOn: borders.measuredOn ?? parent.digest });
  const share = (rows: Int32Array): Pick<Split['parts'][number], 'targetShare'> =>
    classes ? { targetShare: sharesOf(classes, rows) } : {};

  const parts: Split['parts'] = [];
  for (const [i, { part, fraction, low, high }] of ranges.entries()) {
    const rows = dealt.parts[i];
    const how = { fraction, low, high, hash: 'sha256', ...(strategy === undefined ? {} : { strategy }), ...heldOut(sets) };
    const version = await versionOf(part, rows, how);
    parts.push({ part, fraction, version, rows: rows.length, ...share(rows) });
  }
  const made: NonNullable<Split['sets']> = [];
  for (const [i, { set, strategy: how, share: wanted }] of sets.entries()) {
    const { rows, borders } = dealt.sets[i];
    const drawn = borders === undefined ? {} : { borders: measuredOn(borders) };
    const asked = wanted === undefined ? {} : { share: wanted };
    // by their digest: borders of classes name values, and a manifest is for everybody's eyes
    const border = drawn.borders === undefined ? {} : { borders: digestOf(drawn.borders) };
    const version = await versionOf(set, rows, { strategy: how, ...asked, ...border });
    made.push({ set, strategy: how, ...asked, version, rows: rows.length, ...drawn, ...share(rows) });
  }
  const split: Split = {
    id: deps.newId(),
    dataset,
    version: parent.digest,
    key,
    salt,
    ...(strategy === undefined ? {} : { strategy }),
    ...(dealt.borders === undefined ? {} : { borders: measuredOn(dealt.borders) }),
    parts,
    ...(made.length === 0 ? {} : { sets: made }),
    ...(classes && stratify !== undefined ? { stratification: stratificationOf(classes, stratify, dealt.parts) } : {}),
    createdAt: isoInstant(deps.clock.now()),
  };
  return { split, prepared };
}

/** What a part's record says of the sets, whose rows it does not have. */
function heldOut(sets: readonly ValidationSetRequest[]): { readonly heldOut?: readonly string[] } {
  return sets.length === 0 ? {} : { heldOut: sets.map(({ set }) => set) };
}
