import { eventType } from '#contract';
import type { Actor, DatasetVersion, Reproduction, Run } from '#contract';
import { GyreError, asSha256, digestOf, hasCode, isGyreError } from '#core';
import { requireTrained } from '#registry';
import type { Execution } from '#training';
import type { GovernanceDeps } from './port.ts';
import { findVersion } from './versions.ts';

/** See `Governance.reproduce`. */
export async function reproduce(
  deps: GovernanceDeps,
  { modelVersion, workers, by }: { readonly modelVersion: string; readonly workers: number; readonly by: Actor },
): Promise<Reproduction> {
  if (!Number.isSafeInteger(workers) || workers < 1) {
    throw new GyreError('INVALID_ARGUMENT', `${workers} workers cannot train: a whole number from 1 on is right`, { workers });
  }
  const startedAt = deps.clock.now();
  const version = await findVersion(deps.registry, modelVersion);
  const expected = version.files.find(({ path }) => path === 'model.onnx')?.digest;
  if (expected === undefined) {
    throw new GyreError('FAILED_PRECONDITION', `${version.model} version ${version.version} has no model.onnx to compare with`, {
      modelVersion,
    });
  }
  const run = await deps.training.getRun(requireTrained(version, 'a reproduction').run);
  const differences = await inputDifferences(deps, run);
  const execution = await execute(deps, run, workers, differences);
  if (execution !== undefined) differences.push(...outcomeDifferences(run, expected, execution));
  const reproduction: Reproduction = {
    modelVersion: version.id,
    run: run.id,
    identical: execution?.digest === expected && differences.length === 0,
    expected,
    ...(execution === undefined ? {} : { actual: execution.digest }),
    workers,
    differences,
    durationMs: deps.clock.now() - startedAt,
  };
  const { identical, actual } = reproduction;
  await deps.store.write(async (tx) => {
    deps.events.publish(tx, {
      type: eventType('reproduction.finished'),
      subject: version.id,
      actor: by.identity,
      ...(differences.length === 0 ? {} : { reason: differences[0] }),
      data: { modelVersion: version.id, run: run.id, identical, expected, ...(actual === undefined ? {} : { actual }), workers },
    });
    await Promise.resolve();
  }, undefined);
  return reproduction;
}

/** What the run was trained on, read again: each file whose bytes are no longer those that the records name. */
async function inputDifferences(deps: GovernanceDeps, run: Run): Promise<string[]> {
  const differences: string[] = [];
  const seen = new Set<string>();
  const check = async (digest: string, role: string): Promise<void> => {
    if (seen.has(digest)) return;
    seen.add(digest);
    const version = await orDifference(differences, `dataset version ${digest.slice(0, 12)} (${role})`, () => deps.data.get(digest));
    if (version === undefined) return;
    for (const [what, file] of filesOf(version)) {
      await orDifference(differences, `${what} of ${named(version)} (${role})`, () => deps.blobs.verify(asSha256(file)));
    }
    if (digestOf(version.manifest) !== version.digest)
      differences.push(`the manifest of ${named(version)} (${role}) does not have its digest`);
    for (const parent of version.manifest.derivedFrom?.parents ?? []) await check(parent, 'source of it');
  };
  for (const { role, digest } of run.inputs) if (role !== 'transform') await check(digest, role);
  return differences;
}

const named = ({ dataset, part }: DatasetVersion): string => (part === undefined ? dataset : `${dataset}, part ${part}`);

function filesOf({ rowsDigest, manifest }: DatasetVersion): readonly (readonly [string, string])[] {
  return [['the rows', rowsDigest], ...manifest.files.map(({ path, sha256 }) => [`the source ${path}`, sha256] as const)];
}

/** A difference instead of an error where records or bytes are gone or damaged. */
async function orDifference<T>(differences: string[], what: string, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) differences.push(`${what} are not stored any more: ${error.message}`);
    else if (hasCode(error, 'DATA_LOSS')) differences.push(`${what} are not the bytes that were recorded: ${error.message}`);
    else throw error;
    return undefined;
  }
}

async function execute({ training }: GovernanceDeps, run: Run, workers: number, differences: string[]): Promise<Execution | undefined> {
  try {
    return await training.execute(run.id, { workers });
  } catch (error) {
    // Changed rows may be unreadable, or no longer fit to train on at all; with sound inputs an error is an error.
    if (hasCode(error, 'DATA_LOSS') || hasCode(error, 'NOT_FOUND') || (differences.length > 0 && isGyreError(error))) {
      if (!differences.some((difference) => difference.includes(error.message)))
        differences.push(`training could not run: ${error.message}`);
      return undefined;
    }
    throw error;
  }
}

function outcomeDifferences(run: Run, expected: string, execution: Execution): readonly string[] {
  const transform = run.inputs.find(({ role }) => role === 'transform')?.digest;
  const metrics = Object.entries(execution.metrics).flatMap(([name, value]) => {
    const recorded = Object.hasOwn(run.metrics, name) ? run.metrics[name] : undefined;
    return recorded === undefined || recorded === value ? [] : [`metric ${name}: ${recorded} then, ${value} now`];
  });
  return [
    ...(transform === undefined || transform === execution.transform
      ? []
      : [`the transform came out as ${execution.transform.slice(0, 12)}, then it was ${transform.slice(0, 12)}`]),
    ...(execution.digest === expected
      ? []
      : [`model.onnx came out as ${execution.digest.slice(0, 12)}, then it was ${expected.slice(0, 12)}`]),
    ...metrics,
  ];
}
