import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { changedQuery, matchRoute } from './route-table.ts';

const routes = [
  { pattern: '/', page: 'home' },
  { pattern: '/models', page: 'models' },
  { pattern: '/models/:name/:version', page: 'version' },
  { pattern: '/files/:path*', page: 'file' },
];

describe('the address', () => {
  test('leads to the page whose pattern it fits as a whole', () => {
    assert.equal(matchRoute(routes, '/')?.page, 'home');
    assert.equal(matchRoute(routes, '/models/')?.page, 'models');
    assert.deepEqual(matchRoute(routes, '/models/churn/2'), { page: 'version', parameters: { name: 'churn', version: '2' } });
    assert.equal(matchRoute(routes, '/models/churn'), undefined);
    assert.equal(matchRoute(routes, '/models/churn/2/more'), undefined);
  });

  test('gives its parts decoded, and survives what cannot be decoded', () => {
    assert.deepEqual(matchRoute(routes, '/models/a%20b/1')?.parameters, { name: 'a b', version: '1' });
    assert.deepEqual(matchRoute(routes, '/models/%E0%A4%A/1')?.parameters, { name: '%E0%A4%A', version: '1' });
    assert.deepEqual(matchRoute(routes, '/files/a/b.json')?.parameters, { path: 'a/b.json' });
  });

  test('keeps the rest of the query when one member changes', () => {
    assert.equal(changedQuery('?sort=-rows&filter=x', { filter: 'a b' }), '?sort=-rows&filter=a+b');
    assert.equal(changedQuery('?sort=-rows&filter=x', { filter: '', sort: undefined }), '');
  });
});
