import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Signature } from '#contract';
import { countingIds, hasCode, manualClock, sha256 } from '#core';
import { eventsMigrations, openEvents } from '#events';
import { openStore } from '#store';
import type { Store, StoreOptions } from '#store';
import { registryMigrations } from './migrations/index.ts';
import type { AliasGuard, Registry, RegistryDeps } from './port.ts';
import { openRegistry } from './registry.ts';
import { insertVersion } from './versions-store.ts';
import type { NewVersion } from './versions-store.ts';

const ada = { identity: 'ada', name: 'Ada' };
const signature: Signature = { task: 'regression', inputs: [], outputs: [], classes: [] };

/** What these tests hand to the room where they ask nothing of it: packages are not made here. */
const unused = (): never => assert.fail('no package is made in these tests');

interface Bench extends AsyncDisposable {
  readonly registry: Registry;
  readonly store: Store;
  add(model: string, more?: Partial<NewVersion>): Promise<string>;
  eventTypes(): Promise<string[]>;
}

async function openBench(options: StoreOptions, guard: AliasGuard): Promise<Bench> {
  const store = await openStore(options);
  await store.migrate([eventsMigrations, registryMigrations]);
  const clock = manualClock(Date.UTC(2026, 0, 5));
  const newId = countingIds('id');
  const events = openEvents({ store, clock, newId, source: '/gyre/test' });
  const none: Pick<RegistryDeps, 'data' | 'features' | 'training' | 'reports'> = {
    data: { open: unused, get: unused },
    features: { apply: unused },
    training: { readModel: unused, readArtifact: unused },
    reports: { getReport: unused, reportJson: unused },
  };
  const blobs = {
    put: unused,
    putFile: unused,
    open: unused,
    read: unused,
    stat: unused,
    has: unused,
    localPath: unused,
    verify: unused,
    list: unused,
    renew: unused,
    delete: unused,
  };
  return {
    store,
    registry: openRegistry({ store, blobs, events, clock, newId, guard, ...none }),
    async add(model, more = {}) {
      const id = newId();
      const row: NewVersion = {
        id,
        model,
        package: sha256(id),
        files: [{ path: 'model.onnx', digest: sha256('onnx'), size: 4 }],
        signature,
        run: 'run-1',
        test_report: 'report-1',
        tests_passed: true,
        charter: sha256('charter'),
        created_at: clock.now(),
        created_by: ada,
        tags: { stage: 'new' },
        ...more,
      };
      return (await store.write(insertVersion, row)).version.id;
    },
    eventTypes: async () => (await events.read({ limit: 1000 })).map(({ type }) => type),
    [Symbol.asyncDispose]: async () => {
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

const allow: AliasGuard = () => Promise.resolve(undefined);

/** What the registry's records promise, on every database. @param fixture a place for a store that goes away @param skip why this one cannot be tried here */
export function registryContract(
  name: string,
  fixture: () => Promise<{ readonly options: StoreOptions } & AsyncDisposable>,
  skip?: string,
): void {
  describe(`the registry on ${name}`, { skip: skip ?? false }, () => {
    test('counts versions up for each model, and gives a package its version only once', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, allow);
      const first = await bench.add('churn');
      await bench.add('churn', { description: 'who leaves', tests_passed: false });
      await bench.add('fraud');
      const { items } = await bench.registry.listVersions({ model: 'churn' });
      assert.deepEqual(items.map(({ version, testsPassed }) => [version, testsPassed]), [[2, false], [1, true]]); // prettier-ignore
      assert.equal(await bench.add('churn', { package: items[1].package }), first);
      assert.deepEqual(await bench.registry.getModel('churn'), {
        name: 'churn',
        description: 'who leaves',
        createdAt: '2026-01-05T00:00:00.000Z',
        latest: 2,
      });
      assert.deepEqual((await bench.registry.listModels({ limit: 1 })).next, 'churn');
      assert.deepEqual((await bench.registry.listModels({ after: 'churn' })).items.map((model) => model.name), ['fraud']); // prettier-ignore
      const page = await bench.registry.listVersions({ limit: 2 });
      assert.deepEqual((await bench.registry.listVersions({ limit: 2, after: page.next ?? '' })).items.map(({ id }) => id), [first]); // prettier-ignore
    });

    test('numbers given at the same time differ', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, allow);
      await Promise.all(Array.from({ length: 8 }, () => bench.add('churn')));
      const { items } = await bench.registry.listVersions({ model: 'churn' });
      assert.deepEqual(items.map(({ version }) => version).toSorted((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8]); // prettier-ignore
    });

    test('finds versions by number, alias, latest, run and beginning of the package digest', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, allow);
      const [one, two] = [await bench.add('churn'), await bench.add('churn', { run: 'run-2' })];
      await bench.registry.setAlias({ model: 'churn', alias: 'champion', version: 1, by: ada });
      const { registry } = bench;
      assert.equal((await registry.get('churn', 'champion')).id, one);
      assert.equal((await registry.get('churn', '2')).id, two);
      assert.equal((await registry.get('churn', 'latest')).id, two);
      assert.equal((await registry.aliased('churn', 'champion'))?.id, one);
      assert.equal(await registry.aliased('churn', 'candidate'), undefined);
      assert.deepEqual((await registry.byRun('run-2')).map(({ id }) => id), [two]); // prettier-ignore
      const { package: digest } = await registry.getById(one);
      assert.deepEqual((await registry.byPackagePrefix(digest.slice(0, 8))).map(({ id }) => id), [one]); // prettier-ignore
      const missing = (asked: Promise<unknown>, words: RegExp) =>
        assert.rejects(asked, (error) => hasCode(error, 'NOT_FOUND') && words.test(error.message));
      await missing(registry.get('churn', 7), /has no version 7: the newest is 2/);
      await missing(registry.get('churn', 'candidate'), /"latest", or an alias that is set/);
      await missing(registry.get('curn', 1), /no registered model "curn"; there are "churn"/);
      await missing(registry.getById('nothing'), /"nothing"/);
      await assert.rejects(registry.byPackagePrefix('%'), (error) => hasCode(error, 'INVALID_ARGUMENT'));
    });

    test('an alias moves, says what it named before, and goes; each with its event, none for what changes nothing', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, allow);
      await bench.add('churn');
      const two = await bench.add('churn');
      const { registry } = bench;
      assert.deepEqual((await registry.setAlias({ model: 'churn', alias: 'candidate', version: 1, by: ada })).aliases, ['candidate']);
      await registry.setAlias({ model: 'churn', alias: 'candidate', version: 1, by: ada });
      assert.deepEqual((await registry.setAlias({ model: 'churn', alias: 'candidate', version: 2, by: ada })).aliases, ['candidate']);
      assert.deepEqual((await registry.get('churn', 1)).aliases, []);
      await registry.removeAlias({ model: 'churn', alias: 'candidate', by: ada });
      await registry.removeAlias({ model: 'churn', alias: 'candidate', by: ada });
      assert.deepEqual((await registry.getById(two)).aliases, []);
      assert.deepEqual(await bench.eventTypes(), [
        'dev.gyre.model_version.alias_set.v1',
        'dev.gyre.model_version.alias_set.v1',
        'dev.gyre.model_version.alias_removed.v1',
      ]);
    });

    test('an alias that the guard refuses is not set, and the reason is told', async () => {
      await using place = await fixture();
      const guard: AliasGuard = (version, alias) =>
        Promise.resolve(alias === 'champion' && version.version === 2 ? 'nobody has approved it' : undefined);
      await using bench = await openBench(place.options, guard);
      await bench.add('churn');
      await bench.add('churn');
      await bench.registry.setAlias({ model: 'churn', alias: 'champion', version: 1, by: ada });
      await assert.rejects(
        bench.registry.setAlias({ model: 'churn', alias: 'champion', version: 2, by: ada }),
        (error) => hasCode(error, 'FAILED_PRECONDITION') && error.message.includes('nobody has approved it'),
      );
      assert.equal((await bench.registry.get('churn', 'champion')).version, 1);
      assert.deepEqual((await bench.registry.setAlias({ model: 'churn', alias: 'candidate', version: 2, by: ada })).aliases, ['candidate']);
    });

    test('tags are set, replaced and removed', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, allow);
      const id = await bench.add('churn');
      const tagged = await bench.registry.setTags({
        model: 'churn',
        version: 1,
        tags: { stage: null, team: 'retention', note: 'x' },
        by: ada,
      });
      assert.deepEqual(tagged.tags, { note: 'x', team: 'retention' });
      assert.deepEqual((await bench.registry.setTags({ model: 'churn', version: 1, tags: { note: 'y' }, by: ada })).tags, {
        note: 'y',
        team: 'retention',
      });
      assert.deepEqual((await bench.registry.getById(id)).tags, { note: 'y', team: 'retention' });
      assert.deepEqual(await bench.eventTypes(), ['dev.gyre.model_version.tagged.v1', 'dev.gyre.model_version.tagged.v1']);
    });
  });
}
