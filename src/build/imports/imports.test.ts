import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { Actor, RecordImport } from '#contract';
import { hasCode, systemClock, uuidV7 } from '#core';
import { openEvents, eventsMigrations } from '#events';
import type { Features } from '#features';
import { openRegistry, registryMigrations } from '#registry';
import type { Registry } from '#registry';
import { openStore } from '#store';
import type { Store } from '#store';
import { openTraining, ownRunId, trainingMigrations } from '#training';
import type { Training } from '#training';
import { importsMigrations, openImports } from './index.ts';
import type { Imports } from './index.ts';
import { mlrunsFiles, modelId, runIds, writeFiles } from './testing.ts';

const by: Actor = { identity: 'tester', name: 'tester' };
const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

describe('an import of an mlruns folder', () => {
  let folder = '';
  let store: Store;
  let training: Training;
  let registry: Registry;
  let opened: AsyncDisposableStack;
  beforeEach(async () => {
    opened = new AsyncDisposableStack();
    folder = await mkdtemp(join(tmpdir(), 'gyre-imports-'));
    opened.defer(() => rm(folder, { recursive: true }));
    store = opened.use(await openStore({ url: `sqlite:${join(folder, 'gyre.db')}` }));
    await store.migrate([eventsMigrations, trainingMigrations, registryMigrations, importsMigrations]);
    const newId = uuidV7(systemClock, randomBytes);
    const events = opened.use(openEvents({ store, clock: systemClock, newId, source: '/test' }));
    const unused = new Proxy({}, { get: () => assert.fail('an import needs neither data nor features') });
    const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
    training = openTraining({
      store,
      events,
      clock: systemClock,
      newId,
      randomBytes,
      blobs,
      data: unused as never,
      features: unused as Features,
    });
    registry = openRegistry({
      store,
      events,
      clock: systemClock,
      newId,
      blobs,
      data: unused as never,
      features: unused as Features,
      training,
      reports: unused as never,
      guard: async () => undefined,
    });
    await writeFiles(join(folder, 'mlruns'), mlrunsFiles());
  });
  afterEach(() => opened.disposeAsync());

  /** What stands in the tree of artifacts, by path. */
  const filesThere = async (): Promise<Readonly<Record<string, string>>> => {
    const { items } = await training.artifacts.files('');
    const read = async (path: string): Promise<string> =>
      Buffer.concat(await Array.fromAsync(await training.artifacts.open(path))).toString();
    return Object.fromEntries(await Promise.all(items.map(async ({ path }) => [path, await read(path)] as const)));
  };
  const open = (): Promise<Imports> =>
    openImports({
      store,
      clock: systemClock,
      newId: uuidV7(systemClock, randomBytes),
      tracking: training.tracking,
      loggedModels: training.loggedModels,
      artifacts: training.artifacts,
      registry,
    });
  const bring = async (): Promise<RecordImport> => {
    await using imports = await open();
    const { id } = await imports.start({ kind: 'mlflow', source: join(folder, 'mlruns'), by });
    return await imports.wait(id);
  };

  test('brings every record in under its id, with points that are no numbers', async () => {
    const { state, counts, refusals } = await bring();
    assert.deepEqual([state, refusals], ['finished', []]);
    assert.deepEqual(
      Object.fromEntries(
        Object.entries(counts).map(([what, { read, imported, present, refused }]) => [what, [read, imported, present, refused]]),
      ),
      {
        experiments: [3, 3, 0, 0],
        runs: [3, 3, 0, 0],
        parameters: [2, 2, 0, 0],
        tags: [1, 1, 0, 0],
        points: [5, 5, 0, 0],
        datasets: [1, 1, 0, 0],
        versions: [3, 3, 0, 0],
        aliases: [1, 1, 0, 0],
        artifacts: [2, 2, 0, 0],
        models: [1, 1, 0, 0],
      },
    );
    const { tracking } = training;
    const run = await tracking.getRun(ownRunId(runIds.first));
    assert.deepEqual(
      [run.experiment, run.name, run.status, run.user, run.startedAt, run.endedAt],
      ['7', 'run a', 'FINISHED', 'ada', 1000, 2000],
    );
    assert.deepEqual(
      run.parameters.map(({ key, value }) => [key, value]),
      [
        ['depth', '3'],
        ['note', 'two\nlines'],
      ],
    );
    assert.deepEqual(
      [run.datasets[0].dataset.name, run.datasets[0].tags],
      ['customers', [{ key: 'mlflow.data.context', value: 'training' }]],
    );
    const { items } = await tracking.history(ownRunId(runIds.first), 'loss/train');
    assert.deepEqual(
      items.map(({ step, value }) => [step, value]),
      [
        [0, 1],
        [1, 0.5],
        [2, Number.NaN],
        [3, -Infinity],
      ],
    );
    assert.deepEqual(await filesThere(), {
      [`7/${runIds.first}/artifacts/plots/roc.txt`]: 'a curve',
      [`7/models/${modelId}/artifacts/MLmodel`]: 'flavors: {}',
    });
    const model = await training.loggedModels.get(modelId);
    assert.deepEqual(
      [model.name, model.status, model.sourceRun, model.parameters, model.tags],
      ['forest', 'READY', runIds.first, [{ key: 'depth', value: '3' }], [{ key: 'kind', value: 'forest' }]],
    );
    assert.deepEqual(
      model.metrics.map(({ key, value, step, dataset }) => [key, value, step, dataset?.name]),
      [
        ['auc', Number.NaN, 0, undefined],
        ['auc', 0.9, 1, 'customers'],
      ],
    );
    assert.deepEqual(run.models, [{ model: modelId, role: 'output', step: 2 }]);
  });

  test('deletes here what is deleted there', async () => {
    await bring();
    const { tracking } = training;
    assert.equal((await tracking.getRun(ownRunId(runIds.gone))).lifecycle, 'deleted');
    assert.equal((await tracking.getExperiment('8')).lifecycle, 'deleted');
    assert.equal((await tracking.getRun(ownRunId(runIds.thrown))).experiment, '8');
  });

  test('keeps the numbers, stages, tags and aliases of versions, and deletes the one that is deleted there, once', async () => {
    await bring();
    await writeFiles(join(folder, 'mlruns'), { 'models/churn/tags/late': 'yes' });
    const again = await bring();
    assert.deepEqual([again.refusals, again.counts['versions']], [[], { read: 3, imported: 0, present: 3, refused: 0 }]);
    const { items } = await registry.listVersions({ model: 'churn' });
    assert.deepEqual(
      items.map(({ version, stage, description, tags }) => [version, stage, description, tags]),
      [
        [3, 'Staging', 'version 3', { passed: 'yes' }],
        [1, 'None', 'version 1', {}],
      ],
    );
    const { aliases, tags, description } = await registry.getModel('churn');
    assert.deepEqual([aliases, tags, description], [{ best: 3 }, { owner: 'ada', late: 'yes' }, 'who leaves']);
  });

  test('doubles nothing when it is made again, and brings what came since', async () => {
    await bring();
    await writeFiles(join(folder, 'mlruns'), { [`7/${runIds.first}/params/late`]: 'yes' });
    const again = await bring();
    assert.equal(again.state, 'finished');
    assert.deepEqual(again.refusals, []);
    assert.deepEqual(again.counts['runs'], { read: 3, imported: 0, present: 3, refused: 0 });
    const run = await training.tracking.getRun(ownRunId(runIds.first));
    assert.equal(run.parameters.length, 3);
    assert.equal((await training.tracking.history(ownRunId(runIds.first), 'loss/train')).items.length, 4);
    assert.equal((await training.tracking.getRun(ownRunId(runIds.thrown))).lifecycle, 'deleted');
  });

  test('goes on after it was cut short', async () => {
    {
      await using imports = await open();
      const { id } = await imports.start({ kind: 'mlflow', source: join(folder, 'mlruns'), by });
      assert.equal((await imports.cancel(id)).state, 'cancelled');
    }
    assert.equal((await bring()).state, 'finished');
    assert.equal((await training.tracking.history(ownRunId(runIds.first), 'loss/train')).items.length, 4);
  });

  test('says what it cannot read, and takes the rest', async () => {
    await writeFiles(join(folder, 'mlruns'), {
      [`7/${runIds.first}/metrics/broken`]: '1000 much 0\n1001 2 1\n',
      [`7/${'d'.repeat(32)}/meta.yaml`]: '[not: a mapping',
    });
    const { counts, refusals } = await bring();
    assert.deepEqual(refusals.map(({ what }) => what).sort(), [`metric broken of run ${runIds.first}, line 1`, `run ${'d'.repeat(32)}`]);
    assert.equal(counts['points'].imported, 6);
  });

  test('does not follow links out of a folder of artifacts', async () => {
    await writeFile(join(folder, 'secret'), 'secret');
    await symlink(join(folder, 'secret'), join(folder, 'mlruns', '7', runIds.first, 'artifacts', 'link'));
    await bring();
    assert.equal(Object.values(await filesThere()).includes('secret'), false);
  });

  test('reads no folder of this machine that only a record names', async () => {
    await writeFiles(folder, { 'private/key.txt': 'secret' });
    const run = mlrunsFiles()[`7/${runIds.gone}/meta.yaml`];
    await writeFiles(join(folder, 'mlruns'), { [`7/${runIds.gone}/meta.yaml`]: `${run}artifact_uri: ${join(folder, 'private')}\n` });
    const { refusals } = await bring();
    assert.match(refusals[0].why, /--artifacts/);
    assert.equal(Object.values(await filesThere()).includes('secret'), false);
    await using imports = await open();
    const { id } = await imports.start({ kind: 'mlflow', source: join(folder, 'mlruns'), artifacts: join(folder, 'private'), by });
    assert.deepEqual((await imports.wait(id)).refusals, []);
    assert.equal(Object.values(await filesThere()).includes('secret'), true);
  });

  test('refuses what is no source', async () => {
    await using imports = await open();
    const start = (source: string): Promise<unknown> => imports.start({ kind: 'mlflow', source, by });
    await assert.rejects(start('mlruns'), (error) => hasCode(error, 'INVALID_ARGUMENT'));
    await assert.rejects(start(join(folder, 'nothing')), (error) => hasCode(error, 'FAILED_PRECONDITION'));
    await writeFiles(folder, { 'empty/file': '' });
    await assert.rejects(start(join(folder, 'empty')), (error) => hasCode(error, 'FAILED_PRECONDITION'));
    assert.deepEqual(await imports.list(), []);
  });

  test('that a process left running is called interrupted by the next one', async () => {
    const imports = await open();
    const { id } = await imports.start({ kind: 'mlflow', source: join(folder, 'mlruns'), by });
    await using next = await open();
    assert.equal((await next.get(id)).state, 'interrupted');
    await imports[Symbol.asyncDispose]();
  });
});
