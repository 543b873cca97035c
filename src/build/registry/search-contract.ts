import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFilter, parseOrderBy } from '#contract';
import type { Actor } from '#contract';
import { hasCode } from '#core';
import type { ManualClock } from '#core';
import type { Registry, Search } from './port.ts';

/** What the tests work with; the suite that they belong to opens it. */
export interface SearchBench extends AsyncDisposable {
  readonly registry: Registry;
  readonly clock: ManualClock;
}

const ada: Actor = { identity: 'ada', name: 'Ada' };
const run = '0198f0a0-0000-7000-8000-000000000001';

function asked(kind: 'registered_model' | 'model_version', filter: string, order: readonly string[], limit: number): Search {
  const [conditions, orders] = [parseFilter(kind, filter), parseOrderBy(kind, order)];
  assert.ok(conditions.ok && orders.ok, filter);
  return { conditions: conditions.value, order: orders.value, limit };
}

/** Registers the tests of searches. @param open a registry that is empty */
export function searchTests(open: () => Promise<SearchBench>): void {
  async function filled(): Promise<SearchBench> {
    const bench = await open();
    const { registry, clock } = bench;
    for (const [name, team] of [['alpha', 'red'], ['Beta', 'blue'], ['beta_2', 'Blue'], ['gamma', undefined]] as const) {
      clock.advance(1000);
      await registry.createModel({ name, ...(team === undefined ? {} : { tags: { team, kind: 'x' } }), by: ada });
    } // prettier-ignore
    await registry.createModel({ name: 'prompt', tags: { 'mlflow.prompt.is_prompt': 'true' }, by: ada });
    for (const model of ['alpha', 'alpha', 'Beta', 'prompt']) {
      clock.advance(1000);
      const tags: Record<string, string> = model === 'prompt' ? { 'mlflow.prompt.is_prompt': 'true' } : { origin: model };
      await registry.registerVersion({ model, source: `s3://b/${model}`, ...(model === 'alpha' ? { run } : {}), tags, by: ada });
    }
    return bench;
  }

  test('models are found by name and tags, as MLflow finds them; prompts only by whoever asks for them', async () => {
    await using bench = await filled();
    const found = async (filter: string, order: readonly string[] = []) =>
      (await bench.registry.searchModels(asked('registered_model', filter, order, 100))).items.map(({ name }) => name);
    assert.deepEqual(await found(''), ['Beta', 'alpha', 'beta_2', 'gamma']);
    assert.deepEqual(await found("name = 'alpha'"), ['alpha']);
    assert.deepEqual(await found("name != 'alpha'"), ['Beta', 'beta_2', 'gamma']);
    assert.deepEqual(await found("name LIKE 'b%'"), ['beta_2']);
    assert.deepEqual(await found("name ILIKE 'B%'"), ['Beta', 'beta_2']);
    assert.deepEqual(await found("tags.team = 'blue'"), ['Beta']);
    assert.deepEqual(await found("tags.team ILIKE 'BLUE' AND tags.kind = 'x'"), ['Beta', 'beta_2']);
    assert.deepEqual(await found("tags.team != 'red'"), ['Beta', 'beta_2']);
    assert.deepEqual(await found('', ['name DESC']), ['gamma', 'beta_2', 'alpha', 'Beta']);
    assert.deepEqual(await found('', ['last_updated_timestamp DESC']), ['Beta', 'alpha', 'gamma', 'beta_2']);
    assert.deepEqual(await found("tags.`mlflow.prompt.is_prompt` = 'true'"), ['prompt']);
    assert.deepEqual(await found("tags.`mlflow.prompt.is_prompt` != 'true'"), ['Beta', 'alpha', 'beta_2', 'gamma']);
  });

  test('versions are found by model, number, run, source and tags', async () => {
    await using bench = await filled();
    const found = async (filter: string, order: readonly string[] = []) =>
      (await bench.registry.searchVersions(asked('model_version', filter, order, 100))).items.map(
        ({ model, version }) => `${model}/${version}`,
      );
    assert.deepEqual(await found(''), ['Beta/1', 'alpha/2', 'alpha/1']);
    assert.deepEqual(await found("name = 'alpha' AND version_number > 1"), ['alpha/2']);
    assert.deepEqual(await found(`run_id = '${run.replaceAll('-', '')}'`), ['alpha/2', 'alpha/1']);
    assert.deepEqual(await found(`run_id IN ('${run.replaceAll('-', '')}', 'other')`), ['alpha/2', 'alpha/1']);
    assert.deepEqual(await found(`run_id != '${run.replaceAll('-', '')}'`), ['Beta/1']);
    assert.deepEqual(await found("source_path = 's3://b/Beta'"), ['Beta/1']);
    assert.deepEqual(await found("tags.origin = 'alpha'", ['version_number ASC']), ['alpha/1', 'alpha/2']);
    assert.deepEqual(await found('', ['name DESC', 'version_number DESC']), ['alpha/2', 'alpha/1', 'Beta/1']);
    assert.deepEqual(await found("tags.`mlflow.prompt.is_prompt` = 'true'"), ['prompt/1']);
  });

  test('pages go on where the one before ended, whatever was registered meanwhile', async () => {
    await using bench = await filled();
    const { registry } = bench;
    for (const order of [[], ['name DESC'], ['last_updated_timestamp DESC']]) {
      const all: string[] = [];
      let after: string | undefined;
      do {
        const search: Search = { ...asked('registered_model', '', order, 1), ...(after === undefined ? {} : { after }) };
        const page = await registry.searchModels(search);
        all.push(...page.items.map(({ name }) => name));
        after = page.next;
      } while (after !== undefined);
      const whole = await registry.searchModels(asked('registered_model', '', order, 100));
      assert.deepEqual(all, whole.items.map(({ name }) => name)); // prettier-ignore
    }
    const first = await registry.searchVersions(asked('model_version', '', [], 1));
    bench.clock.advance(1000);
    await registry.registerVersion({ model: 'gamma', source: 's3://b/g', by: ada });
    const rest = await registry.searchVersions({ ...asked('model_version', '', [], 10), after: first.next ?? '' });
    assert.deepEqual(rest.items.map(({ model, version }) => [model, version]), [['alpha', 2], ['alpha', 1]]); // prettier-ignore
    for (const after of ['x', Buffer.from('["a"]').toString('base64url'), Buffer.from('[1,2,3]').toString('base64url')])
      await assert.rejects(registry.searchVersions({ ...asked('model_version', '', [], 10), after }), (error) =>
        hasCode(error, 'INVALID_ARGUMENT'),
      );
  });

  test('models that may not be seen are left out, and pages are full all the same', async () => {
    await using bench = await filled();
    const { registry } = bench;
    const names = async (rest: boolean, except: readonly string[]) =>
      (await registry.searchModels({ ...asked('registered_model', '', [], 2), reach: { rest, except: new Set(except) } })).items.map(
        ({ name }) => name,
      );
    assert.deepEqual(await names(true, ['Beta']), ['alpha', 'beta_2']);
    assert.deepEqual(await names(false, ['gamma']), ['gamma']);
    assert.deepEqual(await names(false, []), []);
    const versions = await registry.searchVersions({
      ...asked('model_version', '', [], 9),
      reach: { rest: true, except: new Set(['alpha']) },
    });
    assert.deepEqual(versions.items.map(({ model }) => model), ['Beta']); // prettier-ignore
  });
}
