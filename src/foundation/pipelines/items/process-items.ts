import type { BlobStore } from '#blobs';
import { digestOf, GyreError } from '#core';
import type { Clock, Sha256 } from '#core';
import type { Store } from '#store';
import { byCodeUnits, findItems, lookAt } from './find-items.ts';
import type { FoundItem, ItemSelection } from './find-items.ts';
import { ItemRecords } from './item-records.ts';
import type { ItemRow, KnownFile } from './items-store.ts';
import { knownFile, sideBySide } from './known-files.ts';
import { workThrough } from './item-pool.ts';
import type { BatchOutcome, ItemResult } from './item-pool.ts';
import { OutputFiles } from './output-files.ts';

/** An item that is to be processed, as the process is told of it. */
export interface ItemToProcess {
  readonly item: string;
  /** Relative to the project. */
  readonly inputs: readonly string[];
  /** Where the outputs belong, relative to the project; a folder ends in `/`. */
  readonly outs: readonly string[];
}

/** Where a process has written an item's outputs, in the order of `outs`. */
export type StagedOutputs = readonly string[];

export interface ItemsRequest {
  /** Names the step over all its runs: outputs of items that are gone are those of the same scope. */
  readonly scope: string;
  readonly stepRun: string;
  /** The project's folder. */
  readonly folder: string;
  readonly selection: ItemSelection;
  /** What every item's outputs depend on beside its own inputs: command, parameters, environment, common files. */
  readonly basis: Sha256;
  /** Process every item, whatever is known of it. */
  readonly fresh: boolean;
  readonly batch: number;
  readonly parallel: number;
  readonly retries: number;
  readonly backoffMs: number;
  readonly stopOnError: boolean;
  readonly signal: AbortSignal;
  progress(done: number, total: number, message: string): void;
  log(line: string): void;
  /** Runs one process for some items. */
  run(items: readonly ItemToProcess[]): Promise<BatchOutcome<StagedOutputs>>;
}

export interface ItemsOutcome {
  readonly items: number;
  readonly processed: number;
  readonly cached: number;
  readonly removed: number;
  /** Outputs that had gone from the folder or were changed there, and were put back. */
  readonly restored: number;
  readonly failed: readonly { readonly item: string; readonly error: string }[];
  /** Neither done nor failed: the step was told to stop at the first that fails. */
  readonly notStarted: number;
  /** The digest of all outputs with their paths. */
  readonly outs: Sha256;
}

interface KeyedItem extends ItemToProcess {
  readonly key: Sha256;
  readonly files: readonly KnownFile[];
}

const filesAtOnce = 8;

/**
 * Processes those of a step's items that are new or changed, and reuses what is known of the others. Items whose inputs are gone lose their
 * outputs. What was finished when the process was killed is finished; the same step run goes on with the rest.
 * @throws GyreError INVALID_ARGUMENT when outputs collide, ABORTED when a file changes while it is read, CANCELLED after the signal
 */
export async function processItems(
  deps: { readonly store: Store; readonly blobs: BlobStore; readonly clock: Clock },
  request: ItemsRequest,
): Promise<ItemsOutcome> {
  const { folder, signal } = request;
  const records = await ItemRecords.open(deps.store, deps.clock, request);
  const outputs = new OutputFiles(folder, deps.blobs, deps.clock);
  const before = await records.current();
  const found = await findItems(folder, request.selection);
  const keyed = await keyItems(deps.clock, request, found, before);
  signal.throwIfAborted();

  const isCurrent = ({ item, key }: KeyedItem): boolean => {
    const row = before.get(item);
    return row?.state === 'succeeded' && row.cache_key === key && (!request.fresh || row.since === records.generation);
  };
  const kept = await keepItems(keyed.filter(isCurrent), before, { folder, clock: deps.clock, outputs, records });
  const todo = keyed.filter(({ item }) => !kept.items.has(item));
  const gone = [...before.keys()].filter((item) => !found.has(item));
  const stale = [...gone, ...todo.map(({ item }) => item).filter((item) => before.has(item))];
  const wanted = new Set([...kept.items.values()].flatMap((files) => files.map(({ path }) => path)));
  // The files go first: should we die in between, the records still know what there is to take away.
  await outputs.remove(
    stale.flatMap((item) => (before.get(item)?.outputs ?? []).map(({ path }) => path).filter((path) => !wanted.has(path))),
  );
  await records.end(stale, gone);

  const failed: { readonly item: string; readonly error: string }[] = [];
  const made = new Map<string, readonly KnownFile[]>();
  const doneBefore = [...kept.items.keys()].filter((item) => before.get(item)?.since === records.generation).length;
  const tell = (): void =>
    request.progress(
      kept.items.size + made.size + failed.length,
      keyed.length,
      `${made.size + doneBefore} processed, ${failed.length} failed`,
    );
  tell();
  try {
    await workThrough<KeyedItem, readonly KnownFile[]>(todo, {
      ...request,
      run: async (items) => {
        const outcome = await request.run(items);
        if (!outcome.ok) return outcome;
        return { ok: true, results: await takeOutputs(outputs, items, outcome.results) };
      },
      succeeded: (item, files, tries) => {
        made.set(item.item, files);
        records.put({
          item: item.item,
          cache_key: item.key,
          inputs: item.files,
          outputs: files,
          state: 'succeeded',
          tries,
          error: null,
          log: [],
        });
        tell();
      },
      failed: (item, error, log, tries) => {
        failed.push({ item: item.item, error });
        request.log(`${item.item}: failed${tries > 1 ? ` (tried ${tries} times)` : ''}: ${error.replaceAll('\n', ' | ')}`);
        records.put({ item: item.item, cache_key: item.key, inputs: item.files, outputs: [], state: 'failed', tries, error, log });
        tell();
      },
    });
  } finally {
    await records.flush();
  }
  if (signal.aborted) throw new GyreError('CANCELLED', 'the step was stopped between two items');
  const all = [...kept.items.values(), ...made.values()].flat().map(({ path, sha256 }) => [path, sha256] as const);
  return {
    items: keyed.length,
    processed: made.size + doneBefore,
    cached: kept.items.size - doneBefore,
    removed: gone.length,
    restored: kept.restored,
    failed,
    notStarted: todo.length - made.size - failed.length,
    outs: digestOf(all.sort(([left], [right]) => byCodeUnits(left, right))),
  };
}

