import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { permissionsOfRole } from '#access';
import { permissions, roles } from '#contract';
import type { Permission } from '#contract';
import { GyreError } from '#core';
import { publicRoutes, route } from './route.ts';
import type { Route } from './route.ts';
import { assertSafe } from './route.ts';
import { Health } from './shapes.ts';
import { allRoutes } from './table.ts';
import { importFolder } from './testing-imports.ts';
import { openBench } from './testing.ts';
import { turnTheLoop } from './testing-loop.ts';
import type { Bench } from './testing.ts';
import type { Records } from './testing-loop.ts';
import { filledPath } from './testing-paths.ts';
import { ingestImages } from './testing-images.ts';
import type { ImageRecords } from './testing-images.ts';
import { versionFiles } from './testing-workspace.ts';

const table = allRoutes();
const nameOf = ({ method, path }: Route): string => `${method} ${path}`;
const problemOf = async (response: Response): Promise<{ status: number; code: string; detail: string; instance: string }> => {
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  // The assertions that follow read its members.
  return (await response.json()) as { status: number; code: string; detail: string; instance: string };
};

/** A path that exists in form only: `x` for every parameter. */
const somePath = ({ path }: Route): string => path.replaceAll(/:\w+/g, 'x').replace(/\*$/, 'x');

describe('the table of routes', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench[Symbol.asyncDispose]());

  test('refuses to hold a route that names no permission', () => {
    const open = route({
      method: 'GET',
      path: '/api/v1/open',
      permission: 'public',
      tag: 'platform',
      summary: 'x',
      answer: Health,
      handle: () => ({ status: 'ok' as const }),
    });
    assert.throws(() => assertSafe([open]), { code: 'INTERNAL', message: /GET \/api\/v1\/open has to name the permission/ });
  });

  test('knows every public route by name', () => {
    assert.deepEqual(
      table
        .filter(({ permission }) => permission === 'public')
        .map(nameOf)
        .sort(),
      [...publicRoutes].sort(),
    );
  });

  for (const one of allRoutes().filter(({ permission }) => permission !== 'public')) {
    test(`${nameOf(one)} answers 401 to a caller without a token, or with a wrong one`, async () => {
      for (const token of [undefined, 'nonsense', `gyre_${'A'.repeat(43)}`]) {
        const response = await bench.ask(somePath(one), { method: one.method, ...(token === undefined ? {} : { token }) });
        assert.equal(response.status, 401);
        assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer/);
        assert.equal((await problemOf(response)).code, 'UNAUTHENTICATED');
      }
    });

    test(`${nameOf(one)} answers 403 to exactly the roles without the permission "${one.permission}"`, async () => {
      for (const role of roles) {
        // An empty answer of another sort (no such record, a body that does not fit) says that the caller was let in.
        const controller = new AbortController();
        const response = await fetch(bench.address + somePath(one), {
          method: one.method,
          headers: { authorization: `Bearer ${bench.tokens[role]}`, 'content-type': 'application/json' },
          ...(one.method === 'GET' ? {} : { body: '{"unknown member":1}' }),
          signal: controller.signal,
        });
        const may = permissionsOfRole[role].some((held) => held === one.permission);
        assert.equal(response.status === 403, !may, `${role}: ${response.status}`);
        if (!may) {
          const problem = await problemOf(response);
          assert.equal(problem.code, 'PERMISSION_DENIED');
          assert.match(problem.detail, new RegExp(`permission "${one.permission}" is needed`));
        }
        assert.ok(response.status < 500, `${role}: ${response.status}`);
        controller.abort();
      }
    });
  }

  test('asks for every permission somewhere, but for see_personal, which lifts the masks of routes that read', () => {
    const asked = new Set(table.map(({ permission }) => permission));
    assert.deepEqual(
      permissions.filter((permission: Permission) => !asked.has(permission)),
      ['see_personal'],
    );
  });
});

