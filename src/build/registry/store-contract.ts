import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Signature } from '#contract';
import { countingIds, hasCode, manualClock, sha256 } from '#core';
import type { ManualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import { openStore } from '#store';
import type { Store, StoreOptions, Tx } from '#store';
import { openLookup } from './lookup.ts';
import { fillEarlierTables } from './migrations/earlier-release.ts';
import { registryMigrations } from './migrations/index.ts';
import type { PlaceGuard, Registry, RegistryDeps } from './port.ts';
import { openRegistry } from './registry.ts';
import { searchTests } from './search-contract.ts';
import { insertModel, modelOf } from './models-store.ts';
import { insertVersion } from './versions-store.ts';
import type { NewVersion } from './versions-store.ts';

const ada = { identity: 'ada', name: 'Ada' };
const signature: Signature = { task: 'regression', inputs: [], outputs: [], classes: [] };

/** What these tests hand to the room where they ask nothing of it: packages are not made here. */
const unused = (): never => assert.fail('no package is made in these tests');

interface Bench extends AsyncDisposable {
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: ManualClock;
  add(model: string, more?: Partial<NewVersion>): Promise<string>;
  eventTypes(): Promise<string[]>;
}

async function openBench(options: StoreOptions, guard: PlaceGuard, inUse?: RegistryDeps['inUse']): Promise<Bench> {
  const store = await openStore(options);
  await store.migrate([eventsMigrations, registryMigrations]);
  const clock = manualClock(Date.UTC(2026, 0, 5));
  const newId = countingIds('id');
  const events = openEvents({ store, clock, newId, source: '/gyre/test' });
  const none: Pick<RegistryDeps, 'data' | 'features' | 'training' | 'reports'> = {
    data: { open: unused, get: unused },
    features: { apply: unused, feeds: unused },
    training: { readModel: unused, readArtifact: unused },
    reports: { getReport: unused, reportJson: unused, judge: unused, openModel: unused },
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
    clock,
    registry: openRegistry({ store, blobs, events, clock, newId, guard, ...(inUse === undefined ? {} : { inUse }), ...none }),
    async add(model, more = {}) {
      const id = newId();
      const row: NewVersion = {
        id,
        model,
        package: sha256(id),
        files: [{ path: 'model.onnx', digest: sha256('onnx'), size: 4 }],
        signature,
        source: 'runs:/run-1',
        location: null,
        flavors: null,
        brought: null,
        run: 'run-1',
        logged_model: null,
        test_report: 'report-1',
        tests_passed: true,
        charter: sha256('charter'),
        description: '',
        stage: 'None',
        run_link: null,
        created_at: clock.now(),
        created_by: ada,
        tags: { stage: 'new' },
        ...more,
      };
      const made = await store.write(async (tx: Tx, args: NewVersion) => {
        if ((await modelOf(tx, args.model)) === undefined)
          await insertModel(tx, { name: args.model, description: '', created_at: args.created_at });
        return insertVersion(tx, args);
      }, row);
      return made.id;
    },
    eventTypes: async () => (await events.read({ limit: 1000 })).map(({ type }) => type),
    [Symbol.asyncDispose]: async () => {
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

const allow: PlaceGuard = () => Promise.resolve(undefined);

/** What the registry's records promise, on every database. @param fixture a place for a store that goes away @param skip why this one cannot be tried here */
export function registryContract(
  name: string,
  fixture: () => Promise<{ readonly options: StoreOptions } & AsyncDisposable>,
  skip?: string,
): void {
  describe(`the registry on ${name}`, { skip: skip ?? false }, () => {
    test('counts versions up for each model', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, allow);
      const first = await bench.add('churn');
      await bench.add('churn', { tests_passed: false });
      await bench.add('fraud');
      const { items } = await bench.registry.listVersions({ model: 'churn' });
      assert.deepEqual(items.map(({ version, testsPassed }) => [version, testsPassed]), [[2, false], [1, true]]); // prettier-ignore
      assert.deepEqual(await bench.registry.getModel('churn'), {
        name: 'churn',
        description: '',
        tags: {},
        aliases: {},
        createdAt: '2026-01-05T00:00:00.000Z',
        updatedAt: '2026-01-05T00:00:00.000Z',
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
      const { package: digest = '' } = await registry.getById(one);
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
      const guard: PlaceGuard = (version, alias) =>
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

    test('a model is created once, described, tagged, renamed with all that is its own, and deleted', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, allow);
      const { registry } = bench;
      const made = await registry.createModel({ name: 'who: leaves?'.replace(':', ''), description: 'd', tags: { team: 'a' }, by: ada });
      assert.deepEqual([made.name, made.description, made.tags, made.latest], ['who leaves?', 'd', { team: 'a' }, undefined]);
      await assert.rejects(registry.createModel({ name: 'who leaves?', by: ada }), (error) => hasCode(error, 'ALREADY_EXISTS'));
      await registry.createModel({ name: 'other', by: ada });
      bench.clock.advance(1000);
      const described = await registry.describeModel({ name: made.name, description: 'new', by: ada });
      assert.deepEqual([described.description, described.updatedAt > described.createdAt], ['new', true]);
      const tagged = await registry.setModelTags({ name: made.name, tags: { team: null, stage: 'x' }, by: ada });
      assert.deepEqual(tagged.tags, { stage: 'x' });
      const id = await bench.add(made.name);
      await registry.setAlias({ model: made.name, alias: 'blue', version: 1, by: ada });
      const rename = (to: string) => registry.renameModel({ name: made.name, to, by: ada });
      await assert.rejects(rename('other'), (error) => hasCode(error, 'ALREADY_EXISTS'));
      const renamed = await rename('leavers');
      assert.deepEqual([renamed.tags, renamed.aliases, renamed.latest], [{ stage: 'x' }, { blue: 1 }, 1]);
      assert.deepEqual([(await registry.getById(id)).model, (await registry.get('leavers', 'blue')).id], ['leavers', id]);
      await assert.rejects(registry.getModel(made.name), (error) => hasCode(error, 'NOT_FOUND'));
      await registry.deleteModel({ name: 'leavers', by: ada });
      await assert.rejects(registry.getModel('leavers'), (error) => hasCode(error, 'NOT_FOUND'));
      assert.equal((await registry.getById(id)).deletedAt, '2026-01-05T00:00:01.000Z');
      await bench.add('leavers');
      assert.deepEqual((await registry.getModel('leavers')).aliases, {});
      assert.deepEqual(
        (await bench.eventTypes()).map((type) => type.replace(/^dev\.gyre\.(.*)\.v1$/, '$1')),
        [
          'registered_model.created',
          'registered_model.created',
          'registered_model.described',
          'registered_model.tagged',
          'model_version.alias_set',
          'registered_model.renamed',
          'model_version.deleted',
          'registered_model.deleted',
        ],
      );
    });

    test('a version from elsewhere has no package; a copy of a version has all that the version has', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, allow);
      const { registry } = bench;
      const source = 's3://bucket/model';
      await assert.rejects(registry.registerVersion({ model: 'churn', source, by: ada }), (error) => hasCode(error, 'NOT_FOUND'));
      await registry.createModel({ name: 'churn', by: ada });
      const one = await registry.registerVersion({ model: 'churn', source, run: 'r', tags: { a: 'b' }, description: 'd', by: ada });
      assert.deepEqual(
        [one.version, one.source, one.package, one.files, one.signature, one.run, one.testsPassed, one.stage, one.tags, one.description],
        [1, source, undefined, [], undefined, 'r', false, 'None', { a: 'b' }, 'd'],
      );
      await registry.createModel({ name: 'copies', by: ada });
      const copy = await registry.registerVersion({ model: 'copies', source: 'models:/churn/1', by: ada });
      assert.deepEqual([copy.source, copy.run], ['models:/churn/1', 'r']);
      assert.equal(await registry.location(copy), source);
      const tested = await bench.add('tested');
      const whole = await registry.getById(tested);
      const packed = await registry.registerVersion({ model: 'copies', source: 'models:/tested/latest', by: ada });
      assert.deepEqual([packed.package, packed.files, packed.testReport], [whole.package, whole.files, undefined]);
      await assert.rejects(registry.registerVersion({ model: 'copies', source: 'models:/churn/9', by: ada }), (error) =>
        hasCode(error, 'NOT_FOUND'),
      );
      assert.deepEqual([await registry.isGoverned('copies'), await registry.isGoverned('tested')], [false, true]);
    });

    test('a deleted version leaves its record, its number is not given again, and its alias is free', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, allow);
      const { registry } = bench;
      const ids = [await bench.add('churn'), await bench.add('churn')];
      await registry.setAlias({ model: 'churn', alias: 'blue', version: 2, by: ada });
      await registry.deleteVersion({ model: 'churn', version: 2, by: ada });
      await assert.rejects(registry.get('churn', 2), (error) => hasCode(error, 'NOT_FOUND') && /the newest is 1/.test(error.message));
      const record = await registry.getById(ids[1]);
      assert.deepEqual([record.aliases, record.deletedAt !== undefined], [[], true]);
      const prefix = record.package?.slice(0, 8) ?? '';
      assert.deepEqual((await registry.byPackagePrefix(prefix)).map(({ id }) => id), [ids[1]]); // prettier-ignore
      assert.deepEqual((await registry.getModel('churn')).aliases, {});
      assert.equal((await registry.get('churn', 'latest')).id, ids[0]);
      await bench.add('churn');
      assert.equal((await registry.get('churn', 'latest')).version, 3);
      await assert.rejects(registry.readFile(ids[1], 'model.onnx'), (error) => /only its record is left/.test(String(error)));
    });

    test('a version that is in use cannot be deleted, nor can its model', async () => {
      await using place = await fixture();
      const inUse: RegistryDeps['inUse'] = ({ version }) => Promise.resolve(version === 1 ? 'is live in "production"' : undefined);
      await using bench = await openBench(place.options, allow, inUse);
      await bench.add('churn');
      await bench.add('churn');
      const live = (error: unknown) => hasCode(error, 'FAILED_PRECONDITION') && error.message.includes('is live in "production"');
      await assert.rejects(bench.registry.deleteVersion({ model: 'churn', version: 1, by: ada }), live);
      await assert.rejects(bench.registry.deleteModel({ name: 'churn', by: ada }), live);
      await bench.registry.deleteVersion({ model: 'churn', version: 2, by: ada });
      assert.equal((await bench.registry.getModel('churn')).latest, 1);
    });

    test('versions move through stages; those that were there are archived on request; each stage has its newest', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, allow);
      const { registry } = bench;
      for (let n = 0; n < 4; n++) await bench.add('churn');
      await bench.add('other');
      const move = (version: number, stage: 'Staging' | 'Archived', archiveOthers = false) =>
        registry.moveToStage({ model: 'churn', version, stage, archiveOthers, by: ada });
      await move(1, 'Staging');
      assert.equal((await move(2, 'Staging')).stage, 'Staging');
      const newest = async () => (await registry.newestOfStages(['churn'])).map(({ version, stage }) => [version, stage]);
      assert.deepEqual(await newest(), [[2, 'Staging'], [4, 'None']]); // prettier-ignore
      bench.clock.advance(1000);
      await move(3, 'Staging', true);
      assert.deepEqual(await newest(), [[2, 'Archived'], [3, 'Staging'], [4, 'None']]); // prettier-ignore
      assert.equal((await registry.get('churn', 1)).updatedAt, '2026-01-05T00:00:01.000Z');
      assert.equal((await registry.getModel('churn')).updatedAt, '2026-01-05T00:00:01.000Z');
    });

    test('champion and Production ask the guard for models that Gyre has judged, and nobody for those that people bring', async () => {
      await using place = await fixture();
      const asked: string[] = [];
      const guard: PlaceGuard = ({ model }, to) => {
        asked.push(`${model} ${to}`);
        return Promise.resolve('nobody has approved it');
      };
      await using bench = await openBench(place.options, guard);
      const { registry } = bench;
      await bench.add('churn');
      await registry.createModel({ name: 'brought', by: ada });
      await registry.registerVersion({ model: 'brought', source: 's3://b/m', by: ada });
      const refused = (error: unknown) => hasCode(error, 'FAILED_PRECONDITION') && error.message.includes('nobody has approved it');
      const churn = { model: 'churn', version: 1, by: ada };
      await assert.rejects(registry.setAlias({ ...churn, alias: 'champion' }), refused);
      await assert.rejects(registry.moveToStage({ ...churn, stage: 'Production' }), refused);
      await registry.setAlias({ ...churn, alias: 'blue' });
      await registry.moveToStage({ ...churn, stage: 'Staging' });
      const brought = { model: 'brought', version: 1, by: ada };
      await registry.setAlias({ ...brought, alias: 'champion' });
      assert.equal((await registry.moveToStage({ ...brought, stage: 'Production' })).stage, 'Production');
      assert.deepEqual(asked, ['churn champion', 'churn Production']);
    });

    test('what an earlier release registered is carried over', async () => {
      await using place = await fixture();
      await using store = await openStore(place.options);
      const files = [{ path: 'model.onnx', digest: sha256('onnx'), size: 4 }];
      const [first] = registryMigrations.migrations;
      await store.migrate([{ room: 'registry', migrations: [first] }]);
      await store.write(fillEarlierTables, { files, signature, by: ada });
      await store.migrate([registryMigrations]);
      const lookup = openLookup(store);
      const { items } = await lookup.listVersions({ model: 'churn' });
      assert.deepEqual(items.map(({ id }) => id), ['v2', 'v1']); // prettier-ignore
      assert.deepEqual(items[1], {
        id: 'v1',
        model: 'churn',
        version: 1,
        source: 'runs:/0198f0a0000070008000000000000001',
        package: sha256('1'),
        files,
        signature,
        run: '0198f0a0-0000-7000-8000-000000000001',
        testReport: 'report-1',
        testsPassed: true,
        charter: sha256('charter'),
        description: '',
        stage: 'None',
        aliases: [],
        tags: {},
        createdAt: '1970-01-01T00:00:00.007Z',
        updatedAt: '1970-01-01T00:00:00.007Z',
        createdBy: ada,
      });
      assert.equal((await lookup.getModel('churn')).latest, 2);
    });

    searchTests(async () => {
      const place = await fixture();
      const bench = await openBench(place.options, allow);
      return {
        ...bench,
        async [Symbol.asyncDispose]() {
          await bench[Symbol.asyncDispose]();
          await place[Symbol.asyncDispose]();
        },
      };
    });
  });
}
