import type { ManifestModel } from '#contract';
import { GyreError, messageOf } from '#core';
import type { Feeds, Session } from '#onnx';
import { requireImages } from './image-inputs.ts';
import { stackRows } from './tensor-rows.ts';

/** A run on the HTTP thread may take this long for one row; a hop to a worker and back costs about 0.03 ms, and trees 20-45 % of throughput. */
export const inlineRowMs = 0.3;
/** A run on the HTTP thread may take this long for all its rows: nothing else is answered meanwhile. */
export const inlineBatchMs = 2;
/** A run on a worker may take this long for all its rows. */
export const workerBatchMs = 50;
/** Rows of one run, at most. */
export const mostInlineRows = 256;
export const mostWorkerRows = 64;

/** The graph takes and gives what the signature says: otherwise callers would be answered with what nobody tested. */
export function requireSignature(model: ManifestModel, session: Session): void {
  const taken = new Set(session.inputs.map(({ name }) => name));
  const given = new Set(session.outputs.map(({ name }) => name));
  const lacking = [
    ...model.signature.inputs.filter(({ name }) => !taken.has(name)).map(({ name }) => `input "${name}"`),
    ...model.signature.outputs.filter(({ name }) => !given.has(name)).map(({ name }) => `output "${name}"`),
  ];
  if (lacking.length > 0) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the graph of ${model.name} ${model.version} lacks what its signature names: ${lacking.join(', ')}`,
      {
        package: model.package,
      },
    );
  }
  requireImages(model.signature, session);
}

/** Runs the example once, and twice in one run. @returns whether rows can be put together and taken apart again */
export async function warmUp(model: ManifestModel, session: Session, feeds: Feeds, given: boolean): Promise<boolean> {
  try {
    await session.run(feeds);
  } catch (error) {
    // Values made up from the signature may be such as the model refuses; its own example may not.
    if (!given) return false;
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${model.name} ${model.version} fails on its own input example: ${messageOf(error)}`,
      {},
      { cause: error },
    );
  }
  const rowAxis =
    session.inputs.length > 0 &&
    [...session.inputs, ...session.outputs].every(({ shape }) => typeof shape?.[0] === 'string') &&
    session.inputs.every(({ shape }) => shape?.slice(1).every((axis) => typeof axis === 'number'));
  if (!rowAxis) return false;
  try {
    const outputs = await session.run(repeated(feeds, 2));
    return Object.values(outputs).every(({ shape }) => shape[0] === 2);
  } catch {
    return false;
  }
}

/** The least of a few, since whatever else the machine does only adds to it; more of them while the first are cold or in doubt. */
export async function fastest(session: Session, feeds: Feeds, elapsed: () => number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < 30; repeat++) {
    const startedMs = elapsed();
    await session.run(feeds);
    least = Math.min(least, elapsed() - startedMs);
    if (least <= inlineRowMs / 2 || (repeat >= 2 && least > 10 * inlineRowMs)) break;
  }
  return least;
}

/** Twice the rows in a run are worth it where each of them costs at most this share of before: who is in a run waits for all of it. */
export const worthwhileShare = 0.95;

/** What a run costs the thread that computes it. @param computed milliseconds that the calling thread has computed */
async function costOf(session: Session, feeds: Feeds, computed: () => number): Promise<number> {
  const before = computed();
  let onWorker: number | undefined;
  await session.run(feeds, { onRan: ({ computedMs }) => (onWorker = computedMs) });
  return onWorker ?? computed() - before;
}

/** Doubles the rows of a run while it stays within its time and each row costs less by it. */
export async function mostRowsWithin(
  session: Session,
  feeds: Feeds,
  computed: () => number,
  most: number,
  batchMs: number,
): Promise<number> {
  let rows = 1;
  let rowMs = Number.POSITIVE_INFINITY;
  for (let next = 1; next <= most; next *= 2) {
    const batch = repeated(feeds, next);
    let least = Number.POSITIVE_INFINITY;
    // More often where it seems not worth it: other work on the machine says so too easily.
    for (let repeat = 0; repeat < 12; repeat++) {
      least = Math.min(least, await costOf(session, batch, computed));
      if (least <= batchMs && least / next <= rowMs * worthwhileShare && repeat >= (least <= batchMs / 8 ? 0 : 2)) break;
    }
    if (next > 1 && (least > batchMs || least / next > rowMs * worthwhileShare)) break;
    rowMs = Math.min(rowMs, least / next);
    rows = next;
  }
  return rows;
}

function repeated(feeds: Feeds, times: number): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => [
      name,
      stackRows(Array.from({ length: times }, () => ({ tensor, from: 0, to: tensor.shape[0] }))),
    ]),
  );
}