describe('on loopback, without a token', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench({ allowLocal: true });
  });
  after(() => bench[Symbol.asyncDispose]());

  test('the identity `local` may read and log, and nothing else', async () => {
    for (const one of table) {
      if (one.permission === 'public') continue;
      const controller = new AbortController();
      const body = one.method === 'GET' ? {} : { body: '{"unknown member":1}', headers: { 'content-type': 'application/json' } };
      const response = await fetch(bench.address + somePath(one), { method: one.method, ...body, signal: controller.signal });
      const may = one.permission === 'read' || one.permission === 'log';
      assert.equal(response.status === 403, !may, `${nameOf(one)}: ${response.status}`);
      assert.notEqual(response.status, 401);
      controller.abort();
    }
  });

  test('nobody is `local` through a proxy', async () => {
    for (const header of ['x-forwarded-for', 'forwarded', 'via']) {
      assert.equal((await bench.ask('/api/v1/whoami', { headers: { [header]: '203.0.113.7' } })).status, 401);
    }
    assert.equal((await bench.ask('/api/v1/whoami')).status, 200);
  });

  test('a wrong token is wrong, not `local`', async () => {
    assert.equal((await bench.ask('/api/v1/whoami', { token: 'nonsense' })).status, 401);
  });
});

describe('every route that reads', () => {
  let bench: Bench;
  let records: Records;
  let images: ImageRecords;
  let sweep = '';
  let backup = '';
  let job = '';
  let ingestion = '';
  let imported = '';
  let logged = '';
  let changed = '';
  let view = '';
  let report = '';
  let ciRun = '';
  let webhook = '';
  let batch = '';
  let conversion = '';
  let stream = '';
  let agentToken = '';
  let modelFile = '';
  before(async () => {
    const noPython = (): Promise<never> => Promise.reject(new GyreError('FAILED_PRECONDITION', 'there is no Python here'));
    bench = await openBench({
      python: { isAllowed: () => true, open: noPython, converter: noPython },
      kept: { filesAt: async () => ({ files: [{ path: 'model.pkl', ...(await bench.blobs.put(Buffer.from('a pickle'))) }] }) },
    });
    records = await turnTheLoop(bench);
    images = await ingestImages(bench);
    sweep = (await bench.deps.garbage.start({ what: 'blobs', apply: false, by: { identity: 'test', name: 'test' } })).id;
    backup = (await bench.deps.backups.start({ by: { identity: 'test', name: 'test' } })).id;
    job = await versionFiles(bench, 'notes.txt');
    ingestion = (await bench.deps.data.ingestions.list({ dataset: 'photos' })).items[0].id;
    imported = await importFolder(bench);
    const by = { identity: 'test', name: 'test' };
    const hook = { name: 'ci', url: 'https://ci.example.org/hook', topics: ['model_version.created'] as const, by };
    webhook = (await bench.deps.webhooks.create(hook)).id;
    const { training } = bench.deps;
    batch = (await bench.deps.batches.start({ body: { model: records.version.model, input: `dataset:${records.whole}` }, by })).id;
    const { registry } = bench.deps;
    const pickled = await registry.registerVersion({ model: 'pickled', makesModel: true, source: 'mlflow-artifacts:/elsewhere', by });
    conversion = (await registry.conversions.start({ model: 'pickled', version: pickled.version, rows: [{ age: 3 }], by })).id;
    assert.equal((await registry.conversions.wait(conversion)).error, 'there is no Python here');
    const done = await bench.deps.batches.wait(batch);
    assert.equal(done.state, 'finished', done.error ?? '');
    await bench.deps.batchSchedules.set('nightly', { cron: '0 6 * * *', request: done.request }, by);
    const topics = { input: 'nats://broker/customers', output: 'nats://broker/scored' };
    stream = (await bench.deps.streams.start({ body: { model: records.version.model, ...topics }, by })).id;
    const [experiment] = await training.experiments();
    view = (await training.views.save({ name: 'all', query: '', by })).id;
    ciRun = (await bench.deps.ci.start({ branch: 'main', by })).id;
    while ((await bench.deps.ci.get(ciRun)).state === 'running') await new Promise((resolve) => setTimeout(resolve, 10));
    report = (await training.reports.create({ title: 'Runs', text: '# Runs', by })).id;
    logged = (await training.loggedModels.create({ experiment: experiment.id, by })).id;
    const file = new Uint8Array(200).fill(65);
    await training.artifacts.put(`${experiment.id}/models/${logged}/artifacts/model.onnx`, file);
    const { code, environment } = await training.getRun(records.version.run);
    assert.ok(environment !== undefined);
    const patch = (await bench.blobs.put(file)).digest;
    const { fleet, release } = bench.deps;
    agentToken = (await fleet.enrol({ name: 'field', environment: 'production', by })).token;
    const signed = await release.getManifest(records.manifest);
    await fleet.planes.apply({ ...signed, manifest: { ...signed.manifest, environment: 'production' } });
    modelFile = signed.manifest.models[0].files.find(({ path }) => path === 'model.onnx')?.digest ?? '';
    changed = (await training.startRun({ code: { ...code, dirty: true, patch }, environment, by })).id;
  });
  after(() => bench[Symbol.asyncDispose]());

  /** Parameters that name what the loop left; by route where one name means several things. */
  const pathTo = ({ path }: Route): string => {
    const { version } = records;
    if (path.startsWith('/api/v1/datasets/:digest/images') || path.startsWith('/api/v1/datasets/:digest/files'))
      return path.replace(':digest', images.version).replace(':sha256', images.sha256);
    if (path === '/api/v1/runs/:id/patch') return path.replace(':id', changed);
    const ids: Readonly<Record<string, string>> = {
      'charter-versions': records.charter,
      datasets: records.whole,
      'pipeline-runs': records.pipelineRun,
      splits: records.split,
      'quality-reports': records.quality,
      transforms: records.transform,
      studies: records.study,
      runs: version.run,
      'test-reports': records.report,
      models: version.model,
      'model-versions': version.id,
      endpoints: 'test',
      environments: 'test',
      deployments: records.deployment,
      manifests: records.manifest,
      predictions: records.prediction,
      windows: records.window,
      actions: records.action,
      alerts: records.alert,
      identities: 'the-qa',
      'mail-addresses': 'the-qa',
      lineage: version.id,
      'garbage-sweeps': sweep,
      backups: backup,
      imports: imported,
      'logged-models': logged,
      webhooks: webhook,
      'batch-predictions': batch,
      'model-conversions': conversion,
      'batch-schedules': 'nightly',
      'stream-predictions': stream,
      workspace: job,
      views: view,
      reports: report,
      'dataset-ingestions': ingestion,
      'dataset-schemas': 'customers',
      'release-policies': 'default',
      'ci-runs': ciRun,
      agents: 'field',
      agent: modelFile,
    };
    return filledPath(path, ids, version);
  };
  /** What this half of the loop leaves no record of: application tests need a data plane, rollouts two versions, documents a policy, alerts more windows. */
  const unrecorded = new Set([
    '/api/v1/application-tests/:id',
    '/api/v1/application-test-runs/:id',
    '/api/v1/model-images/:id',
    '/api/v1/model-images/:id/archive',
    '/api/v1/attestations/:id/document',
    '/api/v1/rollouts/:id',
    '/login',
    '/api/v1/events/stream',
  ]);

  for (const one of table.filter(({ method, path }) => method === 'GET' && !unrecorded.has(path))) {
    test(`GET ${one.path} answers what its schema says`, async () => {
      const response = await bench.ask(pathTo(one), { token: one.permission === 'pull' ? agentToken : bench.tokens.admin });
      const text = await response.text();
      assert.equal(response.status, 200, text.slice(0, 400));
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
      if (one.answer.kind !== 'json') {
        assert.ok(text.length > 100);
        return;
      }
      const answer: unknown = JSON.parse(text);
      const [fault] = Value.Errors(one.answer.schema, answer);
      assert.equal(fault, undefined, JSON.stringify(fault));
    });
  }

  test('lists come in pages that together are the whole', async () => {
    const whole = await pages(`/api/v1/datasets?limit=1000`);
    assert.ok(whole.length >= 6);
    assert.deepEqual(await pages('/api/v1/datasets?limit=2'), whole);
    for (const list of ['predictions', 'events', 'audit', 'runs', 'pipeline-runs', 'identities', 'models']) {
      const all = await pages(`/api/v1/${list}?limit=1000`);
      assert.ok(all.length > 0, list);
      assert.deepEqual(await pages(`/api/v1/${list}?limit=${Math.max(1, Math.floor(all.length / 3))}`), all, list);
    }
    const events = await pages('/api/v1/events?limit=1000');
    assert.deepEqual(await pages('/api/v1/events?limit=5&first=newest'), [...events].reverse());
  });

  async function pages(first: string): Promise<unknown[]> {
    const items: unknown[] = [];
    for (let path: string | undefined = first; path !== undefined;) {
      const response = await bench.ask(path, { token: bench.tokens.admin });
      // A page, as the schema of every list says; checked above.
      const page = (await response.json()) as { items: unknown[]; next?: string };
      items.push(...page.items);
      path = page.next === undefined ? undefined : `${first}&after=${encodeURIComponent(page.next)}`;
    }
    return items;
  }

  test('rows come by name of column, as far as they go', async () => {
    const response = await bench.ask(`/api/v1/datasets/${records.whole.slice(0, 8)}/rows?limit=3&offset=7040`, {
      token: bench.tokens.stakeholder,
    });
    const answer = (await response.json()) as { rows: Record<string, unknown>[]; total: number; columns: { name: string; type: string }[] };
    assert.equal(answer.total, 7043);
    assert.equal(answer.rows.length, 3);
    assert.deepEqual(
      Object.keys(answer.rows[0]),
      answer.columns.map(({ name }) => name),
    );
    assert.equal(typeof answer.rows[0]['tenure'], 'number');
  });

  test('an explanation’s contributions add up to the margin of the prediction that was logged', async () => {
    const path = `/api/v1/predictions/${records.prediction}`;
    const { outputs } = (await (await bench.ask(path, { token: bench.tokens.qa })).json()) as {
      outputs: { probabilities: Record<string, number> };
    };
    const explanation = (await (await bench.ask(`${path}/explanation`, { token: bench.tokens.qa })).json()) as {
      base: number;
      margin: number;
      contributions: { contribution: number }[];
    };
    const sum = explanation.contributions.reduce((total, { contribution }) => total + contribution, explanation.base);
    assert.ok(Math.abs(sum - explanation.margin) < 1e-6);
    // The margin of a logistic model is the logit of its probability.
    assert.ok(Math.abs(1 / (1 + Math.exp(-explanation.margin)) - outputs.probabilities['Yes']) < 1e-6);
  });

  test('the overview shows every station with its record, and the next thing that waits for somebody', async () => {
    const overview = (await (await bench.ask('/api/v1/overview', { token: bench.tokens.approver })).json()) as {
      models: { model: string; candidate: number; stations: { station: string; state: string; record?: { kind: string; id: string } }[] }[];
      waiting: { what: string; environment?: string; role?: string }[];
      position: number;
    };
    const [model] = overview.models;
    assert.equal(model.model, 'churn');
    assert.equal(model.candidate, 1);
    const stations = Object.fromEntries(model.stations.map((station) => [station.station, station]));
    assert.deepEqual(stations['data'].record, { kind: 'dataset_version', id: records.whole });
    assert.deepEqual(stations['training'].record, { kind: 'run', id: records.version.run });
    assert.deepEqual(stations['test'].record, { kind: 'test_report', id: records.report });
    assert.equal(stations['certificate'].state, 'waiting');
    assert.equal(stations['release'].state, 'waiting');
    assert.equal(stations['live'].state, 'off');
    assert.deepEqual(stations['action'].record, { kind: 'action', id: records.action });
    assert.deepEqual(
      overview.waiting.map(({ what, environment, role }) => ({ what, environment, role })),
      [
        { what: 'application_tests', environment: 'production', role: 'ml-engineer' },
        { what: 'labels', environment: undefined, role: undefined },
      ],
    );
    assert.equal(overview.position, await bench.deps.events.lastPosition());
  });

  test('pages that models wrote run no script and stand in a sandbox', async () => {
    for (const path of [`/api/v1/test-reports/${records.report}/page`, '/api/v1/models/churn/versions/1/card']) {
      const response = await bench.ask(path, { token: bench.tokens.stakeholder });
      assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
      assert.match(response.headers.get('content-security-policy') ?? '', /^sandbox; default-src 'none'/);
      assert.match(await response.text(), /^<!doctype html>/i);
    }
  });

  test('a file of a package has the bytes that its digest names', async () => {
    const { files } = records.version;
    const file = files.find(({ path }) => path.endsWith('.onnx'));
    assert.ok(file !== undefined);
    const response = await bench.ask(`/api/v1/models/churn/versions/1/files/${file.path}`, { token: bench.tokens.operator });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex');
    assert.equal(digest, file.digest);
    assert.equal(response.headers.get('etag'), `"${file.digest}"`);
    assert.match(response.headers.get('content-disposition') ?? '', /^attachment/);
  });

  test('a version deploys without a gate to the environment for tests, and never by that route to one that asks for approval', async () => {
    const body = { modelVersion: 'churn@1', reason: 'again' };
    const refused = await bench.ask('/api/v1/environments/production/deploy', { method: 'POST', token: bench.tokens['ml-engineer'], body });
    assert.equal(refused.status, 409);
    assert.match((await problemOf(refused)).detail, /asks for an approval/);
    const missing = await bench.ask('/api/v1/environments/production/release', { method: 'POST', token: bench.tokens.operator, body });
    assert.equal(missing.status, 409);
    assert.match((await problemOf(missing)).detail, /application tests/);
    const unknown = await bench.ask('/api/v1/environments/moon/deploy', { method: 'POST', token: bench.tokens['ml-engineer'], body });
    assert.equal(unknown.status, 404);
    assert.match((await problemOf(unknown)).detail, /"test", "production"/);
  });

  test('naming a champion needs the permission to release beside the one to build', async () => {
    const body = { alias: 'champion', version: 1 };
    const response = await bench.ask('/api/v1/models/churn/aliases', { method: 'POST', token: bench.tokens['ml-engineer'], body });
    assert.equal(response.status, 403);
    assert.match((await problemOf(response)).detail, /"release" is needed/);
  });

  test('labels are joined once, and wrong ones are refused by name', async () => {
    const token = bench.tokens['data-scientist'];
    const labels = [{ prediction: records.prediction, value: 'No' }];
    const send = (body: unknown) => bench.ask('/api/v1/labels', { method: 'POST', token, body });
    await send({ labels });
    assert.deepEqual(await (await send({ labels })).json(), { joined: 0, unchanged: 1, unmatched: 0 });
    const wrong = await send({ labels: [{ prediction: records.prediction, value: 'Perhaps' }] });
    assert.equal(wrong.status, 400);
    assert.match((await problemOf(wrong)).detail, /Perhaps/);
  });

  test('the log of a step is read by its name', async () => {
    const path = `/api/v1/pipeline-runs/${records.pipelineRun}/steps`;
    assert.deepEqual(await (await bench.ask(`${path}/count/log`, { token: bench.tokens.qa })).json(), { lines: ['counting'] });
    const unknown = await bench.ask(`${path}/nothing/log`, { token: bench.tokens.qa });
    assert.match((await problemOf(unknown)).detail, /it has "count"/);
  });

  test('a source outside the project’s folder is not read, also not through a link', async () => {
    const token = bench.tokens['data-scientist'];
    for (const path of ['/etc/passwd', '../../etc/passwd', '/nowhere/at/all.csv']) {
      const response = await bench.ask('/api/v1/datasets', { method: 'POST', token, body: { dataset: 'other', path } });
      assert.equal(response.status, 403);
      assert.match((await problemOf(response)).detail, /not in the project’s folder/);
    }
    const missing = await bench.ask('/api/v1/datasets', { method: 'POST', token, body: { dataset: 'other', path: 'data/none.csv' } });
    assert.equal(missing.status, 404);
    const known = await bench.ask('/api/v1/datasets', { method: 'POST', token, body: { dataset: 'customers' } });
    const ingested = (await known.json()) as { created: boolean; version: { digest: string } };
    assert.deepEqual({ created: ingested.created, digest: ingested.version.digest }, { created: false, digest: records.whole });
  });
});
