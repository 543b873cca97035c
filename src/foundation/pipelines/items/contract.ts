import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { BlobStore } from '#blobs';
import { openFsBlobs } from '#blobs';
import type { StepItem } from '#contract';
import { asSha256, hasCode, sha256, systemClock } from '#core';
import { parseItemPattern } from '#project';
import { openStore } from '#store';
import type { Store, StoreOptions } from '#store';
import { pipelinesMigrations } from '../migrations/index.ts';
import { findItems } from './find-items.ts';
import { itemsOf } from './list-items.ts';
import { openItems } from './items-store.ts';
import { processItems } from './process-items.ts';
import type { ItemsOutcome, ItemsRequest, ItemToProcess, StagedOutputs } from './process-items.ts';
import type { BatchOutcome } from './item-pool.ts';

/** Longer ago than the tick in which a file system may hide a change. */
const longAgo = new Date(systemClock.now() - 60_000);

/** What every store has to give a step that works by file or by group. */
export function itemsContract(
  name: string,
  fixture: () => Promise<{ readonly options: StoreOptions } & AsyncDisposable>,
  skip?: string,
): void {
  describe(`a step with items on ${name}`, skip === undefined ? {} : { skip }, () => {
    let made: { readonly options: StoreOptions } & AsyncDisposable;
    let store: Store;
    let blobs: BlobStore;
    let root: string;
    let folder: string;
    let runs = 0;
    /** The batches that were given to processes, in order. */
    let given: string[][] = [];

    const write = async (path: string, text: string): Promise<void> => {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
      await utimes(join(folder, path), longAgo, longAgo);
    };
    const read = (path: string): Promise<string> => readFile(join(folder, path), 'utf8');
    const filesIn = async (within: string): Promise<readonly string[]> => {
      const entries = await readdir(join(folder, within), { recursive: true, withFileTypes: true }).catch(() => []);
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
        .sort();
    };
    /** A process that writes each item's text in capitals to each of its outputs; what says BAD fails. */
    const capitals = async (items: readonly ItemToProcess[]): Promise<BatchOutcome<StagedOutputs>> => {
      given.push(items.map(({ item }) => item));
      const room = await mkdtemp(join(root, 'stage-'));
      const results = [];
      for (const [index, { inputs, outs }] of items.entries()) {
        const texts = await Promise.all(inputs.map(read));
        const text = texts.join('+');
        if (text.includes('BAD')) return { ok: false, error: 'exited with code 3', log: ['it says BAD'] };
        const value: string[] = [];
        for (const out of outs) {
          const path = join(room, String(index), out);
          await mkdir(out.endsWith('/') ? path : dirname(path), { recursive: true });
          await writeFile(out.endsWith('/') ? join(path, 'text.txt') : path, text.toUpperCase());
          value.push(path);
        }
        results.push({ ok: true as const, value });
      }
      return { ok: true, results };
    };
    const request = (more: Partial<ItemsRequest> = {}): ItemsRequest => ({
      scope: 'pets/capitals',
      stepRun: `run-${runs + 1}`,
      folder,
      selection: { by: 'file', pattern: parseItemPattern('in/**/*.txt'), outs: ['out/{dir}/{stem}.up'] },
      basis: sha256('capitals 1'),
      fresh: false,
      batch: 1,
      parallel: 2,
      retries: 0,
      backoffMs: 1,
      stopOnError: false,
      signal: new AbortController().signal,
      progress: () => undefined,
      log: () => undefined,
      run: capitals,
      ...more,
    });
    const run = async (more: Partial<ItemsRequest> = {}): Promise<ItemsOutcome> => {
      given = [];
      const outcome = await processItems({ store, blobs, clock: systemClock }, request(more));
      runs += 1;
      return outcome;
    };
    const processed = (): readonly string[] => given.flat().sort();
    const shown = async (stepRun: string, more: { state?: StepItem['state']; file?: string } = {}): Promise<readonly StepItem[]> =>
      (await itemsOf(store, stepRun, { limit: 100, ...more })).items;

    beforeEach(async () => {
      made = await fixture();
      store = await openStore(made.options);
      await store.migrate([pipelinesMigrations]);
      root = await mkdtemp(join(tmpdir(), 'gyre-items-'));
      folder = join(root, 'project');
      blobs = await openFsBlobs({ dir: join(root, 'blobs') });
      runs = 0;
      for (const [path, text] of Object.entries({ 'in/a.txt': 'a', 'in/b.txt': 'b', 'in/deep/c.txt': 'c' })) await write(path, text);
    });
    afterEach(async () => {
      await store[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
      await rm(root, { recursive: true });
    });

    test('processes every item once, and then only those that are new or changed', async () => {
      assert.partialDeepStrictEqual(await run(), { items: 3, processed: 3, cached: 0, failed: [] });
      assert.deepEqual(await filesIn('out'), ['out/a.up', 'out/b.up', 'out/deep/c.up']);
      assert.equal(await read('out/deep/c.up'), 'C');
      assert.partialDeepStrictEqual(await run(), { items: 3, processed: 0, cached: 3, restored: 0 });
      assert.deepEqual(processed(), []);
      await write('in/b.txt', 'b again');
      await write('in/d.txt', 'd');
      assert.partialDeepStrictEqual(await run(), { items: 4, processed: 2, cached: 2 });
      assert.deepEqual(processed(), ['in/b.txt', 'in/d.txt']);
      assert.equal(await read('out/b.up'), 'B AGAIN');
    });

    test('a file that was only touched is read again, and nothing is processed', async () => {
      const first = await run();
      await utimes(join(folder, 'in/a.txt'), new Date(longAgo.getTime() + 5), new Date(longAgo.getTime() + 5));
      assert.partialDeepStrictEqual(await run(), { processed: 0, cached: 3, outs: first.outs });
    });

    test('the outputs of deleted inputs go, with the folders that are empty then; those of a renamed file move', async () => {
      await run();
      await rm(join(folder, 'in/deep'), { recursive: true });
      await rename(join(folder, 'in/a.txt'), join(folder, 'in/z.txt'));
      assert.partialDeepStrictEqual(await run(), { items: 2, processed: 1, cached: 1, removed: 2 });
      assert.deepEqual(await filesIn('out'), ['out/b.up', 'out/z.up']);
      assert.deepEqual(await readdir(join(folder, 'out')), ['b.up', 'z.up']);
      assert.deepEqual(
        (await shown('run-2')).map(({ item, state }) => [item, state]),
        [
          ['in/a.txt', 'removed'],
          ['in/b.txt', 'cached'],
          ['in/deep/c.txt', 'removed'],
          ['in/z.txt', 'succeeded'],
        ],
      );
      assert.deepEqual((await run()).removed, 0);
    });

    test('an output that was deleted or changed by hand comes back from the blobs, and is made anew when they have lost it', async () => {
      const first = await run();
      await rm(join(folder, 'out/a.up'));
      await writeFile(join(folder, 'out/b.up'), 'X');
      assert.partialDeepStrictEqual(await run(), { processed: 0, cached: 3, restored: 2, outs: first.outs });
      assert.deepEqual([await read('out/a.up'), await read('out/b.up')], ['A', 'B']);
      await rm(join(folder, 'out/a.up'));
      await blobs.delete(sha256('A'));
      assert.partialDeepStrictEqual(await run(), { processed: 1, cached: 2, restored: 0, outs: first.outs });
      assert.deepEqual(processed(), ['in/a.txt']);
    });

    test('another command, parameter or environment makes all items anew, and so does a fresh run; other outputs replace the old ones', async () => {
      await run();
      assert.equal((await run({ basis: sha256('capitals 2') })).processed, 3);
      assert.equal((await run({ basis: sha256('capitals 2') })).processed, 0);
      assert.equal((await run({ basis: sha256('capitals 2'), fresh: true })).processed, 3);
      const { selection } = request();
      await run({ basis: sha256('capitals 2'), selection: { ...selection, outs: ['new/{stem}.up'] } });
      assert.deepEqual([await filesIn('out'), await filesIn('new')], [[], ['new/a.up', 'new/b.up', 'new/c.up']]);
    });

    test('one bad item is tried again, reported with its last lines, and does not stop the others; its old output is not left to mislead', async () => {
      await run();
      await write('in/b.txt', 'BAD');
      await write('in/d.txt', 'd');
      const log: string[] = [];
      const outcome = await run({ retries: 2, log: (line) => log.push(line) });
      assert.partialDeepStrictEqual(outcome, {
        items: 4,
        processed: 1,
        cached: 2,
        failed: [{ item: 'in/b.txt', error: 'exited with code 3' }],
      });
      assert.deepEqual(processed(), ['in/b.txt', 'in/b.txt', 'in/b.txt', 'in/d.txt']);
      assert.deepEqual(await filesIn('out'), ['out/a.up', 'out/d.up', 'out/deep/c.up']);
      assert.deepEqual(log, ['in/b.txt: failed (tried 3 times): exited with code 3']);
      const [bad] = await shown('run-2', { state: 'failed' });
      assert.deepEqual([bad.item, bad.tries, bad.log, bad.outputs], ['in/b.txt', 3, ['it says BAD'], []]);
      assert.equal((await run()).failed.length, 1, 'what failed does not count as known');
      await write('in/b.txt', 'good');
      assert.partialDeepStrictEqual(await run(), { processed: 1, cached: 3, failed: [] });
    });

    test('an item that fails at first and then does not is well', async () => {
      let tries = 0;
      const outcome = await run({
        retries: 1,
        run: (items) =>
          items[0].item === 'in/a.txt' && ++tries === 1 ? Promise.resolve({ ok: false, error: 'no', log: [] }) : capitals(items),
      });
      assert.partialDeepStrictEqual(outcome, { processed: 3, failed: [] });
      assert.deepEqual(
        (await shown('run-1')).map((item) => item.tries),
        [2, 1, 1],
      );
    });

    test('told to stop at the first failure, it starts nothing more', async () => {
      await write('in/a.txt', 'BAD');
      const outcome = await run({ stopOnError: true, parallel: 1 });
      assert.partialDeepStrictEqual(outcome, { processed: 0, notStarted: 2 });
      assert.deepEqual(processed(), ['in/a.txt']);
      assert.equal((await run({ parallel: 1 })).processed, 2, 'the rest waits for the next run');
    });

    test('a batch that fails is halved until the bad item is alone; an item that is missing its output fails by itself', async () => {
      for (let index = 0; index < 5; index++) await write(`in/n${index}.txt`, index === 3 ? 'BAD' : `n${index}`);
      const outcome = await run({ batch: 8, parallel: 1 });
      assert.deepEqual([outcome.processed, outcome.failed.map(({ item }) => item)], [7, ['in/n3.txt']]);
      // a b deep/c n0 | n1 n2 n3 n4: the second half fails, then its second half, then its first item
      assert.deepEqual(
        given.map((items) => items.length),
        [8, 4, 4, 2, 2, 1, 1],
      );
      await write('in/n0.txt', 'other');
      await write('in/n1.txt', 'other');
      const partly = await run({
        batch: 8,
        run: async (items) => {
          const whole = await capitals(items.filter(({ item }) => item !== 'in/n3.txt'));
          if (!whole.ok) return whole;
          const missing = { ok: false as const, error: 'wrote nothing', log: [] };
          const results = [...whole.results];
          results.splice(
            items.findIndex(({ item }) => item === 'in/n3.txt'),
            0,
            missing,
          );
          return { ok: true, results };
        },
      });
      assert.deepEqual([partly.processed, partly.failed], [2, [{ item: 'in/n3.txt', error: 'wrote nothing' }]]);
    });

    test('files of a group are one item: a changed or new file makes the group anew, a vanished group loses its outputs', async () => {
      for (const path of ['logs/mon/a.log', 'logs/mon/b.log', 'logs/tue/a.log']) await write(path, path.slice(5, 8));
      const selection: ItemsRequest['selection'] = { by: 'group', pattern: parseItemPattern('logs/{day}/*.log'), outs: ['days/{day}.txt'] };
      assert.partialDeepStrictEqual(await run({ selection, scope: 'pets/days' }), { items: 2, processed: 2 });
      assert.deepEqual([await read('days/mon.txt'), await read('days/tue.txt')], ['MON+MON', 'TUE']);
      await write('logs/tue/b.log', 'more');
      assert.partialDeepStrictEqual(await run({ selection, scope: 'pets/days' }), { processed: 1, cached: 1 });
      assert.deepEqual([processed(), await read('days/tue.txt')], [['tue'], 'TUE+MORE']);
      await rm(join(folder, 'logs/tue/a.log'));
      await rm(join(folder, 'logs/mon'), { recursive: true });
      assert.partialDeepStrictEqual(await run({ selection, scope: 'pets/days' }), { processed: 1, removed: 1 });
      assert.deepEqual([await filesIn('days'), await read('days/tue.txt')], [['days/tue.txt'], 'MORE']);
    });

    test('an output folder belongs to its item, with all that was written into it', async () => {
      const { pattern } = request().selection;
      const selection: ItemsRequest['selection'] = { by: 'file', pattern, outs: ['parts/{stem}/'] };
      await run({ selection });
      assert.deepEqual(await filesIn('parts'), ['parts/a/text.txt', 'parts/b/text.txt', 'parts/c/text.txt']);
      await rm(join(folder, 'in/a.txt'));
      await rm(join(folder, 'parts/b'), { recursive: true });
      assert.partialDeepStrictEqual(await run({ selection }), { cached: 2, removed: 1, restored: 1 });
      assert.deepEqual(await filesIn('parts'), ['parts/b/text.txt', 'parts/c/text.txt']);
    });

    test('each output is known with the files that it was made from, in the run that made it and in those that reused it', async () => {
      await run();
      await run();
      const [item, ...others] = await shown('run-2', { file: 'out/b.up' });
      assert.deepEqual(others, []);
      assert.deepEqual([item.item, item.state, item.stepRun], ['in/b.txt', 'cached', 'run-1']);
      assert.deepEqual(item.inputs, [{ path: 'in/b.txt', size: 1, sha256: sha256('b') }]);
      assert.deepEqual(item.outputs, [{ path: 'out/b.up', size: 1, sha256: sha256('B') }]);
      assert.equal(Buffer.from(await blobs.read(asSha256(item.outputs[0].sha256))).toString(), 'B');
      assert.deepEqual(
        (await shown('run-2', { file: 'in/deep/c.txt' })).map((found) => found.item),
        ['in/deep/c.txt'],
      );
      await write('in/b.txt', 'b2');
      await run();
      assert.equal((await shown('run-1', { file: 'in/b.txt' }))[0].inputs[0].sha256, sha256('b'), 'an earlier run shows what it saw');
    });

    test('items are shown in pages', async () => {
      await run();
      const first = await itemsOf(store, 'run-1', { limit: 2 });
      assert.deepEqual([first.items.map(({ item }) => item), first.next], [['in/a.txt', 'in/b.txt'], 'in/b.txt']);
      const second = await itemsOf(store, 'run-1', { limit: 2, after: first.next ?? '' });
      assert.deepEqual([second.items.map(({ item }) => item), second.next], [['in/deep/c.txt'], undefined]);
      assert.deepEqual(await itemsOf(store, 'a step without items', { limit: 1 }), { items: [] });
    });

    test('a run that nothing is new for writes no row', async () => {
      await run();
      // Outputs are trusted without being read once their time lies behind: the run after the first sees to it.
      await new Promise((resolve) => setTimeout(resolve, 30));
      await run();
      const before = await store.read((db) => openItems(db, 'pets/capitals'));
      await run();
      assert.deepEqual(await store.read((db) => openItems(db, 'pets/capitals')), before);
      assert.ok(
        before.every(({ since, inputs, outputs }) => since === 1 && [...inputs, ...outputs].every(({ mark }) => mark !== undefined)),
      );
    });

    test('stopped in the middle, it keeps what is finished, and the same run goes on with the rest', async () => {
      const stop = new AbortController();
      let started = 0;
      const stopping = async (items: readonly ItemToProcess[]): Promise<BatchOutcome<StagedOutputs>> => {
        if (++started === 2) stop.abort();
        return stop.signal.aborted ? { ok: false, error: 'killed', log: [] } : capitals(items);
      };
      await assert.rejects(run({ parallel: 1, signal: stop.signal, run: stopping }), (error) => hasCode(error, 'CANCELLED'));
      assert.deepEqual(await filesIn('out'), ['out/a.up']);
      assert.partialDeepStrictEqual(await run({ stepRun: 'run-1' }), { items: 3, processed: 3, cached: 0, failed: [] });
      assert.deepEqual(processed(), ['in/b.txt', 'in/deep/c.txt']);
      assert.ok((await shown('run-1')).every(({ state }) => state === 'succeeded'));
    });

    test('outputs that collide or would be inputs are refused before anything runs', async () => {
      const { selection } = request();
      await write('in/deep/a.txt', 'other a');
      const refused = (outs: readonly string[], why: RegExp): Promise<void> =>
        assert.rejects(
          run({ selection: { ...selection, outs } }),
          (error) => hasCode(error, 'INVALID_ARGUMENT') && why.test(error.message),
        );
      await refused(['out/{stem}.up'], /items "in\/a.txt" and "in\/deep\/a.txt" would both write out\/a.up/);
      await refused(['in/{dir}/{stem}-up.txt'], /would write in\/a-up.txt, which "in\/\*\*\/\*.txt" takes for an input/);
      await refused(['out/{dir}/', 'out/{dir}/{stem}.up'], /would both write|into the folder of item/);
      assert.deepEqual(processed(), []);
    });

    test('an output that a symbolic link would lead out of the project is refused', async () => {
      await mkdir(join(root, 'elsewhere'));
      await symlink(join(root, 'elsewhere'), join(folder, 'out'));
      await assert.rejects(run(), (error) => hasCode(error, 'PERMISSION_DENIED'));
      assert.deepEqual(await readdir(join(root, 'elsewhere')), []);
    });

    test('files are listed with what the file system says of them; names may hold any sign', async () => {
      await write('in/größe ☃ {x}.txt', 'odd');
      const found = await findItems(folder, request().selection);
      const odd = found.get('in/größe ☃ {x}.txt');
      assert.deepEqual(odd?.outs, ['out/größe ☃ {x}.up']);
      assert.equal(odd?.inputs[0].size, (await stat(join(folder, 'in/größe ☃ {x}.txt'))).size);
      assert.equal((await run()).processed, 4);
      assert.equal(await read('out/größe ☃ {x}.up'), 'ODD');
    });

    test('no file at all is no item at all', async () => {
      await run();
      await rm(join(folder, 'in'), { recursive: true });
      assert.partialDeepStrictEqual(await run(), { items: 0, processed: 0, removed: 3 });
      assert.deepEqual(await filesIn('out'), []);
    });
  });
}
