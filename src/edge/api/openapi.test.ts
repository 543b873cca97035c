import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { allRoutes } from './table.ts';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

type Json = Record<string, unknown>;
const record = (value: unknown): Json => {
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), JSON.stringify(value));
  return { ...value };
};

describe('the description of the API', () => {
  let bench: Bench;
  let document: Json;
  before(async () => {
    bench = await openBench();
    document = record(await (await bench.ask('/api/openapi.json')).json());
  });
  after(() => bench[Symbol.asyncDispose]());

  test('is OpenAPI 3.1 with every route of the table and no other', () => {
    assert.match(String(document['openapi']), /^3\.1\.\d+$/);
    assert.deepEqual(Object.keys(record(document['info'])).sort(), ['description', 'license', 'title', 'version']);
    const described = Object.entries(record(document['paths'])).flatMap(([path, item]) =>
      Object.keys(record(item)).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const registered = allRoutes().map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}')}`);
    assert.deepEqual(described.sort(), registered.sort());
  });

  test('names each operation once, with its parameters, its answer, its errors and its permission', () => {
    const ids = new Set<unknown>();
    for (const [path, item] of Object.entries(record(document['paths']))) {
      for (const [method, value] of Object.entries(record(item))) {
        const operation = record(value);
        const name = `${method} ${path}`;
        assert.ok(!ids.has(operation['operationId']), name);
        ids.add(operation['operationId']);
        const parameters = operation['parameters'];
        assert.ok(Array.isArray(parameters), name);
        const inPath = parameters.map(record).filter((parameter) => parameter['in'] === 'path');
        assert.deepEqual(
          inPath.map((parameter) => String(parameter['name'])).sort(),
          [...path.matchAll(/\{(\w+)\}/g)].map(([, one]) => one).sort(),
          name,
        );
        for (const parameter of inPath) assert.equal(parameter['required'], true, name);
        const names = parameters.map((parameter) => `${String(record(parameter)['in'])} ${String(record(parameter)['name'])}`);
        assert.equal(new Set(names).size, names.length, name);
        const responses = record(operation['responses']);
        assert.ok('default' in responses && Object.keys(responses).some((status) => /^2\d\d$/.test(status)), name);
        assert.ok('x-permission' in operation || Array.isArray(operation['security']), name);
      }
    }
  });

  test('refers only to shapes that it holds', () => {
    const schemas = record(record(document['components'])['schemas']);
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
    assert.ok(references.length > 50);
    for (const reference of references) assert.ok(reference.replace('#/components/schemas/', '') in schemas, reference);
    // Shapes are named once: written out wherever they are used, each operation would take 3,600 characters.
    assert.ok(JSON.stringify(document).length < 2_500 * allRoutes().length);
  });

  test('is a page to read as well, without scripts or other files', async () => {
    const response = await bench.ask('/api/docs');
    assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/);
    const html = await response.text();
    assert.doesNotMatch(html, /<script|src=|@import|url\(/);
    for (const { path } of allRoutes()) assert.ok(html.includes(`<code>${path}</code>`), path);
  });

  test('figures about requests are counted by route, never by address', async () => {
    await bench.ask('/api/v1/runs/one-of-many', { token: bench.tokens.qa });
    const text = await (await bench.ask('/metrics', { token: bench.tokens.qa })).text();
    assert.match(text, /gyre_http_requests_total\{method="GET",route="\/api\/v1\/runs\/:id",status="404"\} 1/);
    assert.doesNotMatch(text, /one-of-many/);
  });
});