/** The cache key of each item: hashes the files that do not look as they did when they were hashed before. */
function keyItems(
  clock: Clock,
  { folder, basis }: ItemsRequest,
  found: ReadonlyMap<string, FoundItem>,
  before: ReadonlyMap<string, ItemRow>,
): Promise<readonly KeyedItem[]> {
  return sideBySide([...found.values()], filesAtOnce, async ({ item, inputs, outs }) => {
    const earlier = new Map((before.get(item)?.inputs ?? []).map((file) => [file.path, file]));
    const files: KnownFile[] = [];
    for (const seen of inputs) files.push(await knownFile(folder, seen, earlier.get(seen.path), clock));
    const key = digestOf({ basis, inputs: files.map(({ path, sha256 }) => [path, sha256]), outs });
    return { item, inputs: files.map(({ path }) => path), outs, key, files };
  });
}

interface Keeping {
  readonly folder: string;
  readonly clock: Clock;
  readonly outputs: OutputFiles;
  readonly records: ItemRecords;
}

/** Sees to it that the outputs of unchanged items lie in the folder as they were made. Items whose outputs cannot be had are left out. */
async function keepItems(
  items: readonly KeyedItem[],
  before: ReadonlyMap<string, ItemRow>,
  { folder, clock, outputs, records }: Keeping,
): Promise<{ readonly items: ReadonlyMap<string, readonly KnownFile[]>; readonly restored: number }> {
  const rows = items.flatMap(({ item, files }) => {
    const row = before.get(item);
    return row === undefined ? [] : [{ row, inputs: files }];
  });
  const seen = await lookAt(
    folder,
    rows.flatMap(({ row }) => row.outputs.map(({ path }) => path)),
  );
  let restored = 0;
  const whole = async (file: KnownFile): Promise<KnownFile | undefined> => {
    const there = seen.get(file.path);
    const now = there === undefined ? undefined : await knownFile(folder, there, file, clock);
    if (now?.sha256 === file.sha256) return now;
    const back = await outputs.restore(file);
    if (back !== undefined) restored += 1;
    return back;
  };
  const kept = new Map<string, readonly KnownFile[]>();
  await sideBySide(rows, filesAtOnce, async ({ row, inputs }) => {
    const files: KnownFile[] = [];
    for (const output of row.outputs) {
      const file = await whole(output);
      if (file === undefined) return;
      files.push(file);
    }
    kept.set(row.item, files);
    const isSame = [...files, ...inputs].every((file) => [...row.outputs, ...row.inputs].includes(file));
    if (!isSame) records.renew({ ...row, inputs, outputs: files });
  });
  await records.flush();
  return { items: kept, restored };
}

/** Moves what was written to its place. */
async function takeOutputs(
  outputs: OutputFiles,
  items: readonly KeyedItem[],
  results: readonly ItemResult<StagedOutputs>[],
): Promise<readonly ItemResult<readonly KnownFile[]>[]> {
  return sideBySide(items, filesAtOnce, async ({ outs }, index): Promise<ItemResult<readonly KnownFile[]>> => {
    const result = results[index];
    if (!result.ok) return result;
    const files: KnownFile[] = [];
    for (const [position, out] of outs.entries()) files.push(...(await outputs.take(result.value[position], out)));
    return { ok: true, value: files };
  });
}
