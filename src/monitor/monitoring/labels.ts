import { eventType } from '#contract';
import type { Actor, JudgedVersion, Label } from '#contract';
import { GyreError } from '#core';
import { requireJudged } from '#registry';
import type { Tx } from '#store';
import { classOf } from './actuals.ts';
import type { LabelsJoined, MonitoringDeps } from './port.ts';
import { selectVersionsOf, upsertLabels } from './predictions-store.ts';
import type { JoinArgs } from './predictions-store.ts';

/** See `Monitoring.joinLabels`. */
export async function joinLabels(deps: MonitoringDeps, labels: readonly Label[], by: Actor): Promise<LabelsJoined> {
  const { store, events, clock, settings } = deps;
  await refuseForeign(deps, labels);
  const write = async (tx: Tx, args: JoinArgs): Promise<LabelsJoined> => {
    const { endpoints, ...counts } = await upsertLabels(tx, args);
    for (const [at, { environment, endpoint, rows }] of endpoints.entries()) {
      // Nobody knows yet whose the unmatched ones are: they are counted once.
      const data = { environment, endpoint, rows, unmatched: at === 0 ? counts.unmatched : 0 };
      events.publish(tx, { type: eventType('labels.joined'), subject: `${environment}/${endpoint}`, actor: by.identity, data });
    }
    return counts;
  };
  return store.write(write, {
    labels: labels.map(({ prediction, value, observedAt }) => ({
      prediction,
      value,
      observedAt: observedAt === undefined ? null : Date.parse(observedAt),
    })),
    by: by.identity,
    receivedAt: clock.now(),
    windowMs: settings().windowMs,
  });
}

/** @throws GyreError INVALID_ARGUMENT for a label that the prediction's model has no class for, or that is no number */
async function refuseForeign({ store, registry }: MonitoringDeps, labels: readonly Label[]): Promise<void> {
  const ids = labels.map(({ prediction }) => prediction);
  const versionOf = await store.read((db) => selectVersionsOf(db, ids));
  const versions = new Map<string, JudgedVersion>();
  for (const { prediction, value } of labels) {
    const id = versionOf.get(prediction);
    if (id === undefined || id === null) continue;
    const version = versions.get(id) ?? requireJudged(await registry.getById(id), 'a label');
    versions.set(id, version);
    const { task, classes } = version.signature;
    if (task === 'regression' ? typeof value === 'number' : classOf(classes, value) !== undefined) continue;
    const right = task === 'regression' ? 'a number' : `one of ${classes.map((name) => `"${name}"`).join(', ')}`;
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the label ${JSON.stringify(value)} of prediction ${prediction} is none that ${version.model} version ${version.version} predicts: ${right} is right`,
      { prediction, modelVersion: id },
    );
  }
}
