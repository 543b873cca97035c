import { eventType } from '#contract';
import type { Split } from '#contract';
import { digestOf, isoInstant } from '#core';
import { takeRows } from '#tables';
import { insertSplit, splitByDefinition } from './data-store.ts';
import { assignRows, partRanges } from './hash-split.ts';
import type { DataDeps, SplitRequest } from './port.ts';
import { classesOf, sharesOf, stratificationOf } from './stratification.ts';
import { checkTarget } from './target.ts';
import { findVersion, openRows, prepareVersion, recordVersions } from './versions.ts';
import type { PreparedVersion } from './versions.ts';

/** See `Data.split`. All parts, the split and their events become visible in one transaction. */
export async function splitVersion(deps: DataDeps, digest: string, request: SplitRequest): Promise<Split> {
  const { dataset, key, parts, salt, stratify, by } = request;
  const parent = await findVersion(deps, digest);
  // the order of parts lays them on [0, 1), so it is a part of the definition
  const definition = digestOf({ version: parent.digest, dataset, key, salt, parts: Object.entries(parts), stratify: stratify ?? null });
  const existing = await deps.store.read((db) => splitByDefinition(db, definition));
  if (existing) return existing;

  const ranges = partRanges(parts);
  const frame = await openRows(deps, parent);
  if (stratify !== undefined) checkTarget(frame, stratify);
  const assigned = assignRows(frame, key, salt, ranges);
  const classes = stratify === undefined ? undefined : classesOf(frame, stratify);
  const prepared: PreparedVersion[] = [];
  for (const [i, { part, fraction, low, high }] of ranges.entries()) {
    const parameters = { part, key, salt, fraction, low, high, hash: 'sha256' };
    const derivedFrom = { parents: [parent.digest], operation: 'split' as const, parameters };
    const from = `part "${part}" of ${parent.dataset}`;
    prepared.push(
      await prepareVersion(deps, { dataset, part, frame: takeRows(frame, assigned[i]), schema: parent.schema, derivedFrom, from, by }),
    );
  }
  const now = deps.clock.now();
  const split: Split = {
    id: deps.newId(),
    dataset,
    version: parent.digest,
    key,
    salt,
    parts: ranges.map(({ part, fraction }, i) => ({
      part,
      fraction,
      version: prepared[i].version.digest,
      rows: assigned[i].length,
      ...(classes ? { targetShare: sharesOf(classes, assigned[i]) } : {}),
    })),
    ...(classes && stratify !== undefined ? { stratification: stratificationOf(classes, stratify, assigned) } : {}),
    createdAt: isoInstant(now),
  };
  return deps.store.write(async (tx, made: Split) => {
    const meanwhile = await splitByDefinition(tx, definition);
    if (meanwhile) return meanwhile;
    await recordVersions(tx, deps, prepared, { now });
    await insertSplit(tx, made, definition);
    deps.events.publish(tx, {
      type: eventType('split.created'),
      subject: made.id,
      actor: by.identity,
      data: { id: made.id, version: made.version, parts: Object.fromEntries(made.parts.map(({ part, version }) => [part, version])) },
    });
    return made;
  }, split);
}
