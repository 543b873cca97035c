import assert from 'node:assert/strict';
import { before, after, describe, test } from 'node:test';
import { openForVerb } from '#app';
import { protocolRoutes } from '#mlflow';
import { temporaryFolder } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { addressesOf, documented, knownRoutes, type Standing, standingOf, tableOf } from './mlflow-routes.ts';
import { pythonMissing } from './python.ts';

describe('the routes of MLflow', () => {
  let server: { readonly address: string; readonly token: string };
  const opened = new AsyncDisposableStack();
  before(async () => {
    const folder = opened.use(await temporaryFolder());
    server = opened.use(await openForVerb({ projectFolder: await smallProject(folder.path, { rows: 20 }), flags: {}, environment: {} }));
  });
  after(() => opened.disposeAsync());

  test('are all in our table, for the newest released client', { skip: pythonMissing }, async () => {
    const ours = new Set(protocolRoutes.map(({ method, path }) => `${method} ${path}`));
    const missing = (await knownRoutes()).map(({ method, path }) => `${method} ${path}`).filter((route) => !ours.has(route));
    assert.deepEqual(missing, [], 'node tools/generate-mlflow-routes.ts takes them in');
  });

  test('are answered, or refused with the protocol’s own 501, the same under /api and /ajax-api, as docs/mlflow.md says', async () => {
    const standings = new Map<(typeof protocolRoutes)[number], Standing>();
    for (const route of protocolRoutes) {
      const found = await Promise.all(addressesOf(route).map((path) => standingOf(server, route.method, path)));
      assert.ok(found[0] !== 'neither' && found.every((one) => one === found[0]), `${route.method} ${route.path}: ${found.join(', ')}`);
      standings.set(route, found[0]);
    }
    assert.equal((await documented()).table.trim(), tableOf(standings).trim(), 'node tools/document-mlflow-routes.ts writes it');
  });
});
